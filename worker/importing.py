"""Run an import: from the uploaded file to the published data set.

Each attempt stages its data set under its own name, `{job}-{fence}`. So a paused attempt that
continues later cannot change the files of another one.
"""

from jobs.claims import Claim
from stepbox.errors import StoreError
from stepbox.importing.options import ImportOptions, ImportProgress
from stepbox.importing.pipeline import import_upload
from worker.reporter import Reporter, insist, obey
from worker.stores import Stores


def import_and_publish(stores: Stores, claim: Claim, reporter: Reporter) -> None:
    """Run the claimed import, and make its data set visible.

    Once Redis has stored what is staged, a later attempt only publishes it. It imports again only
    if the staged files are gone.
    """
    staged = claim.result
    if staged is None or not stores.datasets.is_staged(staged):
        staged = _import_and_stage(stores, claim, reporter)
    stores.datasets.publish(staged)


def _import_and_stage(stores: Stores, claim: Claim, reporter: Reporter) -> str:
    """Import the file, stage the data set, and return the name under which it is staged."""
    upload = claim.upload
    assert upload is not None  # the job is an import
    path = stores.uploads.path(claim.job)
    if not path.exists():
        raise StoreError(
            "the uploaded file is gone: the API and the worker must share STEPBOX_DATASETS_DIR"
        )
    for earlier in stores.attempts(claim.job):
        stores.datasets.discard(earlier)  # the disk may have no room for the files of both

    def report(progress: ImportProgress) -> None:
        reporter.progress(progress.model_dump())

    attempt = f"{claim.job}-{claim.fence}"
    options = ImportOptions(**upload.model_dump(include={*ImportOptions.model_fields}))
    spec = import_upload(
        path, upload.content_type, options, stores.datasets, attempt, report, stores.limits
    )
    stores.quota.check()  # an upload may be much smaller than its samples
    reporter.flush()
    obey(insist(stores.jobs.decide_import, claim, spec.id, staged=attempt))
    return attempt
