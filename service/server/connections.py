"""Limit the number of connections, and how slow a client may be.

A slow client holds no thread, but it holds a file descriptor and some memory. Without these limits
it could hold them forever.
"""

import asyncio
import math
import resource
import socket
import struct
from collections import Counter
from typing import Any, Protocol

HEAD_S = 10  # longest time from the start of a connection or a request to the end of the head
BODY_S, BODY_BYTES = 10, 10 * 1024  # of a body, at least 10 KiB in each window of 10 s
# A longer window, because a slow client's TCP accepts new data in large steps.
ANSWER_S, ANSWER_BYTES = 30, 30 * 1024  # of a response
FILES_KEPT = 100  # file descriptors for everything other than connections

_BYTES_ACKED = struct.Struct("120xQ")  # tcpi_bytes_acked: bytes that the client has received


class TooManyError(Exception):
    """The limit on connections is reached."""


class Paced(Protocol):
    """A connection whose pace is checked once a second."""

    def check_pace(self, now: float) -> None:
        """Close the connection if its client is too slow."""


class Connections:
    """The open connections of this process.

    Parameters
    ----------
    most, most_each
        Maximum number of connections, in total and from one address. The system's limit on open
        files may lower both.
    """

    def __init__(self, most: int, most_each: int) -> None:
        self._all: dict[Paced, str] = {}
        self._most, self._most_each = min(most, _most_files()), most_each
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Paced, address: str) -> None:
        """Add and count a connection. Raise TooManyError if there are too many now."""
        self._all[connection] = address
        self._of_address[address] += 1
        if len(self._all) > self._most:
            raise TooManyError(f"This process has {self._most:,} connections, which is its limit.")
        if self._of_address[address] > self._most_each:
            raise TooManyError(
                f"Your address has {self._most_each:,} connections, which is its limit here."
            )

    def remove(self, connection: Paced) -> None:
        """Remove a connection from the counts."""
        address = self._all.pop(connection, None)
        if address is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    async def watch(self) -> None:
        """Check the pace of all connections once a second."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(1)
            for connection in list(self._all):
                connection.check_pace(now())


class Pace:
    """How fast a client sends and receives.

    Attributes
    ----------
    received
        Bytes of a body received in the current window.
    """

    HEAD_TOO_SLOW = f"The head of a request must arrive within {HEAD_S} s."
    BODY_TOO_SLOW = f"A body must arrive at {BODY_BYTES // BODY_S:,} bytes per second or faster."

    def __init__(self, now: float) -> None:
        self.received = 0
        self._began = now
        self._taking: tuple[float, int] | None = None  # start of a window, bytes taken by then

    def begin(self, now: float) -> None:
        """Start a window: at the start of a head or a body, or at the end of a response."""
        self._began, self.received = now, 0

    def lasts(self, now: float) -> float:
        """Return the length of the current window, in seconds."""
        return now - self._began

    def sends_too_little(self, now: float) -> bool:
        """At the end of a window, tell whether too little of a body came, and start another."""
        if self.lasts(now) < BODY_S:
            return False
        too_little = self.received < BODY_BYTES
        self.begin(now)
        return too_little

    def takes_too_little(self, now: float, transport: asyncio.Transport) -> bool:
        """At the end of a window, tell whether the client received too little of a response."""
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
    except (OSError, struct.error):  # not Linux: rises as the buffer empties
        return -transport.get_write_buffer_size()


def open_more_files() -> None:
    """Raise this process's limit on open files to the maximum. Children inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _most_files() -> float:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if most == resource.RLIM_INFINITY else max(1, most - FILES_KEPT)
