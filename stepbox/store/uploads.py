"""Uploaded files that wait for their import, one per job.

    .uploads/{job}                     the body of the request, as it was sent
    .uploads/{job}.reserved-{bytes}    while a body arrives: the space that it will take
    .uploads/{job}.owner-{owner}       says whose it is, unless nobody owns it

The API writes the file while the body arrives, and only then submits the job. The worker removes
it when the job has ended. A file without a job is left by a process that was killed.
"""

import time
from contextlib import suppress
from pathlib import Path

from stepbox.errors import StorageFullError, UnavailableError
from stepbox.store.objects import ObjectStore, object_store
from stepbox.store.quota import OWNER, RESERVED, Quota, saying_why

FOLDER = ".uploads"


class Uploads:
    """The uploaded files in a store, which the API and the workers share.

    Parameters
    ----------
    place
        An object store, or a folder, which is created with the first upload.
    """

    def __init__(self, place: ObjectStore | Path) -> None:
        self._objects = object_store(place)

    def receive(self, job: str, size: int, quota: Quota, owner: str | None = None) -> "Receiving":
        """Start to write a job's file.

        Parameters
        ----------
        job
            Id of the job.
        size
            Expected size in bytes, for which there must be room; 0 if it is unknown.
        quota
            The room for all uploads and data sets.
        owner
            Whose file it is; None if nobody owns it.

        Raises
        ------
        StorageFullError
            The file does not fit.
        StoreError
            The store cannot be written.
        """
        with saying_why("write the upload"):
            return Receiving(self._objects, job, size, quota, owner)

    def file(self, job: str) -> Path:
        """Return a local file with what was uploaded; raise FileNotFoundError if it is gone."""
        return self._objects.local_file(f"{FOLDER}/{job}")

    def drop(self, job: str) -> None:
        """Remove a job's file, and all that belongs to it, if it exists."""
        for name in self._objects.names(FOLDER):
            if _job_of(name) == job:
                self._objects.delete(f"{FOLDER}/{name}")

    def ages(self) -> dict[str, float]:
        """Map each job that has a file to the time since the last write to it, in seconds."""
        now, ages = time.time(), dict[str, float]()
        for entry in self._objects.entries(FOLDER):
            job, age = _job_of(entry.key.rpartition("/")[2]), now - entry.modified
            ages[job] = min(age, ages.get(job, age))
        return ages


class Receiving:
    """A file that is being written. Made by `Uploads.receive`.

    The space that the quota counts is reserved before the bytes arrive. So uploads at the same time
    cannot exceed the quota together.

    Attributes
    ----------
    size
        Bytes written so far.
    """

    def __init__(
        self, objects: ObjectStore, job: str, size: int, quota: Quota, owner: str | None
    ) -> None:
        self.size = 0
        self._owner = owner
        self._objects, self._job, self._quota = objects, job, quota
        self._key = f"{FOLDER}/{job}"
        self._reserved = 0
        self._kept = False
        self._writer = objects.writer(self._key)
        try:
            if owner is not None:
                objects.put(f"{self._key}{OWNER}{owner}", b"")
            if size:
                self._reserve(size)
        except BaseException:
            self.close()
            raise

    def write(self, data: bytes | bytearray) -> None:
        """Append bytes. Raises StorageFullError and StoreError."""
        with saying_why("write the upload"):
            if self.size + len(data) > self._reserved:
                self._grow(self.size + len(data))
            self._writer.write(data)
            self.size += len(data)

    def keep(self) -> str:
        """Store the complete file durably, and return the job's id."""
        with saying_why("write the upload"):
            self._writer.commit()
            self._release()
        self._kept = True
        return self._job

    def close(self) -> None:
        """Remove the file unless it is kept. What cannot be removed, a worker removes later."""
        if self._kept:
            return
        with suppress(OSError, UnavailableError):
            self._writer.abort()
            self.remove()

    def remove(self) -> None:
        """Remove the file."""
        Uploads(self._objects).drop(self._job)

    def _grow(self, size: int) -> None:
        """Reserve twice as much as before, so that this happens rarely, or else just enough."""
        if (ample := 2 * self._reserved) > size:
            with suppress(StorageFullError):
                self._reserve(ample)
                return
        self._reserve(size)

    def _reserve(self, size: int) -> None:
        """Reserve space for the whole file, before what was reserved is released."""
        self._objects.put(f"{self._key}{RESERVED}{size}", b"")
        self._release()
        self._reserved = size
        self._quota.check(self._owner)

    def _release(self) -> None:
        if self._reserved:
            self._objects.delete(f"{self._key}{RESERVED}{self._reserved}")


def _job_of(name: str) -> str:
    """Return the job that an object belongs to, also one that is still being written."""
    return name.removeprefix(".").partition(".")[0]
