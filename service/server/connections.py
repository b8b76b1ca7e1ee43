"""How many connections a process has, and how slow a client may be.

A client that sends next to nothing, or takes next to nothing, holds no thread here; but what it
holds (a file, some memory) it could hold for ever.
"""

import asyncio
import math
import resource
import socket
import struct
from collections import Counter
from typing import Any, Protocol

HEAD_S = 10  # from a connection's or a request's first byte to the end of the head
BODY_S, BODY_BYTES = 10, 10 * 1024  # each 10 s at least so much of a body: 1 KB/s
ANSWER_S, ANSWER_BYTES = 30, 30 * 1024  # the same of an answer; windows of TCP open in steps
FILES_KEPT = 100  # file descriptors for all that is no connection

_BYTES_ACKED = struct.Struct("120xQ")  # of Linux's tcp_info: what the other side has received


class TooManyError(Exception):
    """There are as many connections as may be."""


class Paced(Protocol):
    """A connection that is looked at once a second."""

    def check_pace(self, now: float) -> None:
        """End it where its client is too slow."""


class Connections:
    """The open connections of this process.

    Parameters
    ----------
    most, most_each
        How many there may be, and how many of one address; fewer where the system opens no more
        files.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._all: dict[Paced, str] = {}
        self._most, self._most_each = min(most, _most_files()), most_each
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Paced, address: str) -> None:
        """Count one; raises TooManyError, and counts it all the same until it is removed."""
        self._all[connection] = address
        self._of_address[address] += 1
        if len(self._all) > self._most:
            raise TooManyError(f"This process has {self._most:,} connections, the most it takes.")
        if self._of_address[address] > self._most_each:
            raise TooManyError(
                f"Your address has {self._most_each:,} connections, the most it may have here."
            )

    def remove(self, connection: Paced) -> None:
        """Forget one."""
        address = self._all.pop(connection, None)
        if address is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    async def watch(self) -> None:
        """Look at all of them once a second, for as long as the process serves."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(1)
            for connection in list(self._all):
                connection.check_pace(now())


class Pace:
    """How fast a client sends and takes.

    Attributes
    ----------
    received
        Bytes that have come in the present window.
    """

    HEAD_TOO_SLOW = f"The head of a request must come within {HEAD_S} s."
    BODY_TOO_SLOW = f"A body must come at {BODY_BYTES // BODY_S:,} bytes a second or faster."

    def __init__(self, now: float) -> None:
        self.received = 0
        self._began = now
        self._taking: tuple[float, int] | None = None  # a time, and what had been taken then

    def begin(self, now: float) -> None:
        """Begin a window: a head or a body begins, or reading goes on."""
        self._began, self.received = now, 0

    def head_is_late(self, now: float) -> bool:
        """Tell whether a head takes too long."""
        return now - self._began >= HEAD_S

    def sends_too_little(self, now: float) -> bool:
        """Tell whether too little of a body came in a window; begin the next one at its end."""
        if now - self._began < BODY_S:
            return False
        too_little = self.received < BODY_BYTES
        self.begin(now)
        return too_little

    def takes_too_little(self, now: float, transport: asyncio.Transport) -> bool:
        """Tell whether the client took too little in a window of the answers that wait for it."""
        if not transport.get_write_buffer_size():
            self._taking = None
            return False
        taken = _bytes_taken(transport)
        if self._taking is None:
            self._taking = now, taken
        began, before = self._taking
        if now - began < ANSWER_S:
            return False
        self._taking = now, taken
        return taken - before < ANSWER_BYTES


def _bytes_taken(transport: asyncio.Transport) -> int:
    connection: Any = transport.get_extra_info("socket")
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
        return int(_BYTES_ACKED.unpack(info)[0])
    except (OSError, struct.error):  # no Linux: what is still to be taken, counted down
        return -transport.get_write_buffer_size()


def open_more_files() -> None:
    """Open as many files as the system allows this process and its children to."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _most_files() -> float:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if most == resource.RLIM_INFINITY else max(1, most - FILES_KEPT)
