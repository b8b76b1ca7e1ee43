"""The stores that a worker reads and writes, and the files that a job needs until it ends."""

from dataclasses import dataclass
from typing import Self

from jobs.connection import connect
from jobs.record import FINAL
from jobs.settings import Settings
from jobs.store import JobStore
from stepbox.data.readers.part import Limits
from stepbox.errors import NotFoundError
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.datasets import DatasetStore
from stepbox.store.models import ModelStore
from stepbox.store.quota import Quota
from stepbox.store.uploads import Uploads


@dataclass(frozen=True)
class Stores:
    """The stores that a worker reads and writes."""

    jobs: JobStore
    models: ModelStore
    checkpoints: CheckpointStore
    datasets: DatasetStore
    uploads: Uploads
    quota: Quota
    limits: Limits

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open the stores. Files that only a job needs are in hidden subfolders."""
        return cls(
            JobStore(connect(settings)),
            ModelStore(settings.models_dir),
            CheckpointStore.inside(settings.models_dir),
            DatasetStore(settings.datasets_dir, settings.data_dir),
            Uploads(settings.datasets_dir / ".uploads"),
            Quota(settings.datasets_dir, settings.data_quota),
            Limits(
                classes=settings.data_classes,
                samples=settings.data_samples,
                bytes=settings.data_bytes,
            ),
        )

    def drop(self, job: str) -> None:
        """Remove the files that a job needed until it ended."""
        self.checkpoints.drop(job)
        for attempt in self.attempts(job):
            self.datasets.discard(attempt)
        self.uploads.drop(job)

    def attempts(self, job: str) -> list[str]:
        """List the attempts at an import that have files; see `worker.importing`."""
        return [name for name in self.datasets.attempts() if _job_of(name) == job]

    def sweep(self) -> None:
        """Remove the files of jobs that have ended, and of uploads that never became jobs."""
        imports = {_job_of(name) for name in self.datasets.attempts()}
        new = {*self.uploads.jobs()} - {*self.uploads.left()}
        for job in {*self.checkpoints.jobs(), *imports, *self.uploads.jobs()}:
            try:
                if self.jobs.get(job).status not in FINAL:
                    continue
            except NotFoundError:
                if job in new:  # the API may be writing it
                    continue
            self.drop(job)
        self.datasets.sweep()


def _job_of(attempt: str) -> str:
    return attempt.rpartition("-")[0]
