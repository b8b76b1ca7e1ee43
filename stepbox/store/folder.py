"""Objects as files in a folder, which many processes of a machine share."""

import errno
import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from stepbox.errors import DamagedModelError
from stepbox.store.objects import Entry, ObjectStore, Version, Writer, check_document, check_key

# The lock of `update`, the scratch files of imports, and what is still being written.
UNFINISHED = re.compile(r"\..+\.new")
NO_OBJECT = re.compile(rf"\.lock|\.scratch|{UNFINISHED.pattern}")


class FolderStore(ObjectStore):
    """Each object is a file below a folder, and a prefix is a folder.

    Other programs may put files there. A pipe, device or folder in place of an object is rejected
    without opening it, since opening could block forever. A link to a file is read as that file.

    Parameters
    ----------
    folder
        Created with the first object. The file ``.lock`` in it guards `update`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def get(self, key: str, limit: int) -> bytes:
        """Read a whole file."""
        self.size(key)
        with self._open(key) as file:
            size = os.fstat(file.fileno()).st_size  # another file may have replaced the first
            if size > limit:
                raise DamagedModelError(f"it is larger than the limit of {limit:,} bytes")
            data = file.read(size + 1)
        if len(data) > size:
            raise DamagedModelError("it grew while it was being read")
        return data

    def size(self, key: str) -> int:
        """Return the size of a file in bytes."""
        status = _status(self._path(key))
        if not stat.S_ISREG(status.st_mode):
            raise DamagedModelError("it is not a regular file")
        return status.st_size

    def versions(self, keys: Sequence[str]) -> list[Version | None]:
        """Return the inode number, size and times of each file or folder."""
        found: list[Version | None] = []
        for key in keys:
            if ".." in key:
                check_key(key)
            try:
                status = os.stat(f"{self._folder}/{key}")  # noqa: PTH116 - a Path costs more than the call
                found.append(
                    (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                )
            except OSError:
                found.append(None)
        return found

    def names(self, prefix: str = "") -> list[str]:
        """Return the names in a folder."""
        with suppress(FileNotFoundError, NotADirectoryError):
            return os.listdir(self._path(prefix) if prefix else self._folder)  # noqa: PTH208
        return []

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """List the files below a folder. Folders that are links are not entered."""
        try:
            found = [*os.scandir(self._path(prefix) if prefix else self._folder)]
        except (FileNotFoundError, NotADirectoryError):  # perhaps removed meanwhile
            return
        for entry in found:
            if NO_OBJECT.fullmatch(entry.name):
                continue
            key = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from self.entries(key)
                continue
            with suppress(OSError):  # removed meanwhile, or a link to nowhere
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    yield Entry(key, status.st_size, status.st_mtime)

    def local_file(self, key: str) -> Path:
        """Return the file itself."""
        self.size(key)
        return Path(self._path(key))

    def writer(self, key: str) -> Writer:
        """Write a temporary file, then rename it."""
        return _FileWriter(Path(self._path(key)))

    def put(self, key: str, data: bytes) -> None:
        """Write a temporary file, then rename it."""
        writer = self.writer(key)
        try:
            writer.write(data)
            writer.commit()
        finally:
            writer.abort()

    def delete(self, key: str) -> None:
        """Remove a file, unless its folder is a link: then the file belongs to someone else."""
        path = Path(self._path(key))
        if "/" in key and path.parent.is_symlink():
            return
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            path.unlink()
            _sync_folder(path.parent)

    def update(self, key: str, change: Callable[[bytes | None], bytes | None], limit: int) -> None:
        """Replace a file while holding the folder's lock."""
        check_document(key)
        folder = Path(self._folder)
        _make_folder(folder)
        with _locked(folder / ".lock"):
            # Fail before calling `change`, which may delete other objects.
            if not os.access(self._folder, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._folder)
            try:
                before = self.get(key, limit)
            except FileNotFoundError:
                before = None
            after = change(before)
            if after is not None and after != before:
                self.put(key, after)

    def open(self, key: str) -> BinaryIO:
        """Open a file for reading."""
        self.size(key)
        return self._open(key)

    def put_file(self, key: str, path: Path) -> None:
        """Rename a file, which must be on the same disk."""
        target = Path(self._path(key))
        _make_folder(target.parent)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        path.replace(target)
        _sync_folder(target.parent)

    def move(self, source: str, target: str) -> None:
        """Rename a file."""
        old, new = Path(self._path(source)), Path(self._path(target))
        _status(str(old))  # raises if it is missing
        _make_folder(new.parent)
        old.replace(new)
        _sync_folder(new.parent)
        _sync_folder(old.parent)

    def delete_all(self, prefix: str) -> None:
        """Remove a folder and its contents; if it is a link, remove only the link."""
        path = Path(self._path(prefix))
        with suppress(OSError):
            if path.is_symlink():
                path.unlink()
            else:
                shutil.rmtree(path, ignore_errors=True)
            _sync_folder(path.parent)

    def remove_unfinished(self, age: float) -> None:
        """Remove old temporary files."""
        before = time.time() - age
        for folder, _, names in os.walk(self._folder):
            for name in filter(UNFINISHED.fullmatch, names):
                path = Path(folder, name)
                with suppress(OSError):  # removed meanwhile
                    if path.lstat().st_mtime < before:
                        path.unlink()

    def _path(self, key: str) -> str:
        check_key(key)
        return f"{self._folder}/{key}"

    def _open(self, key: str) -> BinaryIO:
        """Open a file, but do not block on a pipe that has just replaced it."""
        return open(os.open(self._path(key), os.O_RDONLY | os.O_NONBLOCK), "rb")  # noqa: PTH123


class _FileWriter(Writer):
    """Writes a temporary file beside the final one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{token_hex(4)}.new")
        _make_folder(path.parent)
        self._file = self._temporary.open("xb", buffering=0)
        self._pending = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def commit(self) -> None:
        """Rename the file once its bytes are on the disk."""
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self._path)
        self._pending = False
        _sync_folder(self._path.parent)

    def abort(self) -> None:
        """Remove the file, unless it has its final name."""
        self._file.close()
        if self._pending:
            self._temporary.unlink(missing_ok=True)
            self._pending = False


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)  # noqa: PTH116 - as above
    except NotADirectoryError as error:
        raise FileNotFoundError(*error.args, error.filename) from error


def _make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, safe from a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Wait until the current names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that only one thread on this machine can have at a time.

    The lock file is created if it is missing, and is never removed. When its process dies, the
    lock is released.
    """
    with open(path, "ab", opener=_open_at_once) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without blocking on a pipe that nobody reads."""
    return os.open(path, flags | os.O_NONBLOCK, 0o666)
