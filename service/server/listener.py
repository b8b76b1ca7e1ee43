"""How the processes of the API share the connections that come.

All of them wait at one socket. The first that wakes would take whatever is there, as uvloop's own
server does: of eight clients that come together all may get one process, and the other processors
idle. Here a process takes its share, and leaves the rest for a moment to those that have fewer.
"""

import asyncio
import logging
import math
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

# Of the process in each place what it does and how many connections it has, for all to see.
_FREE, _SERVING, _ENDING = range(3)
_shared = memoryview(mmap.mmap(-1, 8 * PLACES)).cast("i")
_states, _counts = _shared[:PLACES], _shared[PLACES:]
_place = 0


def take_place() -> int:
    """Take a free place for the process that is forked next; `free_place` is for its end."""
    global _place
    _place = _states.tolist().index(_FREE)
    _states[_place], _counts[_place] = _SERVING, 0
    return _place


def free_place(place: int) -> None:
    """Forget the process of a place, which has ended."""
    _states[place] = _FREE


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
        self._loop.add_reader(self._socket, self._accept_share)

    def _accept_share(self, patient: bool = True) -> None:
        """Accept as many connections as make this process's share of all, those that wait too.

        One that has its share leaves others the time to take theirs. So does one whose share would
        be all that wait: maybe others do not know yet that connections of theirs have ended.
        """
        counts = [count for state, count in zip(_states, _counts, strict=True) if state == _SERVING]
        waiting = self._waiting()
        share = math.ceil((sum(counts) + waiting) / len(counts)) - _counts[_place]
        if patient and len(counts) > 1 and (share <= 0 or share >= waiting > 1):
            self._pause_for(PATIENCE_S, self._accept_share_now)
        else:
            for _ in range(max(1, share)):
                if not self._accept():
                    break

    def _accept_share_now(self) -> None:
        self._watch()
        self._accept_share(patient=False)

    def _waiting(self) -> int:
        """Tell how many connections wait to be accepted: one where the system does not say."""
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        except OSError:
            return 1
        (waiting,) = _TCP_INFO.unpack(info)
        return max(1, int(waiting))

    def _accept(self) -> bool:
        """Accept one connection, if one is there."""
        try:
            connection, _ = self._socket.accept()
        except (BlockingIOError, ConnectionAbortedError):  # another process has it, or it is over
            return False
        except OSError as error:  # too many files are open
            log.error("no connection can be accepted: %s", error.strerror)
            self._pause_for(RETRY_S, self._watch)
            return False
        _counts[_place] += 1
        beginning = self._loop.create_task(
            self._loop.connect_accepted_socket(self._make_protocol, connection)
        )
        self._begun.add(beginning)
        beginning.add_done_callback(self._begun.discard)
        return True

    def _pause_for(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._socket)
        self._pause = self._loop.call_later(seconds, then)

    def close(self) -> None:
        """Accept nothing more, and let the others share what comes."""
        _states[_place] = _ENDING
        self._loop.remove_reader(self._socket)
        if self._pause is not None:
            self._pause.cancel()

    async def wait_closed(self) -> None:
        """Return at once: the connections are not the listener's."""


class Loop(uvloop.Loop):
    """An event loop whose servers are listeners."""

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        *,
        sock: socket.socket,
        ssl: Any = None,
        **_: Any,
    ) -> Listener:
        """Serve a socket that listens already; TLS is for a proxy in front."""
        if ssl is not None:
            raise ValueError("TLS is not spoken here")
        return Listener(sock, protocol_factory)
