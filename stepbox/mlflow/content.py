"""What is logged of a job: the parameters, metrics and tags of its run.

It follows from the records of the job and of its model alone, so the same job gives the same run,
however often it is logged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stepbox.client.answers import Card, JobRecord, SweepRecord

# What MLflow calls the final states.
STATUSES = {"succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED"}
MOST_TEXT = 6000  # characters of a parameter, and of a tag


@dataclass(frozen=True)
class Point:
    """A value of a metric.

    Attributes
    ----------
    key
        Name of the metric.
    value
        Its value.
    time
        Milliseconds since 1970.
    step
        Number of the epoch.
    """

    key: str
    value: float
    time: int
    step: int


@dataclass(frozen=True)
class Content:
    """What is logged of a job.

    Attributes
    ----------
    job
        Id of the job.
    name
        Name of the run.
    status
        Status of the run: ``FINISHED``, ``FAILED`` or ``KILLED``.
    start, end
        When the job started and ended, in milliseconds since 1970.
    params
        The fields of the recipe, and of the search of a sweep.
    history
        The figures of the epochs.
    figures
        The figures at the end, which are also those of the model.
    tags
        Where the job, its model and its data come from.
    documents
        The records of the job and of its model, by the names of their files.
    """

    job: str
    name: str
    status: str
    start: int
    end: int
    params: dict[str, str]
    history: list[Point]
    figures: list[Point]
    tags: dict[str, str]
    documents: dict[str, dict[str, Any]]


def start_of(job: JobRecord) -> int:
    """Return when a job started, or was cancelled before that, in milliseconds since 1970."""
    return _milliseconds(job.started_at or job.finished_at or job.created_at)


def name_of(job: JobRecord) -> str:
    """Return a name for the run of a job."""
    what = job.recipe.name if job.recipe else job.kind
    if job.kind == "sweep":
        what = f"{what} sweep"
    elif job.sweep is not None:
        what = f"{what} winner" if job.final else f"{what} trial {job.trial}"
    return job.title or f"{what} {job.id[:6]}"


def content_of(
    job: JobRecord, url: str, *, card: Card | None = None, sweep: SweepRecord | None = None
) -> Content:
    """Return what is logged of a job that has ended.

    Parameters
    ----------
    job
        The job: a training or a sweep.
    url
        Address of its page.
    card
        The card of its model, if it has one.
    sweep
        The same job as a sweep, if it is one.
    """
    start, end = start_of(job), _milliseconds(job.finished_at or job.created_at)
    history = list(_epochs(job, start, end))
    last = max((entry.epoch for entry in job.history), default=0)
    figures = _figures(job, card, sweep)
    documents: dict[str, dict[str, Any]] = {"job.json": job.to_json()}
    documents |= {"sweep.json": sweep.to_json()} if sweep else {}
    documents |= {"card.json": card.to_json()} if card else {}
    return Content(
        job=job.id,
        name=name_of(job),
        status=STATUSES[job.status],
        start=start,
        end=end,
        params=dict(_params(job)),
        history=history,
        figures=[Point(key, float(value), end, last) for key, value in figures.items()],
        tags=_tags(job, url, card),
        documents=documents,
    )


def _milliseconds(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)


def _epochs(job: JobRecord, start: int, end: int) -> Iterator[Point]:
    """Yield the figures of the epochs, each at the time that it takes by the figures before it.

    Their real times are not known: only how long each took to train.
    """
    seconds = 0.0
    for entry in job.history:
        seconds += entry.seconds
        time = min(start + round(seconds * 1000), end)
        for key in entry:
            if key != "epoch" and entry[key] is not None:
                yield Point(key, float(entry[key]), time, entry.epoch)


def _figures(job: JobRecord, card: Card | None, sweep: SweepRecord | None) -> dict[str, float]:
    figures: dict[str, Any] = {}
    if card is not None:
        figures = {f"evaluation.{key}": card.evaluation[key] for key in card.evaluation}
        figures |= {"parameters": card.parameters, "weights_bytes": card.weights.bytes}
    if sweep is not None:
        figures |= {f"importance.{key}": value for key, value in (sweep.importance or {}).items()}
        if sweep.best is not None:
            figures[f"best_{sweep.search.metric}"] = sweep.best.value
    figures |= {key: job[key] for key in ("samples_per_second", "peak_memory") if key in job}
    return {
        key: value
        for key, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _params(job: JobRecord) -> Iterator[tuple[str, str]]:
    values = job.to_json()
    yield from _flat("", values["recipe"] or {})
    if job.kind == "sweep":
        yield from _flat("search.", values["search"])


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", _text(value)


def _text(value: Any) -> str:
    """Return a value as text; what is too long for MLflow is cut, and complete in `job.json`."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"


def _tags(job: JobRecord, url: str, card: Card | None) -> dict[str, str]:
    tags: dict[str, Any] = {
        "mlflow.source.name": url,
        "mlflow.source.type": "JOB",
        "mlflow.note.content": job.notes,
        "mlflow.user": job.submitted_by,
        "stepbox.url": url,
        "stepbox.kind": job.kind,
        "stepbox.status": job.status,
        "stepbox.tags": ", ".join(job.tags),
        "stepbox.recipe": job.recipe.name if job.recipe else None,
        "stepbox.dataset": job.recipe.dataset if job.recipe else None,
        "stepbox.error": job.error.detail if job.error else None,
    }
    members = ("model", "device", "worker", "sweep", "trial", "reproduces")
    tags |= {f"stepbox.{name}": job[name] for name in members if name in job}
    if job.sweep is not None:
        tags |= {"stepbox.pruned": job.pruned, "stepbox.final": job.final}
    if card is not None:
        tags["stepbox.dataset_name"] = card.dataset.name
        versions = card.to_json()["versions"]
        tags |= {f"stepbox.version.{name}": version for name, version in versions.items()}
    return {name: _text(value) for name, value in tags.items() if value is not None}
