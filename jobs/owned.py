"""The jobs of one owner: for requests that may see and change no others."""

from collections.abc import Mapping
from typing import Any, cast

from jobs.reader import CURSOR
from jobs.record import Job, Status
from jobs.store import JobStore, Labeling
from stepbox.errors import NotFoundError

READ_AT_ONCE = 1000  # owners of jobs


class OwnedJobs(JobStore):
    """The jobs of one owner. In this store, those of others do not exist.

    Parameters
    ----------
    jobs
        All jobs.
    owner
        Who submitted the jobs of this store.
    """

    def __init__(self, jobs: JobStore, owner: str) -> None:
        self.redis = jobs.redis
        self._scripts = jobs._scripts
        self._owner = owner

    def get(self, id: str) -> Job:
        """Read a job as `JobStore.get` does."""
        self._check(id)
        return super().get(id)

    def checkpoint(self, id: str) -> str | None:
        """Return the name of a job's last checkpoint as `JobStore.checkpoint` does."""
        self._check(id)
        return super().checkpoint(id)

    def cancel(self, id: str) -> Job:
        """Cancel a job as `JobStore.cancel` does."""
        self._check(id)
        return super().cancel(id)

    def delete(self, id: str) -> None:
        """Delete a job as `JobStore.delete` does."""
        self._check(id)
        super().delete(id)

    def label(self, id: str, changes: Mapping[str, Any], model: str | None) -> Labeling:
        """Change labels as `JobStore.label` does; "unknown" if the job is not the owner's."""
        try:
            self._check(id)
        except NotFoundError:
            return "unknown"
        return super().label(id, changes, model)

    def _entries(
        self, status: Status | None, after: str | None, number: int
    ) -> list[tuple[str, float]]:
        found: list[tuple[str, float]] = []
        while len(found) < number:
            entries = super()._entries(status, after, READ_AT_ONCE)
            with self.redis.pipeline(transaction=False) as pipeline:
                for id, _ in entries:
                    pipeline.hget(f"job:{id}", "submitted_by")
                owners = pipeline.execute()
            found += [
                entry for entry, owner in zip(entries, owners, strict=True) if owner == self._owner
            ]
            if len(entries) < READ_AT_ONCE:
                break
            after = str(int(entries[-1][1]))
        return found[:number]

    def _sequence(self, after: str) -> int:
        if not CURSOR.fullmatch(after):
            self._check(after)
        return super()._sequence(after)

    def _check(self, id: str) -> None:
        """Raise NotFoundError if a job is not the owner's, or does not exist."""
        if cast(str | None, self.redis.hget(f"job:{id}", "submitted_by")) != self._owner:
            raise NotFoundError(f"no job has the id {id!r}")
