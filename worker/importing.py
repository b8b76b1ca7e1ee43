"""Run an import: from the uploaded file to the published data set.

Each attempt stages its data set under its own name, `{job}-{fence}`. So a paused attempt that
continues later cannot change the files of another one.
"""

from jobs.claim import Claim
from stepbox.errors import StorageFullError, StoreError
from stepbox.importing.options import ImportOptions, ImportProgress
from stepbox.importing.pipeline import import_upload
from worker.reporter import JobCancelledError, Reporter, insist, obey
from worker.stores import Stores


def import_and_publish(stores: Stores, claim: Claim, reporter: Reporter) -> None:
    """Run the claimed import, and make its data set visible.

    Once Redis has stored what is staged, a later attempt only publishes it. It imports again only
    if the staged files are gone.
    """
    place = claim.result
    if place is None or not stores.datasets.is_staged(place):
        place = _import_and_stage(stores, claim, reporter)
    stores.datasets.publish(place)


def _import_and_stage(stores: Stores, claim: Claim, reporter: Reporter) -> str:
    """Import the file, stage the data set, and return the place of its files."""
    upload = claim.upload
    assert upload is not None  # the job is an import
    try:
        path = stores.uploads.file(claim.job)
    except FileNotFoundError:
        raise StoreError(
            "the uploaded file is gone: the API and the worker must share STEPBOX_STORE or "
            "STEPBOX_DATASETS_DIR"
        ) from None
    # There may be no room for the files of both.
    stores.discard_attempts(claim.job, before=int(claim.fence))

    def report(progress: ImportProgress) -> None:
        reporter.progress(progress.model_dump())

    attempt = f"{claim.job}-{claim.fence}"
    owner = claim.submitted_by
    options = ImportOptions(**upload.model_dump(include={*ImportOptions.model_fields}))
    with stores.scratch_of(attempt) as scratch:
        spec, files = import_upload(
            path, upload.content_type, options, scratch, report, stores.limits
        )
        place = stores.datasets.stage(attempt, spec, files, owner)
    try:
        # An upload may be much smaller than its samples. It is removed when the job has ended.
        stores.quota.check(owner, without=claim.job)
        reporter.flush()
        obey(insist(stores.jobs.decide_import, claim, spec.id, staged=place))
    except (StorageFullError, JobCancelledError):
        stores.datasets.discard(place)
        raise
    return place
