"""A store whose objects are in the memory of one process, to test what uses a store."""

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp
from threading import RLock
from weakref import finalize

from stepbox.errors import DamagedModelError
from stepbox.store.objects import Entry, ObjectStore, Version, Writer, check_document, check_key


class MemoryStore(ObjectStore):
    """Objects that are lost when their process ends."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, Version]] = {}
        self._changes = 0
        self._lock = RLock()
        self._files = mkdtemp()
        finalize(self, shutil.rmtree, self._files)

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

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List the objects below a prefix."""
        if prefix:
            check_key(prefix)
        start = f"{prefix}/" if prefix else ""
        with self._lock:
            found = [
                Entry(key, len(data), version[2] / 1e9)
                for key, (data, version) in self._objects.items()
                if key.startswith(start)
            ]
        yield from found

    def local_file(self, key: str) -> Path:
        """Write a file for this version of the object."""
        with self._lock:
            data = self.get(key, sys.maxsize)
            path = Path(self._files, str(self._objects[key][1][0]))
            if not path.exists():
                path.write_bytes(data)
        return path

    def writer(self, key: str) -> Writer:
        """Collect the bytes."""
        check_key(key)
        return _MemoryWriter(self, key)

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


class _MemoryWriter(Writer):
    def __init__(self, store: MemoryStore, key: str) -> None:
        self._store, self._key = store, key
        self._data = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._data += data

    def commit(self) -> None:
        self._store.put(self._key, bytes(self._data))

    def abort(self) -> None:
        self._data.clear()
