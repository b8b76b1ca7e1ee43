"""The faults of a soak: each has a cause, an end, and a place."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.soak.cluster import BUCKET_PORT, CENTRE, HOSTS, Cluster
from tests.soak.switch import Rule


class Span(NamedTuple):
    """The shortest and the longest duration of a fault, in s."""

    low: float
    high: float


# A lease is lost after 10 s, so some faults are shorter than that and some are longer.
NETWORK = {
    "cut off": Span(3, 16),  # no packet from or to a host arrives
    "deaf": Span(3, 16),  # no packet to a host arrives
    "mute": Span(3, 16),  # no packet from a host arrives
    "lossy": Span(5, 15),  # 30 % of all packets are lost
    "distant": Span(5, 15),  # packets from and to a host take 500 ms
    "bucket unreachable": Span(3, 12),
    "bucket slow": Span(5, 15),  # packets from and to the bucket take 300 ms
}
PROCESSES = {
    "frozen": Span(3, 16),  # all processes of a host stop, and go on later
    "killed": Span(0, 5),  # all processes of a host are killed, and start again
    "clock": Span(5, 20),  # the clock of a host is wrong
    "Redis killed": Span(0, 3),
    "bucket killed": Span(0, 5),
}
# In s. The server of the bucket refuses requests whose time is wrong by more than 15 minutes.
CLOCKS = (-3600, 3600, -600, 600)


@dataclass(frozen=True)
class Fault:
    """A fault that will happen.

    Attributes
    ----------
    kind
        One of `NETWORK` or `PROCESSES`.
    host
        Where it happens, if its kind is about a host.
    clock
        For ``clock``: how many seconds ahead.
    pause, seconds
        How long nothing happens before it, and how long it lasts.
    """

    kind: str
    host: str
    clock: int
    pause: float
    seconds: float


def draw(kinds: Mapping[str, Span], seed: int) -> Iterator[Fault]:
    """Draw faults without end; the same seed draws the same ones."""
    rng = random.Random(seed)
    while True:
        bag = list(kinds)  # so that each kind comes early
        rng.shuffle(bag)
        for kind in bag:
            host, clock = rng.choice(HOSTS), rng.choice(CLOCKS)
            yield Fault(kind, host, clock, rng.uniform(0.5, 4), rng.uniform(*kinds[kind]))


class Injector:
    """Begins and ends the faults of a cluster.

    At most one fault of the network and one of the processes may be active at the same time. Each
    line of the log has the time of the clients' clock.
    """

    def __init__(self, cluster: Cluster, log: Path) -> None:
        self._cluster = cluster
        self._log = log
        self.counts: dict[str, int] = {}

    def run(self, faults: Iterator[Fault], stop: threading.Event) -> None:
        """Let one fault happen after the other, until told to stop; then end the last one."""
        for fault in faults:
            if stop.wait(fault.pause):
                return
            self.begin(fault.kind, fault.host, fault.clock)
            stop.wait(fault.seconds)
            self.end(fault.kind, fault.host)

    def begin(self, kind: str, host: str = CENTRE, clock: int = 0) -> None:
        """Begin a fault."""
        self._note("begins", kind, host, clock)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        machine = self._cluster.network.machines[host]
        match kind:
            case "frozen":
                machine.freeze(frozen=True)
            case "killed":
                machine.switch_off()
            case "clock":
                machine.set_clock(clock)
            case "Redis killed":
                self._cluster.kill_redis()
            case "bucket killed":
                self._cluster.kill_bucket()
            case _:
                self._cluster.network.follow(self._rules(kind, host))

    def end(self, kind: str, host: str = CENTRE) -> None:
        """End a fault."""
        machine = self._cluster.network.machines[host]
        match kind:
            case "frozen":
                machine.freeze(frozen=False)
            case "killed":
                if host == CENTRE:
                    self._cluster.start_redis()
                    self._cluster.start_bucket()
                self._cluster.boot(host)
            case "clock":
                machine.set_clock(0)
            case "Redis killed":
                self._cluster.start_redis()
            case "bucket killed":
                self._cluster.start_bucket()
            case _:
                self._cluster.network.follow([])
        self._note("is over", kind, host)

    def _note(self, *words: object) -> None:
        with self._log.open("a") as log:
            print(round(time.monotonic(), 2), *words, file=log)

    def _rules(self, kind: str, host: str) -> list[Rule]:
        addresses = self._cluster.network.addresses
        everyone, it = tuple(addresses.values()), (addresses[host],)
        rest = tuple(address for address in everyone if address not in it)
        rules: Mapping[str, Callable[[], list[Rule]]] = {
            "cut off": lambda: [Rule(rest, it, loss=1), Rule(it, rest, loss=1)],
            "deaf": lambda: [Rule(rest, it, loss=1)],
            "mute": lambda: [Rule(it, rest, loss=1)],
            "lossy": lambda: [Rule(everyone, everyone, loss=0.3)],
            "distant": lambda: [Rule(rest, it, delay=0.5), Rule(it, rest, delay=0.5)],
            "bucket unreachable": lambda: [Rule(everyone, everyone, loss=1, port=BUCKET_PORT)],
            "bucket slow": lambda: [Rule(everyone, everyone, delay=0.3, port=BUCKET_PORT)],
        }
        return rules[kind]()
