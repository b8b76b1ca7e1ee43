"""The archive: finished jobs that are no longer in Redis, but in immutable files of the store.

Redis says which files count (`archive:files`), and which jobs in them do not, because they were
deleted or are in Redis again (`archive:dropped:{file}`). So at each moment, a job is in one place.
The text `archive:version` changes with every move between Redis and the archive.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple, TypeVar, cast

import redis

from jobs.archive_file import Index, read
from jobs.archive_rows import ArchivedJob
from jobs.record import JOB_ID, Status
from stepbox.errors import NotFoundError, StepboxError, StoreError, UnavailableError
from stepbox.store.cache import ObjectCache
from stepbox.store.objects import ObjectStore

INDEX_BYTES = 32 * 2**20  # in each process; a job takes 29 bytes
MOST_ROUNDS = 50  # then jobs move so fast that a client should wait

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

    def settled(self, attempt: Callable[[View], T]) -> T:
        """Call `attempt` until no job has moved between Redis and the archive meanwhile.

        So it may read Redis and the archive one after the other, and misses no job.

        Raises
        ------
        UnavailableError
            Jobs have moved during each of `MOST_ROUNDS` calls.
        """
        for _ in range(MOST_ROUNDS):
            view = self.view()
            try:
                result = attempt(view)
            except (NotFoundError, StoreError):
                if self._version() == view.version:
                    raise
            else:
                if self._version() == view.version:
                    return result
        raise UnavailableError("many finished jobs are moving to the archive", "")

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
        return index.owner_names[int(index.owners[row])]

    def read(
        self, view: View, jobs: Mapping[str, int | None], *, whole: bool = False
    ) -> dict[str, ArchivedJob]:
        """Read those of these jobs that are archived; only if `whole`, their losses and events.

        `jobs` maps ids to places in the order of creation, or to None if they are not known. Then
        the index of each file may be read.
        """
        places: dict[str, list[int]] = {}
        for id, sequence in jobs.items():
            with suppress(NotFoundError):
                file, row = self._find(view, id, sequence)
                places.setdefault(file.name, []).append(int(self._index(file).sequences[row]))
        return {
            job.id: job
            for name, sequences in places.items()
            for job in read(self.local_file(name), sequences, whole=whole)
        }

    def restore(self, id: str) -> bool:
        """Move a job back to Redis; return False if it is neither there nor archived."""

        def restored(view: View) -> None:
            if self._redis.exists(f"job:{id}"):
                return
            file, job = self.fetch(view, id)
            events = [(event, [*chain(*fields.items())]) for event, fields in job.events]
            parts = (job.record, job.history, job.losses, events)
            self._run("restore", file, id, *map(json.dumps, parts), token_hex(8))

        try:
            self.settled(restored)  # at least twice, because the job moves in the first round
        except NotFoundError:
            return False
        return True

    def fetch(self, view: View, id: str) -> tuple[str, ArchivedJob]:
        """Read a whole job, and the name of its file; raise NotFoundError as `owner` does."""
        file, _ = self._find(view, id)
        return file.name, self.read(view, {id: None}, whole=True)[id]

    def register(
        self, name: str, description: str, files: Sequence[ArchiveFile], moved: Sequence[str]
    ) -> int:
        """Let a new file count instead of others, and remove the jobs in Redis that it has.

        The parameters are those of archive.lua, which returns how many jobs were removed.
        """
        replaced = chain(*((file.name, str(len(file.dropped))) for file in files))
        return int(self._run("archive", name, description, len(files), *replaced, *moved))

    def unneeded(self, before: float, removed: Sequence[str] = ()) -> list[str]:
        """Return the files not needed since before a time, and forget those that were removed."""
        return cast(list[str], self._run("unneeded", before, *removed))

    def local_file(self, name: str) -> Path:
        """Return a local copy of a file; raise StoreError if it is missing."""
        if self._objects is None:
            raise StoreError("this process does not know where archived jobs are")
        try:
            return self._objects.local_file(name)
        except FileNotFoundError:
            raise StoreError(f"the file {name} of the archive is missing") from None

    def _find(self, view: View, id: str, sequence: int | None = None) -> tuple[ArchiveFile, int]:
        """Return the file and the row of a job; search only files with its place, if known."""
        error: StepboxError = NotFoundError(f"no job has the id {id!r}")
        if not JOB_ID.fullmatch(id):
            raise error
        for file in view.files:
            if sequence is not None and not file.low <= sequence <= file.high:
                continue
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
