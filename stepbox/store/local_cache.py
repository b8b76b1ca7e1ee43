"""Copies of objects on this machine's disk, which its processes share."""

import hashlib
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PART = ".part"  # ends the name of a file that is still being written
PART_KEPT_S = 86_400  # a process that still writes to a file touches it more often


class LocalCache:
    """Files in a folder, named by what they contain; the least recently used are removed first.

    A file that is removed while a process maps it stays on the disk until the map is gone.

    Parameters
    ----------
    folder
        Created with the first file. Nothing else may be in it.
    limit
        Most bytes that the files take together. One file may be larger: then it is the only one.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit

    def find(self, identity: str) -> Path | None:
        """Return the file with this identity, and note its use; None if there is none."""
        path = self._path(identity)
        with suppress(FileNotFoundError):
            os.utime(path)
            return path
        return None

    def keep(self, identity: str, pieces: Iterable[bytes]) -> Path:
        """Write a file piece by piece, and return its path.

        Parameters
        ----------
        identity
            Names the content: two contents never have the same identity.
        pieces
            The content. An error while it arrives leaves nothing behind.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(identity)
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
        try:
            with part.open("wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())  # so that no power cut leaves a shorter file
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        self._make_room(path)
        return path

    def remove(self, identity: str) -> bool:
        """Remove a file; return whether there was one."""
        try:
            self._path(identity).unlink()
        except FileNotFoundError:
            return False
        return True

    def _path(self, identity: str) -> Path:
        return self._folder / hashlib.sha256(identity.encode()).hexdigest()

    def _make_room(self, newest: Path) -> None:
        """Remove files until the rest fits, but not the newest; and parts that nobody writes."""
        found = sorted(_files(self._folder))
        total = sum(file.size for file in found)
        for file in found:
            is_part = file.path.name.endswith(PART)
            if is_part and file.used > time.time() - PART_KEPT_S:
                continue
            if is_part or (total > self._limit and file.path != newest):
                file.path.unlink(missing_ok=True)
                total -= file.size


class _File(NamedTuple):
    used: float
    size: int
    path: Path


def _files(folder: Path) -> Iterator[_File]:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process has removed it
            status = path.stat()
            yield _File(status.st_mtime, status.st_size, path)
