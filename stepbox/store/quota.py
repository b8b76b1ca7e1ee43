"""The disk space that uploaded data sets and waiting uploads may take together."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stepbox.errors import StorageFullError, StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Quota:
    """The bytes that all files in a folder may take.

    Parameters
    ----------
    folder
        The folder, which may not exist yet.
    allowed
        Most bytes.

    Attributes
    ----------
    allowed
        Most bytes.
    """

    def __init__(self, folder: Path, allowed: int) -> None:
        self.allowed = allowed
        self._folder = str(folder)

    def used(self) -> int:
        """Return the size of all files in bytes, including what uploads have reserved."""
        return _bytes_in(self._folder)

    def check(self) -> None:
        """Raise StorageFullError if the files take more than is allowed."""
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


def _bytes_in(folder: str) -> int:
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        total += _bytes_in(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:  # removed meanwhile
                    continue
    except FileNotFoundError:
        pass
    return total
