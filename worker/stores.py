"""The stores that a worker reads and writes, and the files that a job needs until it ends."""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from jobs.connection import connect
from jobs.places import CHECK_PATIENCE_S, WORKER_PATIENCE_S, open_part
from jobs.record import FINAL
from jobs.settings import Settings
from jobs.store import JobStore
from stepbox.data.readers.part import Limits
from stepbox.errors import NotFoundError, StoreError
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.datasets import DatasetStore, attempt_of
from stepbox.store.models import ModelStore
from stepbox.store.objects import ObjectStore
from stepbox.store.predictions import PredictionStore, is_before
from stepbox.store.quota import Quota
from stepbox.store.uploads import Uploads

log = logging.getLogger(__name__)

LEFT_AFTER_S = 86_400  # a day, because the clocks of machines may differ by an hour


@dataclass(frozen=True)
class Stores:
    """The stores that a worker reads and writes."""

    jobs: JobStore
    archive: ObjectStore
    models: ModelStore
    checkpoints: CheckpointStore
    datasets: DatasetStore
    uploads: Uploads
    predictions: PredictionStore
    quota: Quota
    limits: Limits
    scratch: Path
    check: Callable[[], None]  # raises UnavailableError if the store does not answer

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open the stores."""
        client = connect(settings)
        models, checkpoints, datasets, archive = (
            open_part(settings, part, lambda: client, WORKER_PATIENCE_S)
            for part in ("models", "checkpoints", "datasets", "archive")
        )
        return cls(
            JobStore(client, archive),
            archive,
            ModelStore(models),
            CheckpointStore(checkpoints),
            DatasetStore(datasets, settings.data_dir),
            Uploads(datasets),
            PredictionStore(datasets),
            Quota(datasets, settings.data_quota, settings.owner_bytes),
            Limits(
                classes=settings.data_classes,
                samples=settings.data_samples,
                bytes=settings.data_bytes,
            ),
            settings.scratch_dir,
            open_part(settings, "models", lambda: client, CHECK_PATIENCE_S).check,
        )

    @contextmanager
    def scratch_of(self, attempt: str) -> Iterator[Path]:
        """Provide an empty folder for the files of a job in progress, and remove it."""
        folder = self.scratch / attempt
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def drop(self, job: str) -> None:
        """Remove the files that a job needed until it ended."""
        self.predictions.discard(job)  # first: the sweep finds the job by the others
        self.checkpoints.drop(job)
        self.uploads.drop(job)
        self._drop_scratch(lambda attempt: _job_of(attempt) == job)

    def discard_attempts(self, job: str, before: int) -> None:
        """Remove what earlier attempts at an unfinished import or prediction have left.

        An attempt that was paused may call this while a later one is in progress. So it removes
        only the files of those whose fence is below `before`, its own.
        """

        def is_earlier(attempt: str) -> bool:
            return _job_of(attempt) == job and is_before(attempt, before)

        self._drop_scratch(is_earlier)
        for place in self.datasets.places():
            if is_earlier(attempt_of(place)):
                self.datasets.discard(place)
        self.predictions.discard(job, before)

    def sweep(self) -> None:
        """Remove the files of jobs that have ended, and of uploads that never became jobs."""
        ages = self.checkpoints.ages() | self.uploads.ages()
        imports = {_job_of(folder.name) for folder in self._scratch_folders()}
        # Read at once: in a store that many workers share, most of the files are of running jobs.
        for job in {*imports, *ages} - self.jobs.unfinished().keys():
            try:
                if self.jobs.get(job).status not in FINAL:
                    continue
            except StoreError as error:  # a file of the archive is damaged
                log.warning("the files of job %s stay, because %s", job, error)
                continue
            except NotFoundError:
                # The API may still be writing it, or the wrong Redis may have been asked.
                if ages.get(job, LEFT_AFTER_S) < LEFT_AFTER_S:
                    continue
            self.drop(job)

    def clean_up(self) -> None:
        """Remove what lost attempts and killed processes left more than a day ago."""
        unfinished = self.jobs.unfinished
        self.datasets.sweep(lambda attempt: _job_of(attempt) in unfinished(), LEFT_AFTER_S)
        self.predictions.sweep(lambda job: job in unfinished(), LEFT_AFTER_S)
        self.models.sweep(lambda model: model in unfinished().values(), LEFT_AFTER_S)

    def _scratch_folders(self) -> list[Path]:
        """List the scratch folders on this machine."""
        return [*self.scratch.iterdir()] if self.scratch.is_dir() else []

    def _drop_scratch(self, of: Callable[[str], bool]) -> None:
        for folder in self._scratch_folders():
            if of(folder.name):
                shutil.rmtree(folder, ignore_errors=True)


def _job_of(attempt: str) -> str:
    return attempt.rpartition("-")[0]
