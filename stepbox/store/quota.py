"""The space that uploaded data sets and waiting uploads may take together."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stepbox.errors import StorageFullError, StoreError
from stepbox.store.objects import ObjectStore, object_store

# An empty object named {key}.reserved-{bytes} reserves space for the object with this key.
RESERVED = ".reserved-"

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Quota:
    """The bytes that all objects of a store may take.

    Parameters
    ----------
    place
        An object store, or a folder, which may not exist yet.
    allowed
        Most bytes.

    Attributes
    ----------
    allowed
        Most bytes.
    """

    def __init__(self, place: ObjectStore | Path, allowed: int) -> None:
        self.allowed = allowed
        self._objects = object_store(place)

    def used(self) -> int:
        """Return the size of all objects in bytes, including what is reserved for them."""
        sizes: dict[str, int] = {}
        for entry in self._objects.entries():
            key, _, reserved = entry.key.partition(RESERVED)
            sizes[key] = max(sizes.get(key, 0), int(reserved or entry.size))
        return sum(sizes.values())

    def check(self) -> None:
        """Raise StorageFullError if the objects take more than is allowed."""
        used = self.used()
        if used > self.allowed:
            raise StorageFullError(
                f"The uploaded data sets would take {used:,} bytes with this one, and "
                f"{self.allowed:,} bytes are allowed: delete data sets that nobody needs."
            )


@contextmanager
def saying_why(action: str) -> Iterator[None]:
    """Turn an OSError into StorageFullError if the disk is full, otherwise into StoreError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(f"Cannot {action}: the disk is full.") from None
        raise StoreError(f"cannot {action}: {error.strerror}") from error
