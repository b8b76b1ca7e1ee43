"""The archive: finished jobs that are no longer in Redis, but in immutable files of the store.

Redis says which files count (`archive:files`), and which jobs in them do not, because they were
deleted or are in Redis again (`archive:dropped:{file}`). So at each moment, a job is in one place.
The number `archive:version` changes with every move between Redis and the archive.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import redis

from jobs.archive_file import ArchivedJob, Index, read
from jobs.record import Status
from stepbox.errors import NotFoundError, StepboxError, StoreError
from stepbox.store.cache import ObjectCache
from stepbox.store.objects import ObjectStore

INDEX_BYTES = 32 * 2**20  # in each process; a job takes 29 bytes

T = TypeVar("T")


class ArchiveFile(NamedTuple):
    """A file of the archive.

    Attributes
    ----------
    name
        Its key in the store.
    low, high
        The first and the last job's place in the order of creation.
    statuses
        Number of jobs by status, including those that do not count any more.
    bytes
        Size of the file.
    sha256
        Its checksum.
    dropped
        The ids of the jobs in it that do not count any more.
    """

    name: str
    low: int
    high: int
    statuses: Mapping[Status, int]
    bytes: int
    sha256: str
    dropped: frozenset[str]

    @property
    def jobs(self) -> int:
        """Number of jobs in it, including those that do not count any more."""
        return sum(self.statuses.values())

    def describe(self) -> str:
        """Return what Redis keeps about the file."""
        fields = self._asdict()
        return json.dumps({name: fields[name] for name in self._fields[1:-1]})


class View(NamedTuple):
    """The files of the archive at one moment, with the newest jobs first."""

    version: str
    files: tuple[ArchiveFile, ...]


class Archive:
    """Reads archived jobs.

    Parameters
    ----------
    client
        Of Redis.
    run
        Runs a script with these arguments.
    objects
        The part of the store with the files. None in processes that read no finished job.
    """

    def __init__(
        self, client: redis.Redis, run: Callable[..., Any], objects: ObjectStore | None
    ) -> None:
        self._redis = client
        self._run = run
        self._objects = objects
        self._view = View("", ())
        self._indexes = ObjectCache[Index](INDEX_BYTES, lambda index: index.bytes)

    def settled(self, read: Callable[[View], T]) -> T:
        """Call `read` until no job has moved between Redis and the archive meanwhile.

        So it may read Redis and the archive one after the other, and misses no job.
        """
        while True:
            view = self.view()
            try:
                result = read(view)
            except (NotFoundError, StoreError):
                if self._version() == view.version:
                    raise
            else:
                if self._version() == view.version:
                    return result

    def view(self) -> View:
        """Return the files as they are now."""
        if self._view.version != self._version():
            version, flat, dropped = self._run("archived")
            files = [
                ArchiveFile(name=name, dropped=frozenset(gone), **_known(json.loads(about)))
                for name, about, gone in zip(flat[::2], flat[1::2], dropped, strict=True)
            ]
            newest = sorted(files, key=lambda file: file.high, reverse=True)
            self._view = View(version, tuple(newest))
        return self._view

    def merge(
        self,
        view: View,
        entries: Sequence[tuple[str, int]],
        number: int,
        *,
        status: Status | None,
        owner: str | None,
        before: int | None,
    ) -> list[tuple[str, int]]:
        """Add archived jobs to a list of jobs, and return the newest of both.

        Only files that may have one of them are read.

        Parameters
        ----------
        view
            The files.
        entries
            (id, sequence number) of jobs in Redis, newest first.
        number
            Most jobs to return.
        status, owner
            Of the jobs to add; None for all.
        before
            Add only jobs with smaller sequence numbers.
        """
        found = list(entries)
        for file in view.files:
            if len(found) >= number and file.high < found[number - 1][1]:
                break
            if before is not None and file.low >= before:
                continue
            if status is not None and status not in file.statuses:
                continue
            added: list[tuple[str, int]] = []
            for id, sequence in self._index(file).newest(status, owner, before):
                if len(added) == number:
                    break
                if id not in file.dropped:
                    added.append((id, sequence))
            found = sorted([*found, *added], key=lambda entry: -entry[1])[:number]
        return found

    def sequence(self, view: View, id: str) -> int:
        """Return a job's place in the order of creation; raise NotFoundError as `owner` does."""
        file, row = self._find(view, id)
        return int(self._index(file).sequences[row])

    def owner(self, view: View, id: str) -> str | None:
        """Return who submitted a job; raise NotFoundError if it is not archived."""
        file, row = self._find(view, id)
        index = self._index(file)
        return index.names[int(index.owners[row])]

    def read(
        self, view: View, ids: Sequence[str], *, whole: bool = False
    ) -> dict[str, ArchivedJob]:
        """Read those of these jobs that are archived; only if `whole`, their losses and events."""
        places: dict[str, list[int]] = {}
        for id in ids:
            with suppress(NotFoundError):
                file, row = self._find(view, id)
                places.setdefault(file.name, []).append(int(self._index(file).sequences[row]))
        return {
            job.id: job
            for name, sequences in places.items()
            for job in read(self.local_file(name), sequences, whole=whole)
        }

    def restore(self, id: str) -> bool:
        """Move a job back to Redis; return False if it is neither there nor archived."""

        def restored(view: View) -> bool:
            if self._redis.exists(f"job:{id}"):
                return True
            file, job = self.fetch(view, id)
            events = [(event, [*chain(*fields.items())]) for event, fields in job.events]
            parts = (job.record, job.history, job.losses, events)
            return bool(self._run("restore", file, id, *map(json.dumps, parts)) == "restored")

        try:
            while not self.settled(restored):
                pass
        except NotFoundError:
            return False
        return True

    def fetch(self, view: View, id: str) -> tuple[str, ArchivedJob]:
        """Read a whole job, and the name of its file; raise NotFoundError as `owner` does."""
        file, _ = self._find(view, id)
        return file.name, self.read(view, [id], whole=True)[id]

    def local_file(self, name: str) -> Path:
        """Return a local copy of a file; raise StoreError if it is missing."""
        if self._objects is None:
            raise StoreError("this process does not know where archived jobs are")
        try:
            return self._objects.local_file(name)
        except FileNotFoundError:
            raise StoreError(f"the file {name} of the archive is missing") from None

    def _find(self, view: View, id: str) -> tuple[ArchiveFile, int]:
        error: StepboxError = NotFoundError(f"no job has the id {id!r}")
        for file in view.files:
            try:
                row = self._index(file).row_of(id)
            except StoreError as damaged:  # another file may have the job
                error = damaged
                continue
            if row is not None and id not in file.dropped:
                return file, row
        raise error

    def _index(self, file: ArchiveFile) -> Index:
        return self._indexes.get(
            file.name, [], lambda: Index.read(self.local_file(file.name), file.sha256)
        )

    def _version(self) -> str:
        version = cast(str | None, self._redis.get("archive:version"))
        return version or ""


def _known(about: dict[str, Any]) -> dict[str, Any]:
    """Leave out what later versions say about a file."""
    return {name: about[name] for name in ArchiveFile._fields if name in about}
