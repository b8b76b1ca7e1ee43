"""A store whose objects are in the memory of one process, to test what uses a store."""

import errno
import os
import sys
import time
from collections.abc import Callable, Sequence
from threading import RLock

from stepbox.errors import DamagedModelError
from stepbox.store.objects import ObjectStore, Version, check_document, check_key


class MemoryStore(ObjectStore):
    """Objects that are lost when their process ends."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, Version]] = {}
        self._changes = 0
        self._lock = RLock()

    def get(self, key: str, limit: int) -> bytes:
        """Return an object."""
        check_key(key)
        with self._lock:
            if key not in self._objects:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
            data, _ = self._objects[key]
        if len(data) > limit:
            raise DamagedModelError(f"it is larger than the limit of {limit:,} bytes")
        return data

    def size(self, key: str) -> int:
        """Return the size of an object."""
        return len(self.get(key, sys.maxsize))

    def versions(self, keys: Sequence[str]) -> list[Version | None]:
        """Return versions. The identity of an object is the number of its last change."""
        with self._lock:
            return [self._version(key) for key in keys]

    def names(self, prefix: str = "") -> list[str]:
        """Return the names directly below a prefix, each once."""
        start = f"{prefix}/" if prefix else ""
        with self._lock:
            below = [key.removeprefix(start) for key in self._objects if key.startswith(start)]
        return list({name.partition("/")[0]: None for name in below})

    def put(self, key: str, data: bytes) -> None:
        """Store an object."""
        check_key(key)
        with self._lock:
            self._changes += 1
            now = time.time_ns()
            self._objects[key] = (data, (self._changes, len(data), now, now))

    def delete(self, key: str) -> None:
        """Remove an object."""
        check_key(key)
        with self._lock:
            self._changes += 1
            self._objects.pop(key, None)

    def update(self, key: str, change: Callable[[bytes | None], bytes | None], limit: int) -> None:
        """Replace an object while holding the lock."""
        check_document(key)
        with self._lock:
            before = self.get(key, limit) if key in self._objects else None
            after = change(before)
            if after is not None and after != before:
                self.put(key, after)

    def _version(self, key: str) -> Version | None:
        if key in self._objects:
            return self._objects[key][1]
        start = f"{key}/" if key else ""
        times = [of[2] for name, (_, of) in self._objects.items() if name.startswith(start)]
        return (self._changes, 0, max(times), max(times)) if times else None
