"""Start, watch and stop servers, including the processes that they start themselves."""

import ctypes
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CORES = 2
PATIENCE_S = 10
_PR_SET_CHILD_SUBREAPER = 36
_RESERVED = 256  # the last ports that this process has given out stay reserved
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_reserved: deque[int] = deque()  # file descriptors of sockets


class NotStartedError(Exception):
    """A server did not start; the message says why."""


def prepare_machine() -> None:
    """Keep this process and its descendants on two cores, and adopt orphaned processes.

    Every process of a server then stays a descendant of this one, even if its parent ends.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def free_port() -> int:
    """Return a port that no process listens on, and that no other caller gets.

    The kernel chooses one of 14,000 ports at random. Without a socket that stays bound to it,
    tests would soon get the same port twice, in this process or in another one. Servers can listen
    on the port nevertheless: they set ``SO_REUSEADDR``, as that socket does.
    """
    if len(_reserved) == _RESERVED:
        os.close(_reserved.popleft())
    with socket.socket() as reserving:
        reserving.bind(("127.0.0.1", 0))
        reserving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port: int = reserving.getsockname()[1]
        _reserved.append(reserving.detach())
    return port


def descendants() -> list[int]:
    """Return the process ids of all descendants of this process."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(") ")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    found, unseen = [], [os.getpid()]
    while unseen:
        below = children.get(unseen.pop(), [])
        found += below
        unseen += below
    return found


def memory() -> int:
    """Return the memory of all descendants in bytes (proportional set size)."""
    return memory_of(descendants())


def memory_of(pids: Iterable[int]) -> int:
    """Return the memory of these processes in bytes (proportional set size)."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            if found := re.search(r"^Pss: +(\d+) kB", rollup, re.M):
                total += int(found[1]) * 1024
    return total


def processor_seconds(pids: Iterable[int] | None = None) -> float:
    """Return the CPU time that processes, by default all descendants, have used, in seconds."""
    ticks = 0
    for pid in descendants() if pids is None else pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks * _TICK_S


class Server:
    """A running command whose output goes to a file.

    Parameters
    ----------
    command
        Command line in shell syntax, without shell operators.
    environment
        Environment variables to add to those of this process.
    log
        File for the output.
    folder
        Working directory.
    """

    def __init__(
        self, command: str, environment: Mapping[str, str], log: Path, folder: Path = ROOT
    ) -> None:
        self.log = log
        self.started = time.perf_counter()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self, lines: int = 1) -> None:
        """Raise NotStartedError, with the last lines of the log, if the command has ended."""
        if self.process.poll() is not None:
            last = self.log.read_text(errors="replace").strip().splitlines()[-lines:]
            words = "\n".join(line[:200] for line in last)
            raise NotStartedError(f"it ended with status {self.process.returncode}: {words}")

    def stop(self, patience_s: float = PATIENCE_S) -> None:
        """Send SIGTERM; if the command does not end in time, kill it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def end_all() -> None:
    """Kill all descendants of this process, and wait until they are gone."""
    while left := descendants():
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        _reap()
    _reap()


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
