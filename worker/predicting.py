"""Run a prediction: from a model and a data set to the published files.

Each attempt stages its files under its own name, `{job}-{fence}`. So a paused attempt that
continues later cannot change the files of another one.
"""

import logging
from pathlib import Path

from jobs.claim import Claim
from jobs.record import PredictionTask
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import (
    InvalidInputError,
    NotFoundError,
    StoreError,
    UnavailableError,
)
from stepbox.importing.options import ImportProgress, Stage
from stepbox.nn.activations import Array
from stepbox.predicting.pipeline import Report, predict_dataset
from stepbox.predicting.samples import Uploaded, read_samples
from stepbox.predicting.size import check_size, least_bytes
from worker.reporter import Reporter, insist, obey
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
    # There may be no room for the files of both.
    stores.discard_attempts(claim.job, before=int(claim.fence))

    def report(progress: ImportProgress) -> None:
        reporter.progress(progress.model_dump())

    attempt = f"{claim.job}-{claim.fence}"
    owner = claim.submitted_by
    kept = KeptLogits(stores, claim, reporter)
    with stores.scratch_of(attempt) as scratch:
        dataset, names = _samples(stores, claim.job, task, card.dataset, scratch, report)
        samples, classes = len(dataset.samples), len(card.classes)
        check_size(samples, classes, "/dataset" if task.file is None else "")
        # Before the disk is full of files that would be removed at the end.
        stores.quota.check(owner, more=least_bytes(samples, classes), without=claim.job)
        prediction, files = predict_dataset(
            card, network, dataset, task.split, scratch, kept, report, names=names
        )
        place = stores.predictions.stage(claim.job, attempt, prediction, files, owner)
    # If this raises, the end of the job removes what is staged, unless another attempt has the job.
    stores.quota.check(owner, without=claim.job)
    reporter.flush()
    obey(insist(stores.jobs.decide_prediction, claim, staged=place))
    return place


def _samples(
    stores: Stores,
    job: str,
    task: PredictionTask,
    spec: DatasetSpec,
    scratch: Path,
    report: Report,
) -> Uploaded:
    """Return the samples to predict; those of an upload as a model of this data set takes them."""
    if task.file is None:
        assert task.dataset is not None
        assert task.split is not None
        try:
            return Uploaded(stores.datasets.load(task.dataset, task.split), None)
        except NotFoundError as error:  # deleted since the job was accepted
            raise InvalidInputError.at("/dataset", str(error)) from None
    try:
        path = stores.uploads.file(job)
    except FileNotFoundError:
        raise StoreError(
            "the uploaded file is gone: the API and the worker must share STEPBOX_STORE or "
            "STEPBOX_DATASETS_DIR"
        ) from None

    def tell(done: int, total: int | None) -> None:
        stage: Stage = "reading" if total is None else "converting"
        report(
            ImportProgress(
                stage=stage, samples=done, samples_total=total, fraction=0, eta_seconds=None
            )
        )

    return read_samples(
        path, task.file.content_type, task.file.label, spec, scratch, stores.limits, tell
    )
