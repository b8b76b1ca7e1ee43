"""Other machines, for tests: network namespaces, which only some users may make."""

import random
import socket
import subprocess
import sys
from contextlib import ExitStack
from secrets import token_hex


class Host:
    """A network namespace that can reach this one through a cable, which can be cut.

    Attributes
    ----------
    name
        Name of the namespace.
    here
        Address of this end of the cable. Several hosts may exist at the same time, so it is a
        random one of a network for tests of devices (RFC 2544).
    """

    def __init__(self):
        number = token_hex(4)
        self.name, self._cable = f"stepbox-{number}", f"sb{number}"
        network = f"198.{random.randrange(18, 20)}.{random.randrange(256)}"
        first = random.randrange(0, 256, 4)
        self.here, self._there = f"{network}.{first + 1}", f"{network}.{first + 2}"
        self._stack = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            ip("netns", "add", self.name)
            stack.callback(ip, "netns", "delete", self.name)
            peer = ("peer", "name", "eth0", "netns", self.name)
            ip("link", "add", self._cable, "type", "veth", *peer)
            stack.callback(ip, "link", "delete", self._cable)  # with its other end
            ip("address", "add", f"{self.here}/30", "dev", self._cable)
            self._inside("address", "add", f"{self._there}/30", "dev", "eth0")
            self.connect(up=True)
            for device in ("eth0", "lo"):
                self._inside("link", "set", device, "up")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def connect(self, *, up):
        ip("link", "set", self._cable, "up" if up else "down")

    def _inside(self, *arguments):
        ip("-n", self.name, *arguments)


def ip(*arguments):
    """Run ``ip``; raise OSError if it fails or is missing."""
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def why_impossible():
    """Say why no host can be made here that reaches this one; return None if one can be made."""
    try:
        with Host() as host, socket.create_server((host.here, 0)) as server:
            connect = f"import socket; socket.create_connection({server.getsockname()}, 5)"
            ip("netns", "exec", host.name, sys.executable, "-c", connect)
    except OSError as error:
        return str(error)
    return None
