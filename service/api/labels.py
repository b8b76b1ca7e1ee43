"""Change the labels of jobs and models: their title, notes and tags.

A job and its model always have the same labels. While a job publishes its model, they cannot be
changed.
"""

from typing import Any

from jobs.record import Job
from service.backend import backend
from stepbox.errors import ConflictError, NotFoundError
from stepbox.store.card import Card


def label_job(id: str, changes: dict[str, Any]) -> Job:
    """Change labels of a job, and of its model if it has one.

    Raises
    ------
    NotFoundError
        No job has this id.
    ConflictError
        The job is publishing its model.
    """
    jobs = backend().jobs
    model = jobs.get(id).model

    def label() -> None:
        outcome = jobs.label(id, changes, model)
        if outcome == "unknown":
            raise NotFoundError(f"job {id} has just been deleted")
        if outcome != "changed":
            raise _publishing(id)

    try:
        if model is None:
            label()
        else:
            backend().models.label(model, changes, lambda card: label())
    except NotFoundError:  # the model or the job has been deleted
        label()
    return jobs.get(id)


def label_model(id: str, changes: dict[str, Any]) -> Card:
    """Change labels of a model, and of its job if that still exists; raise as `label_job` does."""
    jobs = backend().jobs

    def label(card: Card) -> None:
        if jobs.label(card.job, changes, card.id) == "publishing":
            raise _publishing(card.job)

    return backend().models.label(id, changes, label)


def _publishing(job: str) -> ConflictError:
    return ConflictError(f"job {job} is just publishing its model: try again")
