"""The job as clients see it, read from its record in Redis."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from jobs.compact import unpack
from stepbox.errors import NotFoundError
from stepbox.training.loop import HistoryEntry, Progress
from stepbox.training.recipe import Recipe

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FINAL: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled"})


def history_key(id: str) -> str:
    """Name the list of a job's epochs."""
    return f"history:{id}"


class JobProblem(BaseModel):
    """Why a job failed (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class JobLinks(BaseModel):
    """Where to go from here."""

    self: str
    events: str
    cancel: str
    model: str | None


class Job(BaseModel):
    """A training job."""

    id: str
    status: Status
    recipe: Recipe
    progress: Progress
    queue_position: int | None = Field(description="0 = next; null once started.")
    history: list[HistoryEntry] = Field(description="Epoch 0, the untrained network, first.")
    device: str | None = Field(description="Where it trains, for instance `cpu` or `cuda:0`.")
    peak_memory: int | None = Field(
        description="Most bytes that the training held at once, of its process or on CUDA of the "
        "device; null until its model is decided."
    )
    samples_per_second: float | None = Field(
        description="Mean pace of the epochs so far, evaluation left out; null before the first."
    )
    worker: str | None = Field(description="The worker that took it last.")
    attempts: int = Field(ge=0, description="How often a worker has taken it.")
    model: str | None = Field(description="Id of the trained model; null until it succeeded.")
    error: JobProblem | None = Field(description="Null unless it failed.")
    request_id: str | None = Field(
        description="`X-Request-Id` of the request that submitted it, as in the logs; null for "
        "jobs of earlier versions."
    )
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: JobLinks

    @classmethod
    def from_record(
        cls, record: Mapping[str, str], queue_position: int | None, history: Sequence[str]
    ) -> Self:
        """Read the fields of the hash ``job:{id}``, of now or then, and the list ``history:{id}``.

        Of the history only as much counts as the record then had. Earlier versions stored epochs
        as fields of the record.

        Raises
        ------
        NotFoundError
            The history has been deleted, and so has the job.
        """
        id, status = record["id"], record["status"]
        length = int(record.get("history_length", 0))
        if len(history) < length:
            raise NotFoundError(f"job {id!r} has just been deleted")
        entries = [
            *(entry for field, entry in record.items() if field.startswith("epoch:")),
            *history[:length],
        ]
        epochs = sorted(unpack("epoch", entries), key=lambda entry: int(entry["epoch"]))
        model = record.get("model") if status == "succeeded" else None
        progress = json.loads(record["progress"])
        seconds = sum(epoch["seconds"] for epoch in epochs)
        samples = sum(epoch["epoch"] > 0 for epoch in epochs) * (
            progress["samples_total"] / progress["epochs"]
        )
        return cls.model_validate(
            {
                "id": id,
                "status": status,
                "recipe": json.loads(record["recipe"]),
                "progress": progress,
                "queue_position": queue_position if status == "queued" else None,
                "history": epochs,
                "device": record.get("device"),
                "peak_memory": record.get("peak_memory"),
                "samples_per_second": samples / seconds if seconds else None,
                "worker": record.get("worker"),
                "attempts": record["attempts"],
                "model": model,
                "error": json.loads(record["error"]) if "error" in record else None,
                "request_id": record.get("request_id"),
                "created_at": _time(record["created_at"]),
                "started_at": _time(record.get("started_at")),
                "finished_at": _time(record.get("finished_at")),
                "links": {
                    "self": f"/jobs/{id}",
                    "events": f"/jobs/{id}/events",
                    "cancel": f"/jobs/{id}/cancel",
                    "model": f"/models/{model}" if model else None,
                },
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Give the job as JSON values."""
        return self.model_dump(mode="json")


def _time(stamp: str | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(float(stamp), UTC)
