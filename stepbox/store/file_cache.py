"""Keep values that were computed from files until the files change."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

Version = tuple[int, int, int, int]

# Two changes within one tick of the file system's clock (10 ms at most) leave the same times.
SETTLING_NS = 50_000_000


class _Entry(NamedTuple, Generic[T]):
    versions: list[Version | None]
    value: T


class _Flight(NamedTuple, Generic[T]):
    """A value that a thread computes at present; settled: no later change can look the same."""

    versions: list[Version | None]
    settled: bool
    outcome: "Future[T]"


class FileCache(Generic[T]):
    """Values computed from files or folders, each kept until one of its files changes.

    A change is seen by the file's number, size and times, also where another process made it. A
    file that changed within the last 50 ms is read anew each time. Of threads that ask for the same
    value at once one computes it, and the others wait for what comes of it.

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
        self._flights: dict[str, _Flight[T]] = {}
        self._lock = threading.Lock()

    def kept(self, key: str, paths: Sequence[str | Path]) -> T | None:
        """Return the kept value of a key; None where it has to be computed."""
        versions = file_versions(paths)
        with self._lock:
            entry = self._find(key, versions)
        return None if entry is None else entry.value

    def get(self, key: str, paths: Sequence[str | Path], compute: Callable[[], T]) -> T:
        """Return the kept value of a key, or compute it where one of the files has changed.

        Parameters
        ----------
        key
            Name of the value.
        paths
            The files or folders that it depends on; one may be missing.
        compute
            Computes it, never by way of the same key. What it raises goes up to all who wait for
            the value, and nothing is kept.
        """
        while True:
            versions = file_versions(paths)
            with self._lock:
                entry = self._find(key, versions)
                if entry is not None:
                    return entry.value
                flight = self._flights.get(key)
                if flight is None:
                    flight = _Flight(versions, is_settled(versions), Future())
                    self._flights[key] = flight
                    break
            if flight.settled and flight.versions == versions:
                return flight.outcome.result()
            wait([flight.outcome])  # and look again: what it reads may have changed since it began
        return self._compute(key, flight, compute)

    def _compute(self, key: str, flight: _Flight[T], compute: Callable[[], T]) -> T:
        try:
            value = compute()
            cost = self._cost(value)
        except BaseException as error:
            with self._lock:
                del self._flights[key]
            flight.outcome.set_exception(error)
            raise
        with self._lock:
            self._drop(key)
            if flight.settled and cost <= self._limit:
                self._entries[key] = _Entry(flight.versions, value)
                self._total += cost
            while self._total > self._limit:
                self._drop(next(iter(self._entries)))
            del self._flights[key]
        flight.outcome.set_result(value)
        return value

    def forget(self, key: str) -> None:
        """Drop the value of a key, if there is one."""
        with self._lock:
            self._drop(key)

    def _find(self, key: str, versions: list[Version | None]) -> _Entry[T] | None:
        entry = self._entries.get(key)
        if entry is None or entry.versions != versions:
            return None
        self._entries.move_to_end(key)
        return entry

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._total -= self._cost(entry.value)


def file_versions(paths: Sequence[str | Path]) -> list[Version | None]:
    """Tell of each file what changes whenever it does; None where it cannot be looked at."""
    versions: list[Version | None] = []
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
            versions.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
        except OSError:
            versions.append(None)
    return versions


def is_settled(versions: list[Version | None]) -> bool:
    """Tell whether whatever changes from now on gets another version."""
    now = time.time_ns()
    return all(version is None or max(version[2:]) < now - SETTLING_NS for version in versions)
