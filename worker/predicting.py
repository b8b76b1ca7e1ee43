"""Run a prediction: from a model and a data set to the published files.

Each attempt stages its files under its own name, `{job}-{fence}`. So a paused attempt that
continues later cannot change the files of another one.
"""

import logging

from jobs.claim import Claim
from stepbox.errors import (
    InvalidInputError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
)
from stepbox.importing.options import ImportProgress
from stepbox.nn.activations import Array
from stepbox.predicting.pipeline import predict_dataset
from worker.reporter import JobCancelledError, Reporter, insist, obey
from worker.stores import Stores

log = logging.getLogger(__name__)


class KeptLogits:
    """The logits of one job's blocks, as its checkpoints."""

    def __init__(self, stores: Stores, claim: Claim, reporter: Reporter) -> None:
        self._store, self._job, self._reporter = stores.checkpoints, claim.job, reporter

    def load(self, first: int, end: int) -> Array | None:
        """Return the logits of the samples first..end−1, if an attempt has kept them."""
        return self._store.load_logits(self._job, first, end)

    def save(self, first: int, end: int, logits: Array) -> None:
        """Keep the logits. If they cannot be written, the next attempt has more to repeat."""
        try:
            self._store.save_logits(self._job, first, end, logits)
        except (OSError, UnavailableError) as error:
            log.warning("job %s: no checkpoint is written: %s", self._job, error)
        else:
            self._reporter.point(None, f"e0-s{end}")


def predict_and_publish(stores: Stores, claim: Claim, reporter: Reporter) -> None:
    """Run the claimed prediction, and make its files visible.

    Once Redis has stored what is staged, a later attempt only publishes it. It predicts again only
    if the staged files are gone.
    """
    place = claim.result
    if place is None or not stores.predictions.is_staged(place):
        place = _predict_and_stage(stores, claim, reporter)
    stores.predictions.publish(place)


def _predict_and_stage(stores: Stores, claim: Claim, reporter: Reporter) -> str:
    """Predict the samples, stage the files, and return their place."""
    task = claim.prediction
    assert task is not None  # the job is a prediction
    try:
        card, network = stores.models.load(task.model)
    except NotFoundError as error:  # deleted since the job was accepted
        raise InvalidInputError.at("/model", str(error)) from None
    try:
        dataset = stores.datasets.load(task.dataset, task.split)
    except NotFoundError as error:
        raise InvalidInputError.at("/dataset", str(error)) from None
    stores.discard_attempts(claim.job)  # there may be no room for the files of both

    def report(progress: ImportProgress) -> None:
        reporter.progress(progress.model_dump())

    attempt = f"{claim.job}-{claim.fence}"
    owner = claim.submitted_by
    kept = KeptLogits(stores, claim, reporter)
    with stores.scratch_of(attempt) as scratch:
        prediction, files = predict_dataset(
            card, network, dataset, task.split, scratch, kept, report
        )
        place = stores.predictions.stage(claim.job, attempt, prediction, files, owner)
    try:
        stores.quota.check(owner)
        reporter.flush()
        obey(insist(stores.jobs.decide_prediction, claim, staged=place))
    except (StorageFullError, JobCancelledError):
        stores.predictions.discard(claim.job)
        raise
    return place
