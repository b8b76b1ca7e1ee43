"""A cache of values that are computed from objects of a store."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import Generic, NamedTuple, TypeVar

from stepbox.store.objects import ObjectStore, Version, check_may_wait

T = TypeVar("T")

# Two changes within one tick of the file system's clock (at most 10 ms) have the same times.
SETTLING_NS = 50_000_000


class _Entry(NamedTuple, Generic[T]):
    versions: list[Version | None]
    value: T


class _Flight(NamedTuple, Generic[T]):
    """A value being computed. `settled`: whether every later change will give other versions."""

    versions: list[Version | None]
    settled: bool
    outcome: "Future[T]"


class ObjectCache(Generic[T]):
    """Values computed from objects, each cached until one of its objects changes.

    The versions of the objects also show changes by other processes. While an object's version is
    younger than 50 ms, its values are computed at each request. If several threads request the
    same value, one of them computes it, and the others wait for the result.

    Parameters
    ----------
    limit
        Largest total cost. The least recently used values are removed first.
    cost
        Cost of a value; 1 each by default. A value that costs more than the limit is not cached.
    objects
        The store of the objects; None if no value depends on an object.
    """

    def __init__(
        self,
        limit: int,
        cost: Callable[[T], int] = lambda value: 1,
        objects: ObjectStore | None = None,
    ) -> None:
        self._limit = limit
        self._cost = cost
        self._versions = objects.versions if objects else lambda keys: []
        self._total = 0
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._flights: dict[str, _Flight[T]] = {}
        self._lock = threading.Lock()

    def cached(self, name: str, keys: Sequence[str]) -> T | None:
        """Return the cached value of a name; None if it has to be computed."""
        versions = self._versions(keys)
        with self._lock:
            entry = self._find(name, versions)
        return None if entry is None else entry.value

    def forget(self, name: str) -> None:
        """Drop the cached value of a name, if there is one."""
        with self._lock:
            self._drop(name)

    def get(self, name: str, keys: Sequence[str], compute: Callable[[], T]) -> T:
        """Return the cached value of a name, or compute it if one of the objects has changed.

        Parameters
        ----------
        name
            Name of the value.
        keys
            The objects or prefixes that it depends on; they may be missing.
        compute
            Computes the value. It must not request the same name. An error that it raises
            reaches all callers that wait for the value, and is not cached.

        Raises
        ------
        NotInMemoryError
            Within `from_memory`, the value is not cached.
        """
        while True:
            versions = self._versions(keys)
            with self._lock:
                entry = self._find(name, versions)
                if entry is not None:
                    return entry.value
                check_may_wait(name)
                flight = self._flights.get(name)
                if flight is None:
                    flight = _Flight(versions, is_settled(versions), Future())
                    self._flights[name] = flight
                    break
            if flight.settled and flight.versions == versions:
                return flight.outcome.result()
            wait([flight.outcome])  # then check again: the objects may have changed meanwhile
        return self._compute(name, flight, compute)

    def _compute(self, name: str, flight: _Flight[T], compute: Callable[[], T]) -> T:
        try:
            value = compute()
            cost = self._cost(value)
        except BaseException as error:
            with self._lock:
                del self._flights[name]
            flight.outcome.set_exception(error)
            raise
        with self._lock:
            self._drop(name)
            if flight.settled and cost <= self._limit:
                self._entries[name] = _Entry(flight.versions, value)
                self._total += cost
            while self._total > self._limit:
                self._drop(next(iter(self._entries)))
            del self._flights[name]
        flight.outcome.set_result(value)
        return value

    def _find(self, name: str, versions: list[Version | None]) -> _Entry[T] | None:
        entry = self._entries.get(name)
        if entry is None or entry.versions != versions:
            return None
        self._entries.move_to_end(name)
        return entry

    def _drop(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            self._total -= self._cost(entry.value)


def is_settled(versions: list[Version | None]) -> bool:
    """Return whether every later change will give other versions."""
    now = time.time_ns()
    return all(version is None or max(version[2:]) < now - SETTLING_NS for version in versions)
