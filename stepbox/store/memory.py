"""Objects in the memory of one process."""

import errno
import io
import os
import time
from collections.abc import Callable, Sequence
from threading import RLock
from typing import BinaryIO, NamedTuple

from stepbox.errors import DamagedModelError
from stepbox.store.objects import ObjectStore, Version, check_key


class _Object(NamedTuple):
    data: bytes
    version: Version


class MemoryStore(ObjectStore):
    """Objects that end with their process: for tests, and to try things out."""

    def __init__(self) -> None:
        self._objects: dict[str, _Object] = {}
        self._changes = 0
        self._lock = RLock()

    def get(self, key: str, limit: int) -> bytes:
        """Return an object."""
        data = self._find(key).data
        if len(data) > limit:
            raise DamagedModelError(f"it is larger than the {limit:,} bytes that it may have")
        return data

    def open(self, key: str) -> BinaryIO:
        """Return a file in memory."""
        return io.BytesIO(self._find(key).data)

    def size(self, key: str) -> int:
        """Return the size of an object."""
        return len(self._find(key).data)

    def versions(self, keys: Sequence[str]) -> list[Version | None]:
        """Return for each object the number of its last change, for each prefix that of any."""
        with self._lock:
            return [self._version(key) for key in keys]

    def names(self, prefix: str = "") -> list[str]:
        """Return the next name of each key with that prefix."""
        with self._lock:
            return list({name.partition("/")[0]: None for name in self._below(prefix)})

    def put(self, key: str, data: bytes) -> None:
        """Store an object."""
        check_key(key)
        with self._lock:
            self._changes += 1
            now = time.time_ns()
            self._objects[key] = _Object(data, (self._changes, len(data), now, now))

    def move(self, source: str, target: str) -> None:
        """Store an object under another key."""
        with self._lock:
            self.put(target, self._find(source).data)
            self.delete(source)

    def delete(self, key: str) -> None:
        """Drop an object."""
        check_key(key)
        with self._lock:
            self._changes += 1
            self._objects.pop(key, None)

    def delete_all(self, prefix: str) -> None:
        """Drop all objects with that prefix."""
        check_key(prefix)
        with self._lock:
            for name in self._below(prefix):
                self.delete(f"{prefix}/{name}")

    def update(self, key: str, change: Callable[[bytes | None], bytes | None], limit: int) -> None:
        """Replace an object while holding the store's lock."""
        with self._lock:
            before = self.get(key, limit) if key in self._objects else None
            after = change(before)
            if after is not None and after != before:
                self.put(key, after)

    def _find(self, key: str) -> _Object:
        check_key(key)
        with self._lock:
            if key not in self._objects:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
            return self._objects[key]

    def _below(self, prefix: str) -> list[str]:
        """Return what follows a prefix and its slash in each key that has it."""
        start = f"{prefix}/" if prefix else ""
        return [key.removeprefix(start) for key in self._objects if key.startswith(start)]

    def _version(self, key: str) -> Version | None:
        if ".." in key:
            check_key(key)
        if key in self._objects:
            return self._objects[key].version
        start = f"{key}/" if key else ""
        below = [one.version for name, one in self._objects.items() if name.startswith(start)]
        written = max((version[2] for version in below), default=0)
        return None if key and not below else (self._changes, 0, written, written)
