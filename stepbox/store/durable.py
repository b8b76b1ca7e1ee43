"""Write files so that neither a killed process nor a power cut leaves half of one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_file(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on the disk.

    Its name is there for sure only after `sync_folder` of its folder.
    """
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Put new content into a file at once: who reads it sees the old one or the new, whole.

    One process at a time may do so for a path.
    """
    new = path.with_name(f".{path.name}.new")
    write_file(new, data)
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk as they are now."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of that name alone among all threads and processes of this machine.

    The file is made where it is missing, and stays; a lock ends with its process at the latest.
    """
    with open(path, "ab", opener=_open_at_once) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, but no pipe that nobody reads: that would block for ever."""
    return os.open(path, flags | os.O_NONBLOCK, 0o666)
