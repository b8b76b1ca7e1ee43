"""The jobs of one owner: for requests that may see and change no others."""

from collections.abc import Mapping
from typing import Any, cast

from jobs.archive import View
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
        self.archive = jobs.archive
        self.deliveries = jobs.deliveries.seen_by(owner)
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

    def _in_redis(
        self, status: Status | None, before: int | None, number: int
    ) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        while len(found) < number:
            entries = super()._in_redis(status, before, READ_AT_ONCE)
            with self.redis.pipeline(transaction=False) as pipeline:
                for id, _ in entries:
                    pipeline.hget(f"job:{id}", "submitted_by")
                owners = pipeline.execute()
            found += [
                entry for entry, owner in zip(entries, owners, strict=True) if owner == self._owner
            ]
            if len(entries) < READ_AT_ONCE:
                break
            before = entries[-1][1]
        return found[:number]

    def _sequence(self, view: View, after: str) -> int:
        if not CURSOR.fullmatch(after):
            self._check(after)
        return super()._sequence(view, after)

    def _check(self, id: str) -> None:
        """Raise NotFoundError if a job is not the owner's, or does not exist."""

        def owner(view: View) -> str | None:
            record = cast(list[str | None], self.redis.hmget(f"job:{id}", ["id", "submitted_by"]))
            return record[1] if record[0] else self.archive.owner(view, id)

        if self.archive.settled(owner) != self._owner:
            raise NotFoundError(f"no job has the id {id!r}")
