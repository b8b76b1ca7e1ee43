"""How the processes of the API share the connections that come.

All of them wait at one socket. The first that wakes would take whatever is there, as uvloop's own
server does: of eight clients that come together all may get one process, and the other processors
idle. Here a process takes one connection at a time, and leaves it for a moment to those that have
fewer.
"""

import asyncio
import logging
import mmap
import socket
from collections.abc import Callable
from typing import Any

import uvloop

log = logging.getLogger(__name__)

PATIENCE_S = 0.005  # for a process with fewer connections to take the next
RETRY_S = 1.0  # after no file could be opened
PLACES = 64

# Of each process its connections and one more, or 0 in a free place; for all that are forked.
_counts = memoryview(mmap.mmap(-1, 4 * PLACES)).cast("i")
_place = 0


def take_place(age: int) -> None:
    """Begin to count, in a process that has just been forked: the one of this number."""
    global _place
    _place = age % PLACES
    _counts[_place] = 1


def free_place(age: int) -> None:
    """Forget the process of this number, which has ended."""
    _counts[age % PLACES] = 0


def count_closed() -> None:
    """Count a connection of this process that has ended."""
    _counts[_place] -= 1


class Listener:
    """Accepts connections; what becomes of them is their protocols' concern.

    Parameters
    ----------
    listening
        A socket that listens already.
    make_protocol
        Makes the protocol of a connection, which calls `count_closed` at its end.
    """

    def __init__(
        self, listening: socket.socket, make_protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = listening
        self._socket.setblocking(False)
        self._make_protocol = make_protocol
        self._begun: set[asyncio.Task[Any]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._watch()

    def _watch(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._look)

    def _look(self) -> None:
        """Take the connection that waits, or let a process with fewer do so."""
        if _counts[_place] > min(filter(None, _counts)):
            self._rest(PATIENCE_S, self._take_and_watch)
        else:
            self._take()

    def _take(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another process has it, or it is over
            return
        except OSError as error:  # too many files are open
            log.error("no connection can be accepted: %s", error.strerror)
            self._rest(RETRY_S, self._watch)
            return
        _counts[_place] += 1
        beginning = self._loop.create_task(
            self._loop.connect_accepted_socket(self._make_protocol, connection)
        )
        self._begun.add(beginning)
        beginning.add_done_callback(self._begun.discard)

    def _take_and_watch(self) -> None:
        self._watch()
        self._take()

    def _rest(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._socket)
        self._pause = self._loop.call_later(seconds, then)

    def close(self) -> None:
        """Accept nothing more."""
        self._loop.remove_reader(self._socket)
        if self._pause is not None:
            self._pause.cancel()

    async def wait_closed(self) -> None:
        """Return at once: the connections are not the listener's."""


class Loop(uvloop.Loop):
    """An event loop whose servers are listeners."""

    async def create_server(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.Protocol], *, sock: socket.socket, **_: Any
    ) -> Listener:
        """Serve a socket that listens already."""
        return Listener(sock, protocol_factory)
