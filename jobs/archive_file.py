"""A file of the archive: finished jobs in the format Parquet, ordered by creation.

The API reads these files with DuckDB, because pyarrow would take more than twice as much room in
its image. Only workers write them, and they have pyarrow for uploads anyway.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from jobs.archive_rows import ArchivedJob, as_row, schema
from jobs.record import FINAL, Status
from stepbox.errors import StoreError

if TYPE_CHECKING:
    import duckdb

STATUSES: tuple[Status, ...] = tuple(sorted(FINAL))
# A group of rows is decompressed as a whole: to read one job should not take more than a few MB.
GROUP_ROWS = 128
GROUP_CHARACTERS = 2**23
MEMORY = "256MB"  # of DuckDB
_turn = BoundedSemaphore(2)  # queries at once; each may read a page of 100 jobs of 1,000 epochs


class Written(NamedTuple):
    """A file that was written, and what is in it.

    Attributes
    ----------
    data
        Its bytes.
    low, high
        The first and the last job's place in the order of creation.
    statuses
        Number of jobs by status.
    """

    data: bytes
    low: int
    high: int
    statuses: dict[str, int]


def write(jobs: Iterable[ArchivedJob]) -> Written | None:
    """Write jobs, which come in the order of creation, to a file; return None if there are none."""
    import pyarrow as pa
    from pyarrow import parquet

    table = schema()
    target, places = io.BytesIO(), []
    statuses: dict[str, int] = {}
    with parquet.ParquetWriter(target, table, compression="zstd") as writer:
        for group in _groups(jobs):
            writer.write_table(pa.Table.from_pylist([as_row(job, table) for job in group], table))
            for job in group:
                places.append(job.sequence)
                status = job.record["status"]
                statuses[status] = statuses.get(status, 0) + 1
    if not places:
        return None
    return Written(target.getvalue(), places[0], places[-1], statuses)


class Index(NamedTuple):
    """What finds jobs in a file. The arrays have one element for each job, by creation.

    Attributes
    ----------
    ids
        Ids, as bytes; shape (jobs).
    sequences
        Places in the order of creation; shape (jobs).
    statuses
        Positions in `STATUSES`; shape (jobs).
    owners
        Positions in `owner_names`; shape (jobs).
    owner_names
        Their names; None stands for jobs without an owner.
    """

    ids: NDArray[np.bytes_]
    sequences: NDArray[np.int64]
    statuses: NDArray[np.int8]
    owners: NDArray[np.int32]
    owner_names: list[str | None]

    @classmethod
    def read(cls, path: Path, digest: str) -> Self:
        """Read the index of a file with this SHA-256, as hex digits.

        Raises
        ------
        StoreError
            The file is damaged, or has just been removed from the cache.
        """
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:  # a copy, and others needed the room
            raise StoreError("a file of the archive has just been removed") from None
        if found != digest:
            raise StoreError("a file of the archive is damaged: its checksum differs")
        rows = _query(path, f"SELECT id, sequence, status, submitted_by FROM {TABLE}")
        names = list(dict.fromkeys(row[3] for row in rows))
        codes = {name: code for code, name in enumerate(names)}
        return cls(
            np.array([row[0].encode() for row in rows], np.bytes_),
            np.array([row[1] for row in rows], np.int64),
            np.array([STATUSES.index(row[2]) for row in rows], np.int8),
            np.array([codes[row[3]] for row in rows], np.int32),
            names,
        )

    @property
    def bytes(self) -> int:
        """Size in memory."""
        arrays = self.ids.nbytes + self.sequences.nbytes + self.statuses.nbytes + self.owners.nbytes
        return arrays + sum(len(name or "") + 64 for name in self.owner_names)

    def row_of(self, id: str) -> int | None:
        """Return the row of a job; None if the job is not in this file."""
        rows = np.flatnonzero(self.ids == id.encode())
        return int(rows[0]) if rows.size else None

    def newest(
        self, status: Status | None, owner: str | None, before: int | None
    ) -> Iterator[tuple[str, int]]:
        """Yield (id, sequence number), newest first, as `jobs.archive.Archive.merge` needs them."""
        end = len(self.ids) if before is None else int(np.searchsorted(self.sequences, before))
        wanted = np.ones(end, np.bool_)
        if status is not None:
            wanted &= self.statuses[:end] == STATUSES.index(status)
        if owner is not None:
            code = self.owner_names.index(owner) if owner in self.owner_names else -1
            wanted &= self.owners[:end] == code
        for row in np.flatnonzero(wanted)[::-1]:
            yield self.ids[row].decode(), int(self.sequences[row])


def read(path: Path, sequences: Sequence[int], *, whole: bool) -> list[ArchivedJob]:
    """Read the jobs with these places; without `whole`, leave out their losses and events."""
    columns = "record, history, losses, events" if whole else "record, history"
    rows = _query(
        path,
        f"SELECT {columns} FROM {TABLE} "
        "WHERE sequence BETWEEN ? AND ? AND list_contains(?, sequence)",
        min(sequences),
        max(sequences),
        list(sequences),
    )
    return [_job(*row) for row in rows]


def read_all(path: Path) -> Iterator[ArchivedJob]:
    """Read all jobs, one group of rows after the other, by creation. Only workers can."""
    from pyarrow import parquet

    columns = ["record", "history", "losses", "events"]
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(GROUP_ROWS, columns=columns):
            for row in batch.to_pylist():
                yield _job(*(row[column] for column in columns))


def _job(
    record: str, history: list[str], losses: Sequence[str] = (), events: Sequence[str] = ()
) -> ArchivedJob:
    entries = [(id, fields) for id, fields in map(json.loads, events)]
    return ArchivedJob(json.loads(record), history, list(losses), entries)


def _groups(jobs: Iterable[ArchivedJob]) -> Iterator[list[ArchivedJob]]:
    group: list[ArchivedJob] = []
    characters = 0
    for job in jobs:
        group.append(job)
        characters += job.characters
        if len(group) == GROUP_ROWS or characters > GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


# -- DuckDB -----------------------------------------------------------------------------------

TABLE = "read_parquet(?, hive_partitioning = false)"  # names of folders are no columns


def _query(path: Path, query: str, *arguments: Any) -> list[Any]:
    import duckdb

    try:
        with _turn, _database().cursor() as cursor:
            return cursor.execute(query, [str(path), *arguments]).fetchall()
    except duckdb.Error as error:
        raise StoreError(f"a file of the archive cannot be read: {error}") from error


@cache
def _database() -> "duckdb.DuckDBPyConnection":
    """Open a database without tables. It reads only the files that a query names."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "enable_external_file_cache": False,  # every process has the files on its own disk
            "memory_limit": MEMORY,
            "temp_directory": "",
            "threads": 1,
        },
    )
