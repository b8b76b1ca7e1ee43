"""How the processes of the API share the connections that come.

All of them wait at one socket. The first that wakes would take whatever is there, as uvloop's own
server does: of eight clients that come together all may get one process, and the other processors
idle. Here a process takes its share, and leaves the rest for a moment to those that have fewer.
"""

import asyncio
import logging
import mmap
import socket
import struct
from collections.abc import Callable
from typing import Any

import uvloop

log = logging.getLogger(__name__)

PATIENCE_S = 0.01  # for processes with fewer connections to take theirs
RETRY_S = 1.0  # after no file could be opened
PLACES = 256  # for 64 processes, those that take their places, and some that end slowly

_TCP_INFO = struct.Struct("24xI")  # its tcpi_unacked: of a socket that listens, how many wait

# Of each process its connections and one more, or 0 in a free place; for all that are forked.
_counts = memoryview(mmap.mmap(-1, 4 * PLACES)).cast("i")
_place = 0


def take_place() -> int:
    """Take a free place for the process that is forked next; `free_place` is for its end."""
    global _place
    _place = _counts.tolist().index(0)
    _counts[_place] = 1
    return _place


def free_place(place: int) -> None:
    """Forget the process of a place, which has ended."""
    _counts[place] = 0


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

    def _look(self, rested: bool = False) -> None:
        """Take as many connections as make this process's share of all.

        With its share, or where all that wait would be in it, it rests first: others may be about
        to take theirs, or to see that connections of theirs have ended.
        """
        counts = [count - 1 for count in _counts if count]
        waiting = self._waiting()
        share = -(-(sum(counts) + waiting) // len(counts)) - (_counts[_place] - 1)
        if len(counts) > 1 and not rested and (share <= 0 or share >= waiting > 1):
            self._rest(PATIENCE_S, self._look_again)
        else:
            for _ in range(max(1, share)):
                if not self._take():
                    break

    def _look_again(self) -> None:
        self._watch()
        self._look(rested=True)

    def _waiting(self) -> int:
        """Tell how many connections wait to be accepted: one where the system does not say."""
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        (waiting,) = _TCP_INFO.unpack(info)
        return max(1, int(waiting))

    def _take(self) -> bool:
        """Accept one connection, if one is there."""
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another process has it, or it is over
            return False
        except OSError as error:  # too many files are open
            log.error("no connection can be accepted: %s", error.strerror)
            self._rest(RETRY_S, self._watch)
            return False
        _counts[_place] += 1
        beginning = self._loop.create_task(
            self._loop.connect_accepted_socket(self._make_protocol, connection)
        )
        self._begun.add(beginning)
        beginning.add_done_callback(self._begun.discard)
        return True

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
