"""What the submissions of all kinds of jobs have in common."""

from typing import Required, TypedDict

from stepbox.errors import StepboxError
from stepbox.training.recipe import Recipe
from stepbox.training.report import Progress


class QueueFullError(StepboxError):
    """The queue is full."""


class OwnerQueueFullError(QueueFullError):
    """The owner has as many queued jobs as it may have."""


class Submission(TypedDict, total=False):
    """The arguments that all submissions have.

    Attributes
    ----------
    queue_limit
        Maximum number of queued jobs.
    owner_limit
        Maximum number of queued jobs of one owner; 0 or omitted: no limit.
    idempotency_key
        Key chosen by the client; it is stored for a day.
    request_id
        Id of the request that submits the job; the log lines of the job name it.
    submitted_by
        The owner of the job; omitted or None if nobody is.
    priority
        Of the jobs of an owner, those with the highest priority start first; 0 if omitted.
    webhook
        The URL that is told when the job has ended; omitted or None if none is.
    """

    queue_limit: Required[int]
    owner_limit: int
    idempotency_key: str | None
    request_id: str | None
    submitted_by: str | None
    priority: int
    webhook: str | None


def first_progress(recipe: Recipe, samples: int) -> Progress:
    """Return the progress of a training that has not started, of this many samples an epoch."""
    return Progress(
        epoch=0,
        epochs=recipe.epochs,
        samples=0,
        samples_total=recipe.epochs * samples,
        fraction=0,
        eta_seconds=None,
    )


def queue_full(queue_limit: int) -> QueueFullError:
    """Make the error for a submission when so many jobs are queued."""
    return QueueFullError(f"{queue_limit} jobs are already queued; try again later")


def owner_queue_full(limit: int) -> OwnerQueueFullError:
    """Make the error for a submission whose owner has so many queued jobs."""
    return OwnerQueueFullError(
        f"the owner of this token already has {_jobs(limit)}, which is the most "
        "(STEPBOX_OWNER_QUEUED); try again when one has started"
    )


def _jobs(number: int) -> str:
    return "1 queued job" if number == 1 else f"{number} queued jobs"
