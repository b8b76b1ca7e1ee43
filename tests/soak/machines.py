"""Machines for tests: each has a network, processes, and a clock of its own.

They need Linux 5.14 (`cgroup.kill`), root, `ip` (iproute2) and `unshare` (util-linux): network
namespaces, `/dev/net/tun`, and control groups of version 2.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Self

import libfaketime

from tests.faults.hosts import ip
from tests.processes import ROOT, Process, wait_until
from tests.soak.switch import MTU, Rule, to_line

FAKETIME = Path(libfaketime.__file__).parent / "vendor/libfaketime/src/libfaketime.so.1"
MONTH_S = 30 * 24 * 3600
HERE = "here"  # this machine, among the machines of a network
_JOIN = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
# libfaketime names shared memory by process ids, which are only unique within a container. A
# program that ends is started again, as compose and Kubernetes do.
_CONTAINER = 'mount -t tmpfs none /dev/shm && while true; do "$@"; sleep 1; done'


class Machine:
    """A machine of a network, without its processes.

    Attributes
    ----------
    name
        Name of the machine.
    address
        Its address in the network.
    namespace
        Name of its network namespace.
    folder
        Its disk.
    group
        The folder of its control group.
    """

    def __init__(self, name: str, address: str, namespace: str, folder: Path) -> None:
        self.name, self.address = name, address
        self.namespace, self.folder = namespace, folder
        self.group = _cgroup_root() / namespace
        self._clock = folder / "clock"
        self._processes: list[Process] = []

    def switch_on(self) -> None:
        """Make what the processes of the machine run in."""
        self.folder.mkdir(parents=True)
        self.group.mkdir()
        self.set_clock(0)

    def switch_off(self) -> None:
        """Kill all processes of the machine at once, also while it is frozen."""
        (self.group / "cgroup.kill").write_text("1")
        wait_until(lambda: not self._is("populated"), seconds=60, what=f"{self.name} to be off")
        for process in self._processes:
            process.kill_group()
        self._processes.clear()
        self.freeze(frozen=False)

    def remove(self) -> None:
        """Switch the machine off, and remove its control group."""
        self.switch_off()
        self.group.rmdir()

    def freeze(self, *, frozen: bool) -> None:
        """Stop all processes of the machine, or let them go on."""
        (self.group / "cgroup.freeze").write_text(str(int(frozen)))
        what = f"{self.name} to {'freeze' if frozen else 'thaw'}"
        wait_until(lambda: self._is("frozen") == frozen, seconds=60, what=what)

    def set_clock(self, ahead_s: int) -> None:
        """Set the clock of the machine so many seconds ahead of the true time.

        Its processes notice it within a second. Their monotonic clock does not change.
        """
        new = self._clock.with_suffix(".new")
        new.write_text(f"{ahead_s:+d}s\n")
        new.replace(self._clock)

    def start(self, name: str, environment: dict[str, str], *command: str) -> Process:
        """Start a program in a container on the machine, which starts it again when it ends.

        The container has process ids of its own, as those of a real machine would, so that no
        process elsewhere can tell whether a process has died.
        """
        join = ["sh", "-c", _JOIN, str(self.group)]
        within = ["ip", "netns", "exec", self.namespace]
        alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        container = ["sh", "-c", _CONTAINER, "sh"]
        clock = {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._clock),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        inside = ["env", *(f"{key}={value}" for key, value in clock.items()), *command]
        log = self.folder / f"{name}.log"
        process = Process([*join, *within, *alone, *container, *inside], environment, log)
        self._processes.append(process)
        return process

    def _is(self, state: str) -> bool:
        return f"{state} 1" in (self.group / "cgroup.events").read_text()


class Network:
    """Some machines that can reach each other and this one, and what happens to their packets.

    Use it as a context manager.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        self._number = token_hex(3)
        network = f"198.{random.randrange(18, 20)}.{random.randrange(256)}"
        self.addresses = {
            name: f"{network}.{last}" for last, name in enumerate([HERE, *names], start=1)
        }
        self.machines = {
            name: Machine(name, self.addresses[name], f"soak-{self._number}-{name}", folder / name)
            for name in names
        }
        self._stack = ExitStack()
        self._switch: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            devices = {name: f"sb{self._number}{at}" for at, name in enumerate(self.addresses)}
            self._switch = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.soak.switch"]
                    + [f"{devices[name]}={address}" for name, address in self.addresses.items()]
                    + [f"--kill={machine.group}" for machine in self.machines.values()],
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    start_new_session=True,  # it outlives this process, and ends the machines
                )
            )
            self._confirm()
            for name, machine in self.machines.items():
                machine.switch_on()
                stack.callback(machine.remove)
                namespace = machine.namespace
                ip("netns", "add", namespace)
                stack.callback(ip, "netns", "delete", namespace)
                ip("link", "set", devices[name], "netns", namespace)
                _connect(devices[name], machine.address, "-n", namespace)
                ip("-n", namespace, "link", "set", "lo", "up")
            _connect(devices[HERE], self.addresses[HERE])
            stack.callback(self._stop_switch)  # before its devices vanish
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def follow(self, rules: Iterable[Rule]) -> None:
        """Treat packets by these rules from now on, and by no others."""
        self._switch.stdin.write(to_line(rules))
        self._switch.stdin.flush()
        self._confirm()

    def _stop_switch(self) -> None:
        self._switch.stdin.close()
        self._switch.wait()

    def _confirm(self) -> None:
        answer = self._switch.stdout.readline()
        if answer != b"ok\n":
            raise OSError("the switch has ended")


def _connect(device: str, address: str, *where: str) -> None:
    ip(*where, "address", "add", f"{address}/24", "dev", device)
    ip(*where, "link", "set", device, "mtu", str(MTU), "up")


def _cgroup_root() -> Path:
    """Return the folder of the control groups of version 2. Raises OSError."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2" and os.access(folder, os.W_OK):
            return Path(folder)
    raise OSError("no control groups of version 2 can be made")


def why_impossible() -> str | None:
    """Say why no machine can be made here; return None if one can be made."""
    try:
        with tempfile.TemporaryDirectory() as folder, Network(Path(folder), "one") as network:
            machine = network.machines["one"]
            machine.set_clock(-MONTH_S)
            log = machine.start("date", {**os.environ}, "date", "+%s").log
            wait_until(lambda: log.read_text().endswith("\n"), seconds=60, what="a program to run")
            if int(log.read_text().split()[0]) > time.time() - MONTH_S / 2:
                return f"{FAKETIME} has no effect"
            machine.freeze(frozen=True)
    except Exception as error:  # whatever is missing
        return f"{type(error).__name__}: {error}"
    return None
