"""The right to run a job."""

from dataclasses import dataclass
from typing import Literal

from jobs.record import Kind, PredictionTask, Upload
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
        What a training trains, or the trials of a sweep vary; None for other jobs.
    requires
        What the job requires of its worker.
    upload
        What an import makes a data set of; None for other jobs.
    prediction
        What a prediction predicts; None for other jobs.
    result
        What an earlier attempt decided to publish: the id of a staged model, or the name under
        which a data set or a prediction is staged. None if there is none.
    checkpoint
        Name of the last checkpoint of the earlier attempts; None if there is none.
    request_id
        Id of the request that submitted the job; None for jobs of earlier versions.
    submitted_by
        The owner of the job; None if nobody is.
    reproduces
        Id of the model whose training is run again, which publishes none; None for other jobs.
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
    prediction: PredictionTask | None
    result: str | None
    checkpoint: str | None
    request_id: str | None
    submitted_by: str | None
    reproduces: str | None = None
    sweep: str | None = None
    is_trial: bool = False
