"""A finished job as a row of a file of the archive. docs/reference/archive.md has the columns."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow

Entry = tuple[str, Mapping[str, str]]  # (id, fields) of one entry of a Redis stream


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

    @property
    def characters(self) -> int:
        """Size of all its texts."""
        texts = chain(self.record.values(), self.history, self.losses)
        return sum(map(len, texts)) + sum(len(str(event)) for event in self.events)


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
# What a later version has written may not fit in the others. The column `record` has it, too.
NEEDED = {"id", "sequence", "status", "submitted_by", "record", "history", "losses", "events"}


def as_row(job: ArchivedJob, schema: "pyarrow.Schema") -> dict[str, Any]:
    """Return the row of a job; what cannot be read is null, unless the archive needs it."""
    return {
        name: value(job) if name in NEEDED else _fitting(value, job, schema.field(name).type)
        for name, value in COLUMNS.items()
    }


def schema() -> "pyarrow.Schema":
    """Return the types of the columns. Only workers can."""
    import pyarrow as pa

    times = dict.fromkeys(("created_at", "started_at", "finished_at"), pa.timestamp("us", "UTC"))
    lists = dict.fromkeys(("tags", "history", "losses", "events"), pa.list_(pa.string()))
    kinds = {"sequence": pa.int64()} | times | lists
    return pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])


def _fitting(
    value: Callable[[ArchivedJob], Any], job: ArchivedJob, kind: "pyarrow.DataType"
) -> Any:
    import pyarrow as pa

    try:
        pa.scalar(found := value(job), kind)
    except (ValueError, TypeError, AttributeError, ArithmeticError):
        return None
    return found


def _recipe(job: ArchivedJob) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(job.record.get("recipe", "{}"))
    return found


def _time(seconds: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(seconds), UTC) if seconds else None
