"""Move finished jobs from Redis to the archive. Workers do this, one at a time.

A file is written first. Then one script registers it, and removes from Redis the jobs that have not
changed meanwhile. So a worker may be killed at any moment: a job is in Redis or in the archive. The
name of a file is in `archive:unregistered` before the file is written, until it is registered. So
nobody has to guess which files are needed, and files that this Redis does not know are never
removed.
"""

import hashlib
import heapq
import json
import logging
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any, cast

from redis.exceptions import LockError

from jobs.archive import ArchiveFile
from jobs.archive_file import STATUSES, Index, Written, read_all, write
from jobs.archive_rows import ArchivedJob
from jobs.events import stream_key
from jobs.record import Status, history_key, losses_key
from jobs.store import JobStore
from stepbox.errors import StoreError
from stepbox.store.objects import ObjectStore

log = logging.getLogger(__name__)

DAY_S = 86_400
MOVED_AT_ONCE = 500  # jobs, because the script that removes them blocks Redis
MOVED_CHARACTERS = 2**26  # after so many, no further jobs are moved at once, to bound the memory
READ_AT_ONCE = 16  # jobs, of which each may have some MB of events
FILE_JOBS = 5000  # a file with fewer jobs is written again, together with new ones,
FILE_BYTES = 2**24  # unless it is this large
TURN = "archive:turn"  # held by the worker that moves jobs
TURN_S = 300  # for one file; who takes longer achieves nothing if another worker was faster


class Archiver:
    """Moves finished jobs to the archive.

    Parameters
    ----------
    jobs
        All jobs.
    objects
        The part of the store with the archive.
    days
        Jobs that finished more days ago are moved. 0 is no limit.
    most
        Of the finished jobs, the newest stay in Redis, this many. 0 is no limit.
    """

    def __init__(self, jobs: JobStore, objects: ObjectStore, *, days: float, most: int) -> None:
        self._jobs = jobs
        self._redis = jobs.redis
        self._objects = objects
        self._days = days
        self._most = most

    def sweep_is_due(self) -> bool:
        """Tell whether there are so many finished jobs that they should not wait for a clean-up."""
        if not self._most or self._redis.exists(TURN):
            return False
        return self._finished() >= self._most + max(1, self._most // 10)

    def clean_up_is_due(self) -> bool:
        """Tell whether `clean_up` would do anything."""
        if self._redis.exists(TURN):
            return False
        dropped = any(file.dropped for file in self._files())
        old = self._redis.zcount("archive:unregistered", "-inf", self._now() - DAY_S)
        return bool(dropped or old or self._due())

    def sweep(self) -> int:
        """Move all jobs that should not stay, and return their number."""
        return self._in_turn()

    def clean_up(self) -> int:
        """Do the same as `sweep`, and remove from the store what nobody needs."""
        return self._in_turn(clean_up=True)

    def _in_turn(self, *, clean_up: bool = False) -> int:
        """Do the work, unless another worker does."""
        lock = self._redis.lock(TURN, timeout=TURN_S, blocking=False)
        if not lock.acquire():
            return 0
        moved = 0
        with suppress(LockError):  # the turn has expired, and may be another worker's
            try:
                while due := self._due():
                    number = self._write(self._open_files(), due)
                    moved += number
                    lock.reacquire()
                    if not number:
                        break
                if clean_up:
                    for file in self._whole(file for file in self._files() if file.dropped):
                        self._write([file], [])
                        lock.reacquire()
                    self._remove_unneeded()
            finally:
                lock.release()
        return moved

    def _now(self) -> float:
        seconds, microseconds = self._redis.time()
        return seconds + microseconds / 1e6

    def _finished(self) -> int:
        return sum(self._redis.zcard(f"jobs:status:{status}") for status in STATUSES)

    def _due(self) -> list[str]:
        """Return the ids of up to `MOVED_AT_ONCE` jobs that should not stay, oldest first."""
        self._jobs.complete_lists()
        before = self._now() - self._days * DAY_S if self._days else 0
        excess = max(0, self._finished() - self._most) if self._most else 0
        due: list[str] = []
        for ids in self._oldest():
            with self._redis.pipeline(transaction=False) as pipeline:
                for id in ids:
                    pipeline.hmget(f"job:{id}", "sequence", "created_at", "finished_at")
                answers = pipeline.execute()
            needed = self._needed(ids)
            for id, answer in zip(ids, answers, strict=True):
                if id in needed:
                    continue
                try:
                    _, created_at, finished_at = map(float, answer)
                except (TypeError, ValueError):
                    log.warning("job %s stays in Redis: its record cannot be read", id)
                    continue
                # Later jobs were created later, so they have not finished earlier.
                if len(due) == MOVED_AT_ONCE or (not excess and created_at >= before):
                    return due
                if excess or finished_at < before:
                    due.append(id)
                    excess = max(0, excess - 1)
        return due

    def _oldest(self) -> Iterator[list[str]]:
        """Yield the ids of the finished jobs in portions, by creation."""
        after = "-inf"
        while True:
            with self._redis.pipeline() as pipeline:
                for status in STATUSES:
                    key = f"jobs:status:{status}"
                    pipeline.zrangebyscore(key, after, "+inf", 0, MOVED_AT_ONCE, withscores=True)
                found: list[list[tuple[str, float]]] = pipeline.execute()
            portion = sorted(chain.from_iterable(found), key=lambda entry: entry[1])
            portion = portion[:MOVED_AT_ONCE]
            if not portion:
                return
            yield [id for id, _ in portion]
            after = f"({int(portion[-1][1])}"

    def _needed(self, ids: Sequence[str]) -> set[str]:
        """Return those of these jobs that are trials of a sweep that has not ended."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for id in ids:
                pipeline.hget(f"job:{id}", "sweep")
            answers = pipeline.execute()
            trials = {id: sweep for id, sweep in zip(ids, answers, strict=True) if sweep}
            for sweep in trials.values():
                pipeline.hmget(f"job:{sweep}", "id", "finished_at")
            states = zip(trials, pipeline.execute(), strict=True)
        return {id for id, (exists, finished_at) in states if exists and not finished_at}

    def _files(self) -> tuple[ArchiveFile, ...]:
        return self._jobs.archive.view().files

    def _open_files(self) -> list[ArchiveFile]:
        """Return the file that is written again with new jobs, if there is one."""
        small = (f for f in self._files() if f.jobs < FILE_JOBS and f.bytes < FILE_BYTES)
        return [*islice(self._whole(small), 1)]

    def _whole(self, files: Iterable[ArchiveFile]) -> Iterator[ArchiveFile]:
        """Yield those files that are not damaged: the others must not be written again."""
        for file in files:
            try:
                Index.read(self._jobs.archive.local_file(file.name), file.sha256)
            except StoreError as error:
                log.error("%s of the archive cannot be written again: %s", file.name, error)
            else:
                yield file

    def _write(self, files: Sequence[ArchiveFile], ids: Sequence[str]) -> int:
        """Write the jobs of files and jobs in Redis to a new file; return how many were moved."""
        name = f"{secrets.token_hex(8)}.parquet"
        self._redis.zadd("archive:unregistered", {name: self._now()})
        moved: list[str] = []  # what the script has to know about the jobs in Redis
        old = [self._rows(file) for file in files]
        written = write(heapq.merge(*old, self._records(ids, moved), key=lambda job: job.sequence))
        if written is not None:
            self._objects.put(name, written.data)
        description = _describe(name, written) if written else ""
        return self._jobs.archive.register(name, description, files, moved)

    def _rows(self, file: ArchiveFile) -> Iterator[ArchivedJob]:
        """Read the jobs of a file that count."""
        for job in read_all(self._jobs.archive.local_file(file.name)):
            if job.id not in file.dropped:
                yield job

    def _records(self, ids: Sequence[str], moved: list[str]) -> Iterator[ArchivedJob]:
        """Read jobs from Redis, and note for archive.lua what was read."""
        characters = 0
        for start in range(0, len(ids), READ_AT_ONCE):
            if characters > MOVED_CHARACTERS:
                return
            with self._redis.pipeline() as pipeline:
                for id in ids[start : start + READ_AT_ONCE]:
                    pipeline.hgetall(f"job:{id}")
                    pipeline.lrange(history_key(id), 0, -1)
                    pipeline.lrange(losses_key(id), 0, -1)
                    pipeline.xrange(stream_key(id))
                answers: list[Any] = pipeline.execute()
            for place in range(0, len(answers), 4):
                job = ArchivedJob(*answers[place : place + 4])
                if job.record:  # otherwise, it has just been deleted
                    characters += job.characters
                    moved += [job.id, json.dumps([*job.record]), _digest(job.record.values())]
                    yield job

    def _remove_unneeded(self) -> None:
        """Remove the files that have not been needed for a day: a backup may still copy them."""
        before = self._now() - DAY_S
        names = self._jobs.archive.unneeded(before)
        while names:
            for name in names:
                self._objects.delete(name)
            names = self._jobs.archive.unneeded(before, names)


def _describe(name: str, written: Written) -> str:
    """Return what Redis keeps about a new file."""
    return ArchiveFile(
        name=name,
        low=written.low,
        high=written.high,
        statuses=cast(dict[Status, int], written.statuses),
        bytes=len(written.data),
        sha256=hashlib.sha256(written.data).hexdigest(),
        dropped=frozenset(),
    ).describe()


def _digest(values: Iterable[str]) -> str:
    """Return the SHA-1 that archive.lua computes from the values of a record."""
    return hashlib.sha1("".join(f"{value}\0" for value in values).encode()).hexdigest()
