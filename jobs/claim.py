"""The right to run a job."""

from dataclasses import dataclass
from typing import Literal

from jobs.record import Kind, Upload
from stepbox.training.recipe import Recipe
from stepbox.training.requirements import Requirements

# What a worker must do: go on, stop a cancelled job, or stop because it has lost the job.
Verdict = Literal["go on", "cancel", "lost"]


@dataclass(frozen=True)
class Claim:
    """The right to run a job.

    Each claim of a job increases its fence by one. A claim ends when its job ends or is requeued.

    Attributes
    ----------
    job
        Id of the job.
    fence
        Number of the claim.
    kind
        What the job is.
    recipe
        What a training trains, or the trials of a sweep vary; None for imports.
    requires
        What the job requires of its worker.
    upload
        What an import makes a data set of; None for trainings.
    result
        The staged model or data set that an earlier attempt decided to publish: the model's id, or
        the name under which the data set is staged. None if there is none.
    checkpoint
        Name of the last checkpoint of the earlier attempts; None if there is none.
    request_id
        Id of the request that submitted the job; None for jobs of earlier versions.
    submitted_by
        The owner of the job; None if nobody is.
    sweep
        Id of the sweep whose trial or winner the job is; None if it is neither.
    is_trial
        Whether it is a trial, which publishes no model.
    """

    job: str
    fence: str
    kind: Kind
    recipe: Recipe | None
    requires: Requirements
    upload: Upload | None
    result: str | None
    checkpoint: str | None
    request_id: str | None
    submitted_by: str | None
    sweep: str | None = None
    is_trial: bool = False
