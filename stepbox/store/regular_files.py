"""Read files that anybody may have put there."""

import os
import stat
from pathlib import Path

from stepbox.errors import DamagedModelError


def read_regular(path: Path | str, limit: int) -> bytes:
    """Read a whole file, whatever it may turn out to be.

    Parameters
    ----------
    path
        The file, or a link to it.
    limit
        Most bytes that it may have; no more are read.

    Raises
    ------
    DamagedModelError
        It is larger, or no regular file: opening a pipe or a device could block for ever.
    OSError
        It is missing or cannot be read.
    """
    size = size_of_regular(path)
    if size > limit:
        raise DamagedModelError(f"it is larger than the {limit:,} bytes that it may have")
    # Without blocking: a pipe may have taken its place since.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
        data = file.read(size + 1)
    if len(data) > size:
        raise DamagedModelError("it grew while it was read")
    return data


def size_of_regular(path: Path | str) -> int:
    """Return a file's size in bytes; raises as `read_regular` does."""
    status = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
    if not stat.S_ISREG(status.st_mode):
        raise DamagedModelError("it is no regular file")
    return status.st_size
