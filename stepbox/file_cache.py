"""Keep values that were computed from files until the files change."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

Version = tuple[int, int, int, int]

# Two changes within one tick of the file system's clock (10 ms at most) leave the same times.
SETTLING_NS = 50_000_000


class _Entry(NamedTuple, Generic[T]):
    versions: list[Version | None]
    value: T


class FileCache(Generic[T]):
    """Values computed from files or folders, each kept until one of its files changes.

    A change is seen by the file's number, size and times, also where another process made it. A
    file that changed within the last 50 ms is read anew each time. Safe among threads.

    Parameters
    ----------
    limit
        The largest total cost; the values unused for longest make room.
    cost
        Cost of a value; 1 each by default. One that costs more than the limit is not kept.
    """

    def __init__(self, limit: int, cost: Callable[[T], int] = lambda value: 1) -> None:
        self._limit = limit
        self._cost = cost
        self._total = 0
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, paths: Sequence[str | Path], compute: Callable[[], T]) -> T:
        """Return the kept value of a key, or compute it where one of the files has changed.

        Parameters
        ----------
        key
            Name of the value.
        paths
            The files or folders that it depends on; one may be missing.
        compute
            Computes it. What it raises goes up, and nothing is kept.
        """
        versions = _versions(paths)
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.versions == versions:
                self._entries.move_to_end(key)
                return entry.value
        now = time.time_ns()
        value = compute()
        settled = all(v is None or max(v[2:]) < now - SETTLING_NS for v in versions)
        with self._lock:
            self._drop(key)
            if settled and self._cost(value) <= self._limit:
                self._entries[key] = _Entry(versions, value)
                self._total += self._cost(value)
            while self._total > self._limit:
                self._drop(next(iter(self._entries)))
        return value

    def forget(self, key: str) -> None:
        """Drop the value of a key, if there is one."""
        with self._lock:
            self._drop(key)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._total -= self._cost(entry.value)


def _versions(paths: Sequence[str | Path]) -> list[Version | None]:
    """Tell of each file what changes whenever it does; None where it is missing."""
    versions: list[Version | None] = []
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
            versions.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        except (FileNotFoundError, NotADirectoryError):
            versions.append(None)
    return versions
