"""A bucket whose list of objects a process keeps in memory."""

import errno
import itertools
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from stepbox.errors import UnavailableError
from stepbox.store.bucket import BucketStore
from stepbox.store.bucket_client import ObjectState
from stepbox.store.local_cache import LocalCache
from stepbox.store.objects import Version, check_key, check_may_wait, is_document
from stepbox.store.turns import Turns

if TYPE_CHECKING:
    from obstore import ObjectMeta

WAIT_S = 5.0  # for the first list

States = Mapping[str, ObjectState]


class ListedStore(BucketStore):
    """A bucket that answers from memory which objects there are, and in which version.

    So values that are cached do not need the bucket. Whoever opens the store has to call `refresh`
    when something has changed, and `refresh_all` first of all. Changes by this process are listed
    when the methods return. First names that begin with a dot
    are not listed: the bucket is asked about their objects.

    Parameters
    ----------
    url, cache, patience_s, turns
        As in `BucketStore`.
    announce
        Told the first name of each key that this process has changed.
    start
        Called once, before the list is used for the first time. It makes sure that `refresh_all` is
        called soon.
    """

    def __init__(
        self,
        url: str,
        cache: LocalCache,
        patience_s: float,
        turns: Turns | None,
        announce: Callable[[str], None],
        start: Callable[[], None],
    ) -> None:
        super().__init__(url, cache, patience_s, turns)
        self._announce = announce
        self._start = start
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._started = False
        self._listed = threading.Event()
        self._tickets = itertools.count(1)
        self._all_since = 0  # the ticket of the newest complete list
        self._since: dict[str, int] = {}  # the ticket of the newest list of each first name
        # By first name: the states of the objects, by their whole keys.
        self._objects: dict[str, States] = {}
        self._names_changed = 0
        # First names whose list is older than a change, with the newest ticket at the change.
        self._stale: dict[str, int] = {}

    def refresh_all(self) -> None:
        """List the whole bucket. Raises UnavailableError."""
        ticket = next(self._tickets)
        found: dict[str, dict[str, ObjectState]] = defaultdict(dict)
        for key, item in self.listed().items():
            found[_first_name(key)][key] = _state(key, item)
        with self._lock:
            for name in {*self._objects, *found}:
                if self._since.get(name, 0) < ticket:
                    self._put(name, found.get(name, {}))
            self._since = {name: since for name, since in self._since.items() if since > ticket}
            self._all_since = max(self._all_since, ticket)
        self._listed.set()

    def refresh(self, name: str) -> None:
        """List the objects whose first name is `name`. Raises UnavailableError."""
        ticket = next(self._tickets)
        found = {key: _state(key, item) for key, item in self.listed(name).items()}
        with self._lock:
            if max(self._since.get(name, 0), self._all_since) < ticket:
                self._since[name] = ticket
                self._put(name, found)
                if self._stale.get(name, 0) < ticket:
                    self._stale.pop(name, None)

    def get(self, key: str, limit: int) -> bytes:
        """Read an object; of a document, the version in the list, unless it has been replaced."""
        check_key(key)
        if is_document(key) and not key.startswith("."):
            known = self._below(_first_name(key)).get(key)
            if known:
                with suppress(FileNotFoundError):
                    return self._read(known.place, limit)
        return super().get(key, limit)

    def size(self, key: str) -> int:
        """Return the size of an object from the list."""
        check_key(key)
        if key.startswith("."):
            return super().size(key)
        known = self._below(_first_name(key)).get(key)
        if known is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
        return known.size

    def names(self, prefix: str = "") -> list[str]:
        """Return the names directly below a prefix from the list."""
        if not prefix:
            self._wait()
            with self._lock:
                return list(self._objects)
        check_key(prefix)
        if prefix.startswith("."):
            return super().names(prefix)
        return list(_names_below(self._below(_first_name(prefix)), prefix))

    def _changed(self, key: str) -> None:
        """List the objects that a change by this process concerns, and announce it."""
        name = _first_name(key)
        if name.startswith("."):
            return
        try:
            self.refresh(name)
        except UnavailableError:
            with self._lock:
                self._stale[name] = next(self._tickets)
        # Without the news, the other processes find the change when they list the bucket.
        with suppress(UnavailableError):
            self._announce(name)

    def _version(self, key: str) -> Version | None:
        if not key:
            self._wait()
            return self._names_changed, 0, 0, 0
        if key.startswith("."):
            return super()._version(key)
        below = self._below(_first_name(key))
        if key in below:
            return below[key].version
        names = _names_below(below, key)
        return (" ".join(sorted(names)), 0, 0, 0) if names else None

    def _below(self, name: str) -> States:
        """Return the objects with a first name."""
        self._wait()
        found = self._objects.get(name)
        if name in self._stale or (found is None and not is_document(name)):
            # Perhaps the news of it has not arrived yet. Documents are always looked at, whether
            # they exist or not, so their news have to be enough.
            self.refresh(name)
            found = self._objects.get(name)
        return found or {}

    def _put(self, name: str, found: States) -> None:
        """Replace the list of a first name; the lock is held."""
        if name.startswith("."):
            return
        if (name in self._objects) != bool(found):
            self._names_changed += 1
        if found:
            self._objects[name] = found
        else:
            self._objects.pop(name, None)

    def _wait(self) -> None:
        """Wait until there is a list."""
        if self._listed.is_set():
            return
        check_may_wait("")
        with self._starting:
            if not self._started:
                self._start()
                self._started = True
        if not self._listed.wait(WAIT_S):
            raise UnavailableError("the bucket has not been listed yet", "")


def _state(key: str, item: "ObjectMeta") -> ObjectState:
    state = ObjectState.of(item)
    return state._replace(place=key) if state.place == key else state  # one string, not two


def _first_name(key: str) -> str:
    return key.partition("/")[0]


def _names_below(found: States, prefix: str) -> dict[str, None]:
    """Return the names directly below a prefix, each once."""
    start = f"{prefix}/"
    return {
        key.removeprefix(start).partition("/")[0]: None for key in found if key.startswith(start)
    }
