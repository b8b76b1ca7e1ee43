"""A job as clients see it, read from its record in Redis."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from jobs.compact import unpack
from stepbox.errors import NotFoundError
from stepbox.training.labels import Labels, Notes, Tags, Title
from stepbox.training.recipe import Recipe
from stepbox.training.report import HistoryEntry, LossEntry, Progress

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FINAL: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled"})


def history_key(id: str) -> str:
    """Return the Redis key of the list of a job's epochs."""
    return f"history:{id}"


def losses_key(id: str) -> str:
    """Return the Redis key of the list of a job's losses within the epochs."""
    return f"losses:{id}"


class JobProblem(BaseModel):
    """Why a job failed (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class JobLinks(BaseModel):
    """URLs of this job and its model."""

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
    queue_position: int | None = Field(description="0 is the next job. Null unless queued.")
    history: list[HistoryEntry] = Field(description="From epoch 0, the untrained network.")
    losses: list[LossEntry] | None = Field(
        description="The train loss about every 1,000 images, or less often in a long training: at "
        "most 600 entries. Null in lists of jobs and in events; empty for jobs of earlier versions."
    )
    device: str | None = Field(description="Device of the training, `cpu` or `cuda`.")
    peak_memory: int | None = Field(
        description="Peak memory of the training in bytes: of its process or, on CUDA, of the "
        "device. Null until the training is complete."
    )
    samples_per_second: float | None = Field(
        description="Mean speed of the epochs so far, without evaluation. Null until epoch 1 ends."
    )
    worker: str | None = Field(description="Name of the last worker that claimed the job.")
    attempts: int = Field(ge=0, description="How often a worker has claimed the job.")
    model: str | None = Field(description="Id of the trained model. Null before success.")
    better_than_guessing: bool | None = Field(
        description="Whether the test accuracy exceeds that of always answering the most frequent "
        "class, by more than three standard errors. Null before success, and for jobs of earlier "
        "versions."
    )
    error: JobProblem | None = Field(description="Why the job failed. Null if it did not fail.")
    request_id: str | None = Field(
        description="`X-Request-Id` of the request that submitted the job, as in the logs. Null "
        "for jobs of earlier versions."
    )
    title: Title
    notes: Notes
    tags: Tags
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: JobLinks

    @classmethod
    def from_record(
        cls, record: Mapping[str, str], queue_position: int | None, history: Sequence[str]
    ) -> Self:
        """Read a job from the hash ``job:{id}`` and the list ``history:{id}``.

        The record may be older than the history: its field ``history_length`` says how many of the
        epochs belong to it. Earlier versions stored epochs as fields of the record.

        Raises
        ------
        NotFoundError
            The history is gone, because the job has been deleted.
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
        result = record if status == "succeeded" else {}
        model = result.get("model")
        progress = json.loads(record["progress"])
        seconds = sum(epoch["seconds"] for epoch in epochs)
        samples = sum(epoch["epoch"] > 0 for epoch in epochs) * (
            progress["samples_total"] / progress["epochs"]
        )
        return cls.model_validate(
            {
                **dict.fromkeys(cls.model_fields),  # the record has no field for what is null
                **record,
                "recipe": json.loads(record["recipe"]),
                "progress": progress,
                "queue_position": queue_position if status == "queued" else None,
                "history": epochs,
                "samples_per_second": samples / seconds if seconds else None,
                "model": model,
                "better_than_guessing": result.get("better_than_guessing"),
                "error": json.loads(record["error"]) if "error" in record else None,
                "title": record.get("title") or None,
                "notes": record.get("notes", ""),
                "tags": json.loads(record.get("tags", "[]")),
                "links": {
                    "self": f"/jobs/{id}",
                    "events": f"/jobs/{id}/events",
                    "cancel": f"/jobs/{id}/cancel",
                    "model": f"/models/{model}" if model else None,
                },
            }
        )

    @property
    def labels(self) -> Labels:
        """What people wrote about the job."""
        return Labels(title=self.title, notes=self.notes, tags=self.tags)

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON values."""
        return self.model_dump(mode="json")
