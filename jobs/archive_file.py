"""A file of the archive: finished jobs in the format Parquet, ordered by creation.

The API reads these files with DuckDB, because pyarrow would take more than twice as much room in
its image. Only workers write them, and they have pyarrow for uploads anyway.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from jobs.record import FINAL, Status
from stepbox.errors import StoreError

if TYPE_CHECKING:
    import duckdb
    import pyarrow

Entry = tuple[str, Mapping[str, str]]  # (id, fields) of one entry of a Redis stream

STATUSES: tuple[Status, ...] = tuple(sorted(FINAL))
# A group of rows is decompressed as a whole: to read one job should not take more than a few MB.
GROUP_ROWS = 128
GROUP_CHARACTERS = 2**23
MEMORY = "256MB"  # of DuckDB; the largest query reads a page of 100 jobs


class ArchivedJob(NamedTuple):
    """A finished job, as Redis had it.

    Attributes
    ----------
    record
        The hash ``job:{id}``.
    history, losses
        The lists ``history:{id}`` and ``losses:{id}``.
    events
        The stream ``events:{id}``; empty if it had expired.
    """

    record: dict[str, str]
    history: list[str]
    losses: list[str]
    events: list[Entry]

    @property
    def id(self) -> str:
        """Id of the job."""
        return self.record["id"]

    @property
    def sequence(self) -> int:
        """Place of the job in the order of creation."""
        return int(self.record["sequence"])


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

    schema = _schema()
    target, places = io.BytesIO(), []
    statuses: dict[str, int] = {}
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for group in _groups(jobs):
            writer.write_table(pa.Table.from_pylist([_row(job) for job in group], schema))
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
        Positions in `names`; shape (jobs).
    names
        The owners, such as None for jobs without one.
    """

    ids: NDArray[np.bytes_]
    sequences: NDArray[np.int64]
    statuses: NDArray[np.int8]
    owners: NDArray[np.int32]
    names: list[str | None]

    @classmethod
    def read(cls, path: Path, digest: str) -> Self:
        """Read the index of a file with this SHA-256, as hex digits.

        Raises
        ------
        StoreError
            The file is damaged.
        """
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise StoreError("a file of the archive is damaged: its checksum differs")
        rows = _query(path, "SELECT id, sequence, status, submitted_by FROM read_parquet(?)")
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
        return arrays + sum(len(name or "") + 64 for name in self.names)

    def row_of(self, id: str) -> int | None:
        """Return the row of a job; None if the job is not in this file."""
        rows = np.flatnonzero(self.ids == id.encode())
        return int(rows[0]) if rows.size else None

    def newest(
        self, status: Status | None, owner: str | None, before: int | None
    ) -> Iterator[tuple[str, int]]:
        """Yield (id, sequence number), newest first, as `jobs.archive.View.merge` needs them."""
        end = len(self.ids) if before is None else int(np.searchsorted(self.sequences, before))
        wanted = np.ones(end, np.bool_)
        if status is not None:
            wanted &= self.statuses[:end] == STATUSES.index(status)
        if owner is not None:
            code = self.names.index(owner) if owner in self.names else -1
            wanted &= self.owners[:end] == code
        for row in np.flatnonzero(wanted)[::-1]:
            yield self.ids[row].decode(), int(self.sequences[row])


def read(path: Path, sequences: Sequence[int], *, whole: bool) -> list[ArchivedJob]:
    """Read the jobs with these places; without `whole`, leave out their losses and events."""
    columns = "record, history, losses, events" if whole else "record, history"
    rows = _query(
        path,
        f"SELECT {columns} FROM read_parquet(?) "
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
        characters += sum(map(len, job.losses)) + sum(len(str(event)) for event in job.events)
        if len(group) == GROUP_ROWS or characters > GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


# -- The columns. docs/reference/archive.md describes them. -----------------------------------

COLUMNS: dict[str, Callable[[ArchivedJob], Any]] = {
    "id": lambda job: job.id,
    "sequence": lambda job: job.sequence,
    "kind": lambda job: job.record.get("kind", "train"),
    "status": lambda job: job.record["status"],
    "submitted_by": lambda job: job.record.get("submitted_by"),
    "recipe": lambda job: _recipe(job).get("name"),
    "dataset": lambda job: _recipe(job).get("dataset") or job.record.get("dataset"),
    "model": lambda job: job.record.get("model") if job.record["status"] == "succeeded" else None,
    "title": lambda job: job.record.get("title") or None,
    "tags": lambda job: json.loads(job.record.get("tags", "[]")),
    "created_at": lambda job: _time(job.record.get("created_at")),
    "started_at": lambda job: _time(job.record.get("started_at")),
    "finished_at": lambda job: _time(job.record.get("finished_at")),
    "record": lambda job: json.dumps(job.record, ensure_ascii=False),
    "history": lambda job: job.history,
    "losses": lambda job: job.losses,
    "events": lambda job: [json.dumps(event, ensure_ascii=False) for event in job.events],
}


def _row(job: ArchivedJob) -> dict[str, Any]:
    return {name: value(job) for name, value in COLUMNS.items()}


def _recipe(job: ArchivedJob) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(job.record.get("recipe", "{}"))
    return found


def _time(seconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(seconds), UTC) if seconds else None


def _schema() -> "pyarrow.Schema":
    import pyarrow as pa

    times = dict.fromkeys(("created_at", "started_at", "finished_at"), pa.timestamp("us", "UTC"))
    lists = dict.fromkeys(("tags", "history", "losses", "events"), pa.list_(pa.string()))
    kinds = {"sequence": pa.int64()} | times | lists
    return pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])


# -- DuckDB -----------------------------------------------------------------------------------


def _query(path: Path, query: str, *arguments: Any) -> list[Any]:
    import duckdb

    try:
        with _database().cursor() as cursor:
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
