"""Uploaded files that wait for their import, one per job.

    {job}          the body of the request, as it was sent
    .{job}.part    a body that is still arriving

The API writes the file while the body arrives, and only then submits the job. The worker removes
it when the job has ended. A file without a job is left by a process that was killed.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from stepbox.store.quota import Quota, saying_why

LEFT_AFTER_S = 3600  # a file to which nothing is written for so long becomes no job


class Uploads:
    """The uploaded files in a folder, which the API and the workers share.

    Parameters
    ----------
    folder
        Created with the first upload.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, job: str) -> Path:
        """Return the path of a job's file, which may not exist; the folder exists."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / job

    def receive(self, job: str, size: int, quota: Quota) -> "Receiving":
        """Start to write a job's file.

        Parameters
        ----------
        job
            Id of the job.
        size
            Expected size in bytes, for which there must be room; 0 if it is unknown.
        quota
            The room for all uploads and data sets.

        Raises
        ------
        StorageFullError
            The file does not fit.
        StoreError
            The folder cannot be written.
        """
        with saying_why("write the upload"):
            path = self.path(job)
            return Receiving(path.with_name(f".{job}.part"), path, size, quota)

    def drop(self, job: str) -> None:
        """Remove a job's file, if it exists."""
        path = self.path(job)
        path.unlink(missing_ok=True)
        path.with_name(f".{job}.part").unlink(missing_ok=True)

    def jobs(self) -> list[str]:
        """List the jobs that have files."""
        return [_job_of(path) for path in self._folder.glob("*")]

    def left(self) -> list[str]:
        """List the jobs whose files were last written more than an hour ago."""
        before = time.time() - LEFT_AFTER_S
        found = []
        for path in self._folder.glob("*"):
            with suppress(FileNotFoundError):  # removed meanwhile
                if path.stat().st_mtime < before:
                    found.append(_job_of(path))
        return found


class Receiving:
    """A file that is being written. Made by `Uploads.receive`.

    The space that the quota counts is reserved before the bytes arrive: the file is made longer,
    and `keep` cuts it to its size. So uploads at the same time cannot exceed the quota together.

    Attributes
    ----------
    size
        Bytes written so far.
    """

    def __init__(self, part: Path, path: Path, size: int, quota: Quota) -> None:
        self.size = 0
        self._part, self._path, self._quota = part, path, quota
        self._reserved = 0
        self._file = part.open("wb", buffering=0)
        try:
            self._reserve(size)
        except BaseException:
            self.close()
            raise

    def write(self, data: bytes | bytearray) -> None:
        """Append bytes. Raises StorageFullError and StoreError."""
        with saying_why("write the upload"):
            if self.size + len(data) > self._reserved:
                self._reserve(self.size + len(data))
            rest = memoryview(data)
            while rest:
                written = self._file.write(rest)
                self.size, rest = self.size + written, rest[written:]

    def keep(self) -> str:
        """Give the complete file its name, durably, and return the name: the job's id."""
        with saying_why("write the upload"):
            self._file.truncate(self.size)
            os.fsync(self._file.fileno())
            self._part.rename(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return self._path.name

    def close(self) -> None:
        """Close the file, and remove it unless it is kept."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the kept file."""
        self._path.unlink(missing_ok=True)

    def _reserve(self, size: int) -> None:
        self._file.truncate(size)
        self._reserved = size
        self._quota.check()


def _job_of(path: Path) -> str:
    return path.name.removeprefix(".").removesuffix(".part")
