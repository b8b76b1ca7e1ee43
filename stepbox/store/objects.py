"""The interface of storage: bytes under keys, for example in a folder or in memory."""

import errno
import io
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.errors import NotInMemoryError

# Identity, size in bytes, and two times in ns since 1970. For a file, these are inode number, size,
# mtime and ctime. Other stores may use a checksum or a counter as the identity.
Version = tuple[int | str, int, int, int]

PIECE_BYTES = 2**23  # of an object that is copied in pieces; at least 5 MiB for S3

_here = threading.local()


class Entry(NamedTuple):
    """An object in a list.

    Attributes
    ----------
    key
        Its key.
    size
        Its size in bytes.
    modified
        When it was written, in s since 1970, by the clock of the store.
    """

    key: str
    size: int
    modified: float


class Writer(ABC):
    """An object that is written in pieces. It exists once `commit` has returned."""

    @abstractmethod
    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes."""

    @abstractmethod
    def commit(self) -> None:
        """Store the object, and replace an earlier one."""

    @abstractmethod
    def abort(self) -> None:
        """Remove what was written, unless it is stored."""


DOCUMENTS = frozenset({"aliases.json", "card.json"})
"""The last names of the keys of documents: the objects that `update` may change."""


# These errors last until the objects change. Other errors may be temporary.
LASTING = (errno.EACCES, errno.ELOOP)


class ObjectStore(ABC):
    """Bytes under keys.

    A key is a path such as ``m-0123456789ab/card.json``: names joined by slashes. A prefix is the
    part of a key before one of its slashes, such as ``m-0123456789ab``. The empty prefix is a
    prefix of all keys.

    To add a kind of storage, implement the abstract methods. Override the others if the
    storage can do better. `stepbox.store.folder` is one kind of storage, and
    the tests have another, in memory. The tests of the stores run with each of them.

    - Many threads and processes may call all methods at once.
    - When a method returns, what it has written is safe from a power cut.
    - An object is replaced as a whole: a reader gets the old bytes or the new ones.
    - Keys that `check_key` rejects raise ValueError.
    - A missing object raises FileNotFoundError. Something that is not an object, or is larger than
      the limit, raises DamagedModelError. A store that does not answer raises UnavailableError, and
      any other failure OSError.
    """

    reads_at_once = 1
    """How many objects are best read at the same time."""

    def check(self) -> None:  # noqa: B027 - a folder always answers
        """Raise UnavailableError if the store does not answer."""

    @abstractmethod
    def get(self, key: str, limit: int) -> bytes:
        """Return an object of at most `limit` bytes."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Return the size of an object in bytes."""

    @abstractmethod
    def versions(self, keys: Sequence[str]) -> list[Version | None]:
        """Return the version of each object or prefix, or None if it is missing or unreadable.

        A version differs after every change. The version of a prefix changes when a name directly
        below it is added or removed. In the API, this must be fast: each prediction reads three.
        """

    @abstractmethod
    def names(self, prefix: str = "") -> list[str]:
        """Return the names directly below a prefix, of objects and of longer prefixes.

        Without a prefix, names that begin with a dot may be missing.
        """

    @abstractmethod
    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List the objects below a prefix, at any depth and in any order.

        What is still being written is not among them.
        """

    @abstractmethod
    def local_file(self, key: str) -> Path:
        """Return a local file with the content of an object that never changes.

        The file may be removed later, but whoever has opened it can read it to its end.
        """

    @abstractmethod
    def writer(self, key: str) -> Writer:
        """Start to write an object in pieces."""

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Store an object, and replace an earlier one."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove an object; do nothing if it is missing."""

    @abstractmethod
    def update(self, key: str, change: Callable[[bytes | None], bytes | None], limit: int) -> None:
        """Replace a document by the result of `change`.

        Parameters
        ----------
        key
            The document: its last name is one of `DOCUMENTS`.
        change
            Takes the content, or None if the object is missing, and returns the new content.
            Nothing is stored if both are equal, if the result is None, or if `change` raises. No
            other update comes between the read and the write: it waits, or `change` is called
            again with the new content.
        limit
            Largest size of the content that is read, in bytes.
        """

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading in pieces."""
        return io.BytesIO(self.get(key, sys.maxsize))

    def pieces(self, key: str) -> Iterator[bytes]:
        """Read an object piece by piece."""
        with self.open(key) as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def forget_local(self, key: str) -> bool:
        """Remove a copy that `local_file` has made; return whether there was one."""
        return False

    def put_file(self, key: str, path: Path) -> None:
        """Store the content of a file, and remove the file."""
        writer = self.writer(key)
        try:
            with path.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    writer.write(piece)
            writer.commit()
        finally:
            writer.abort()
        path.unlink()

    def map_array(self, key: str) -> NDArray[Any]:
        """Return an array in NumPy's format as a read-only memory map; it must never change.

        Raises ValueError if the object is not such an array.
        """
        array: NDArray[Any] = np.load(self.local_file(key), mmap_mode="r", allow_pickle=False)
        return array

    def move(self, source: str, target: str) -> None:
        """Move an object to another key, and replace an earlier object there.

        If the process is killed during the move, the object may be at both keys.
        """
        self.put(target, self.get(source, sys.maxsize))
        self.delete(source)

    def delete_all(self, prefix: str) -> None:
        """Remove all objects below a prefix, in any order; an error may leave some of them."""
        check_key(prefix)
        for name in self.names(prefix):
            self.delete(f"{prefix}/{name}")
            self.delete_all(f"{prefix}/{name}")

    def remove_unfinished(self, age: float) -> None:  # noqa: B027 - a store may clean up by itself
        """Remove what writers have left that were killed more than `age` seconds ago."""


@contextmanager
def from_memory() -> Iterator[None]:
    """Within this context and thread, raise NotInMemoryError instead of waiting for anything.

    Everything that reads objects or waits for another thread calls `check_may_wait` before.
    """
    before = getattr(_here, "from_memory", False)
    _here.from_memory = True
    try:
        yield
    finally:
        _here.from_memory = before


def check_may_wait(key: str) -> None:
    """Raise NotInMemoryError within `from_memory`."""
    if getattr(_here, "from_memory", False):
        raise NotInMemoryError("this is not in memory", key)


def check_key(key: str) -> None:
    """Raise ValueError if a name in a key is empty, ``.`` or ``..``: it could leave the store."""
    if not {"", ".", ".."}.isdisjoint(key.split("/")):
        raise ValueError(f"{key!r} cannot be the key of an object")


def is_document(key: str) -> bool:
    """Tell whether `update` may change the object of a key."""
    return key.rpartition("/")[2] in DOCUMENTS


def check_document(key: str) -> None:
    """Raise ValueError if a key cannot be that of a document."""
    check_key(key)
    if not is_document(key):
        raise ValueError(f"{key!r} cannot be the key of a document")


def object_store(place: ObjectStore | Path) -> ObjectStore:
    """Return a store as it is, or the `FolderStore` of a folder."""
    from stepbox.store.folder import FolderStore  # imported here: it imports this module

    return place if isinstance(place, ObjectStore) else FolderStore(place)
