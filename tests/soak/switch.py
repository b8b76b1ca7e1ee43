"""Connect network devices with each other, lose some packets and delay others.

`python -m tests.soak.switch DEVICE=ADDRESS…` makes these devices, and sends the packets to an
address to its device. Each line that it reads is a list of rules in JSON, which replaces the rules
before. It answers each with the line `ok`, once the rules hold. Few kernels of virtual machines can
lose and delay packets themselves, so this is a process. Delayed packets of a rule stay in order.
At the end of stdin, it kills the control groups ``--kill=FOLDER…``: so no machine outlives a test
that was killed.
"""

import argparse
import fcntl
import heapq
import ipaddress
import itertools
import json
import os
import random
import select
import struct
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

MTU = 9000  # bytes: fewer packets cost less time
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h
STDIN = 0


@dataclass(frozen=True)
class Rule:
    """What happens to packets between addresses.

    Attributes
    ----------
    sources, targets
        The addresses.
    loss
        Share of the packets that are lost.
    delay
        Time in s until a packet arrives.
    port
        Only packets from or to this TCP port; None: all.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    loss: float = 0.0
    delay: float = 0.0
    port: int | None = None

    def matches(self, source: str, target: str, ports: tuple[int, ...]) -> bool:
        """Tell whether the rule is about a packet."""
        return (
            source in self.sources
            and target in self.targets
            and (self.port is None or self.port in ports)
        )


def to_line(rules: Iterable[Rule]) -> bytes:
    """Write rules as a line that the switch reads."""
    return json.dumps([asdict(rule) for rule in rules]).encode() + b"\n"


def _open(device: str) -> int:
    file = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
    return file


def _read_header(packet: bytes) -> tuple[str, str, tuple[int, ...]]:
    """Return the source, the target and the TCP ports of a packet of IPv4."""
    source, target = (str(ipaddress.IPv4Address(packet[at : at + 4])) for at in (12, 16))
    start = (packet[0] & 15) * 4
    is_tcp = packet[9] == 6 and len(packet) >= start + 4
    return source, target, struct.unpack("!HH", packet[start : start + 4]) if is_tcp else ()


def switch(files: dict[str, int]) -> None:
    """Pass packets on until stdin is closed; ``files`` has the device of each address."""
    rules: list[Rule] = []
    delayed: list[tuple[float, int, str, bytes]] = []
    numbers = itertools.count()

    def send(target: str, packet: bytes) -> None:
        with suppress(OSError):  # the device is down: its host is off
            os.write(files[target], packet)

    while True:
        wait = max(0.0, delayed[0][0] - time.monotonic()) if delayed else None
        for file in select.select([STDIN, *files.values()], [], [], wait)[0]:
            if file == STDIN:
                line = sys.stdin.readline()
                if not line:
                    return
                rules = [Rule(**rule) for rule in json.loads(line)]
                print("ok", flush=True)
                continue
            packet = os.read(file, 2**16)
            if packet[0] >> 4 != 4:
                continue
            source, target, ports = _read_header(packet)
            if target not in files:
                continue
            held = [rule for rule in rules if rule.matches(source, target, ports)]
            if any(random.random() < rule.loss for rule in held):
                continue
            if delay := sum(rule.delay for rule in held):
                due = time.monotonic() + delay
                heapq.heappush(delayed, (due, next(numbers), target, packet))
            else:
                send(target, packet)
        while delayed and delayed[0][0] <= time.monotonic():
            _, _, target, packet = heapq.heappop(delayed)
            send(target, packet)


def main() -> None:
    """Make the devices, switch, and kill the control groups at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("devices", nargs="+", metavar="DEVICE=ADDRESS")
    parser.add_argument("--kill", action="append", default=[], type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    pairs = [device.split("=") for device in arguments.devices]
    files = {address: _open(device) for device, address in pairs}
    print("ok", flush=True)
    try:
        switch(files)
    finally:
        for group in arguments.kill:
            with suppress(OSError):  # it is already removed
                (group / "cgroup.kill").write_text("1")


if __name__ == "__main__":
    main()
