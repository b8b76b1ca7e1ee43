"""A job as clients see it, read from its record in Redis."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from jobs.compact import unpack
from jobs.links import JobLinks
from jobs.waiting import QueueView, WaitingFor
from stepbox.data.dataset import Split
from stepbox.errors import NotFoundError
from stepbox.importing.options import ImportOptions, ImportProgress
from stepbox.store.card import ModelId
from stepbox.store.reproduction import Reproduction
from stepbox.training.labels import Labels, Notes, Tags, Title
from stepbox.training.recipe import Recipe
from stepbox.training.report import HistoryEntry, LossEntry, Progress
from stepbox.training.requirements import Requirements
from stepbox.training.sweep import Search, SweepProgress

Kind = Literal["train", "import", "predict", "sweep"]
Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FINAL: frozenset[Status] = frozenset({"succeeded", "failed", "cancelled"})
JOB_ID = re.compile(r"[0-9a-f]{16}")  # of all versions


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


class Upload(ImportOptions):
    """An uploaded file, and how to make a data set from it."""

    model_config = ConfigDict(extra="ignore")  # later versions may have more options

    content_type: str = Field(description="`Content-Type` of the request; empty if it had none.")
    bytes: int = Field(ge=0, description="Size of the file.")


class UploadedSamples(BaseModel):
    """A file of samples that were uploaded to be predicted."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    label: str = Field(description="Name of the column that has the classes, if there is one.")
    content_type: str = Field(description="`Content-Type` of the request; empty if it had none.")
    bytes: int = Field(ge=0, description="Size of the file.")


class PredictionTask(BaseModel):
    """Which samples a model predicts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: ModelId
    dataset: str | None = Field(
        None,
        description="Name of a built-in data set, or id of an uploaded one. Null for uploaded "
        "samples.",
    )
    split: Split | None = Field(
        None, description="The split whose samples are predicted. Null for uploaded samples."
    )
    file: UploadedSamples | None = Field(
        None, description="The file with the samples. Null for those of a data set."
    )


class Job(BaseModel):
    """A job: a training, an import, a prediction of a data set, or a sweep of trainings."""

    id: str
    kind: Kind = Field(
        description="`train` for a training, `import` for an uploaded file, `predict` for the "
        "prediction of a data set, `sweep` for a sweep."
    )
    status: Status
    recipe: Recipe | None = Field(
        description="What a training trains, or what the trials of a sweep vary. Null for other "
        "jobs."
    )
    upload: Upload | None = Field(
        description="What an import makes a data set of. Null for other jobs."
    )
    prediction: PredictionTask | None = Field(
        description="What a prediction predicts. Null for other jobs."
    )
    search: Search | None = Field(
        description="What a sweep searches, and how. Null for other jobs."
    )
    sweep: str | None = Field(
        description="Id of the sweep whose trial or winner the training is. Null for other jobs."
    )
    trial: int | None = Field(
        description="Number of the trial in its sweep, from 0. Null for other jobs."
    )
    params: dict[str, Any] | None = Field(
        description="The parameters that the sweep has chosen for a trial, or those of the winner. "
        "Null for other jobs."
    )
    pruned: bool = Field(
        description="Whether a trial ended early, because others are better. Its status is then "
        "`cancelled`."
    )
    final: bool = Field(
        description="Whether this is the training of a sweep's winner on all training samples."
    )
    progress: Progress | ImportProgress | SweepProgress
    queue_position: int | None = Field(
        description="How many queued jobs start before it if a single worker takes all jobs: 0 is "
        "the next one. Null unless queued. In events, the position when the API reads the event."
    )
    waiting_for: WaitingFor | None = Field(
        description="Why it has not started. Null unless queued, and in events."
    )
    priority: int = Field(
        description="Of the jobs of an owner, those with the highest priority start first."
    )
    reproduces: str | None = Field(
        description="Id of the model whose training is run again. Such a job publishes no model. "
        "Null for other jobs."
    )
    reproduction: Reproduction | None = Field(
        description="Whether the weights are the same as those of that model. Null before success, "
        "and for other jobs."
    )
    requires: Requirements = Field(description="What it requires of the worker that runs it.")
    history: list[HistoryEntry] = Field(
        description="From epoch 0, the untrained network. Trials have no figures of the test set. "
        "Empty unless it is a training."
    )
    losses: list[LossEntry] | None = Field(
        description="The train loss about every 1,000 images, or less often in a long training: at "
        "most 600 entries. Null in lists of jobs and in events; empty unless it is a training, and "
        "for jobs of earlier versions."
    )
    device: str | None = Field(
        description="Device of the training, `cpu` or `cuda`. Null for other jobs."
    )
    peak_memory: int | None = Field(
        description="Peak memory of the training in bytes: of its process or, on CUDA, of the "
        "device. Null until the training is complete, and for other jobs."
    )
    samples_per_second: float | None = Field(
        description="Mean speed of the epochs so far, without evaluation. Null until epoch 1 ends, "
        "and for other jobs."
    )
    worker: str | None = Field(description="Name of the last worker that claimed the job.")
    attempts: int = Field(ge=0, description="How often a worker has claimed the job.")
    model: str | None = Field(
        description="Id of the trained model. Null before success, for trials, which publish "
        "none, and for other jobs."
    )
    dataset: str | None = Field(
        description="Id of the data set that an import has made. Null before success, and "
        "unless it is an import."
    )
    better_than_guessing: bool | None = Field(
        description="Whether the test accuracy exceeds that of always answering the most frequent "
        "class, by more than three standard errors. Null before success, if the test set is too "
        "small to tell, for other jobs, and for jobs of earlier versions."
    )
    error: JobProblem | None = Field(description="Why the job failed. Null if it did not fail.")
    request_id: str | None = Field(
        description="`X-Request-Id` of the request that submitted the job, as in the logs. Null "
        "for jobs of earlier versions."
    )
    submitted_by: str | None = Field(
        description="Owner of the job: the name of the token with which it was submitted. Null if "
        "there was no token, or the token has no name."
    )
    webhook: str | None = Field(
        description="The URL that is told when the job has ended. Null if none is."
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
        cls,
        record: Mapping[str, str],
        queue_position: int | str,
        history: Sequence[str],
        queue: QueueView | None = None,
    ) -> Self:
        """Read a job from the hash ``job:{id}`` and the list ``history:{id}``.

        The record may be older than the history: its field ``history_length`` says how many of the
        epochs belong to it. Earlier versions stored epochs as fields of the record. Fields of later
        versions are left out, also those of the recipe. ``queue_position`` is '' if the job is not
        queued. ``queue`` says why a queued job waits.

        Raises
        ------
        NotFoundError
            The history is gone, because the job has been deleted.
        ValidationError
            A later version wrote a value that this version does not know, such as another kind.
        """
        id, status = record["id"], record["status"]
        queued = status == "queued" and queue_position != ""
        length = int(record.get("history_length", 0))
        if len(history) < length:
            raise NotFoundError(f"job {id!r} has just been deleted")
        entries = [
            *(entry for field, entry in record.items() if field.startswith("epoch:")),
            *history[:length],
        ]
        epochs = sorted(unpack("epoch", entries), key=lambda entry: int(entry["epoch"]))
        result = record if status == "succeeded" else {}
        progress = json.loads(record["progress"])
        seconds = sum(epoch["seconds"] for epoch in epochs)
        return cls.model_validate(
            {
                **dict.fromkeys(cls.model_fields),  # the record has no field for what is null
                "kind": "train",  # records of earlier versions have no kind
                **record,
                "recipe": _parsed(record, "recipe"),
                "upload": _parsed(record, "upload"),
                "reproduction": _parsed(record, "reproduction"),
                "prediction": _parsed(record, "prediction"),
                "progress": progress,
                "queue_position": int(queue_position) if queued else None,
                "waiting_for": queue.why(record) if queued and queue else None,
                "priority": int(record.get("priority", 0)),
                "requires": json.loads(record.get("requires", "{}")),
                "search": _parsed(record, "search"),
                "trial": None if "final" in record else record.get("trial"),
                "params": _parsed(record, "params"),
                "pruned": "pruned" in record,
                "final": "final" in record,
                "history": epochs,
                "samples_per_second": _trained(epochs, progress) / seconds if seconds else None,
                "model": result.get("model"),
                "dataset": result.get("dataset"),
                "better_than_guessing": result.get("better_than_guessing"),
                "error": _parsed(record, "error"),
                "title": record.get("title") or None,
                "notes": record.get("notes", ""),
                "tags": json.loads(record.get("tags", "[]")),
                "links": JobLinks.of(id, result),
            },
            extra="ignore",
        )

    @property
    def labels(self) -> Labels:
        """What people wrote about the job."""
        return Labels(title=self.title, notes=self.notes, tags=self.tags)

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON values."""
        return self.model_dump(mode="json")


def _parsed(record: Mapping[str, str], field: str) -> Any:
    return json.loads(record[field]) if field in record else None


def _trained(epochs: Sequence[Mapping[str, Any]], progress: Mapping[str, Any]) -> float:
    """Count the samples of the trained epochs."""
    return float(
        sum(epoch["epoch"] > 0 for epoch in epochs) * progress["samples_total"] / progress["epochs"]
    )
