"""The interface of storage: bytes under keys, in a folder, in memory or in a bucket."""

import io
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

# Identity of an object, its size in bytes, and when it was written and last changed, in ns since
# 1970. The identity of a file is its number; elsewhere it may be a checksum or a count.
Version = tuple[int | str, int, int, int]


class ObjectStore(ABC):
    """Bytes under keys.

    A key is a path such as ``m-0123456789ab/card.json``: names joined by slashes. A prefix is the
    beginning of keys up to a slash, without it: ``m-0123456789ab``; the empty one begins all keys.

    To add a kind of storage, implement the abstract methods. Override `open`, `move` and
    `delete_all` if the storage can do better. `stepbox.store.folder` and `stepbox.store.memory`
    are examples, and the tests of the stores run with each of them.

    - Many threads and processes can call any method at once, but `put` only for different keys.
    - What a method has written outlives a power cut as soon as the method returns.
    - An object is replaced as a whole: a reader gets the old bytes or the new ones.
    - Keys that `check_key` refuses raise ValueError.
    - What is missing raises FileNotFoundError, any other failure OSError, and content that is no
      object or too large DamagedModelError.
    """

    @abstractmethod
    def get(self, key: str, limit: int) -> bytes:
        """Return an object of at most `limit` bytes."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Return the size of an object in bytes."""

    @abstractmethod
    def versions(self, keys: Sequence[str]) -> list[Version | None]:
        """Return for each object or prefix what differs after every change; None if unreadable.

        The version of a prefix changes when a name directly below it comes or goes. This must be
        fast: each prediction asks for three versions.
        """

    @abstractmethod
    def names(self, prefix: str = "") -> list[str]:
        """Return the names directly below a prefix, of objects and of longer prefixes."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Store an object, in place of an earlier one if there is one."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove an object; do nothing if there is none."""

    @abstractmethod
    def update(self, key: str, change: Callable[[bytes | None], bytes | None], limit: int) -> None:
        """Replace an object by what `change` makes of it.

        Parameters
        ----------
        key
            The object.
        change
            Takes the content, or None if there is none, and returns the new content. Nothing is
            stored if both are equal or if `change` raises. No other update of the object happens
            in between: it waits, or `change` is called again with the content that it left.
        limit
            Largest size of the content that is read.
        """

    def open(self, key: str) -> BinaryIO:
        """Open an object, to read it piece by piece."""
        return io.BytesIO(self.get(key, sys.maxsize))

    def move(self, source: str, target: str) -> None:
        """Give an object another key, in place of an earlier object there.

        If the process is killed meanwhile, the object may have both keys.
        """
        self.put(target, self.get(source, sys.maxsize))
        self.delete(source)

    def delete_all(self, prefix: str) -> None:
        """Remove all objects below a prefix, as far as possible and in any order."""
        check_key(prefix)
        for name in self.names(prefix):
            self.delete(f"{prefix}/{name}")
            self.delete_all(f"{prefix}/{name}")


def check_key(key: str) -> None:
    """Raise ValueError unless a key stays below its store."""
    if not {"", ".", ".."}.isdisjoint(key.split("/")):
        raise ValueError(f"{key!r} is no key of an object")


def object_store(place: ObjectStore | Path) -> ObjectStore:
    """Return a store itself, or the store in a folder."""
    from stepbox.store.folder import FolderStore  # which imports this module

    return place if isinstance(place, ObjectStore) else FolderStore(place)
