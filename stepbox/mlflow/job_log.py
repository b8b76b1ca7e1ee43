"""Log jobs of a server: those that are named, or all that have ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from stepbox.client import Client
from stepbox.client.answers import JobRecord
from stepbox.client.errors import (
    AccessDeniedError,
    BusyError,
    MissingError,
    ProblemError,
    UnreachableError,
)
from stepbox.errors import ConflictError, StepboxError
from stepbox.mlflow.content import content_of, name_of, start_of
from stepbox.mlflow.tracker import Tracker

KINDS = ("train", "sweep")  # the kinds of jobs that are logged
# What a pause may mend, or nothing but another token. It is not about the job that is logged.
NOT_ABOUT_A_JOB = (UnreachableError, BusyError, AccessDeniedError)
PAGE = 100


class Logged(NamedTuple):
    """A job that has been logged.

    Attributes
    ----------
    job
        Its record.
    run
        Id of its run.
    url
        Address of the page of the run.
    why_no_model
        Why the run lacks the model that the job has made; None if it lacks none.
    """

    job: JobRecord
    run: str
    url: str
    why_no_model: str | None


class JobLog:
    """Logs jobs of a server.

    Parameters
    ----------
    client
        Client of the server.
    tracker
        Where they are logged.
    failed
        Is called for a job that cannot be logged, with its id and the error. It is not tried again.
    """

    def __init__(
        self, client: Client, tracker: Tracker, failed: Callable[[str, StepboxError], None]
    ) -> None:
        self._client, self._tracker, self._failed = client, tracker, failed
        self._done: set[str] | None = None  # jobs that are logged, or cannot be
        self._oldest_open: str | None = None  # all jobs before it are done

    def named(self, id: str) -> Iterator[Logged]:
        """Log a job, of a sweep also its trials, and yield what has been logged.

        Raises
        ------
        ConflictError
            It has not ended, or is neither a training nor a sweep.
        """
        job = self._client.jobs.get(id)
        if job.kind not in KINDS:
            raise ConflictError(f"job {id} is of the kind {job.kind}: only trainings are logged")
        if not job.ended:
            raise ConflictError(f"job {id} is {job.status}: it is logged when it has ended")
        yield self._log(job.id)
        if job.kind == "sweep":
            sweep = self._client.sweeps.get(id)
            for trial in [*sweep.trials, *([sweep.winner] if sweep.winner else [])]:
                yield self._log(trial.job)

    def ended(self) -> Iterator[Logged]:
        """Log the jobs that have ended since the last call, and yield what has been logged.

        The first call finds all that have not been logged before. A call that an error has broken
        is repeated by the next one.
        """
        if self._done is None:
            self._done = self._tracker.logged()
        to_log, oldest_open = [], None
        for job in self._newest_first():
            if not job.ended:
                oldest_open = job.id
            elif job.kind in KINDS and job.id not in self._done:
                to_log.append(job.id)
            oldest_open = oldest_open or job.id
            if job.id == self._oldest_open:
                break
        for id in reversed(to_log):  # sweeps before their trials
            try:
                yield self._log(id)
            except NOT_ABOUT_A_JOB:
                raise
            except StepboxError as error:
                self._failed(id, error)
            self._done.add(id)
        self._oldest_open = oldest_open

    def _newest_first(self) -> Iterator[JobRecord]:
        after = None
        while True:
            page = self._client.jobs.list(limit=PAGE, after=after)
            yield from page.jobs
            after = page.next
            if after is None:
                return

    def _log(self, id: str) -> Logged:
        job = self._client.jobs.get(id)  # with all its losses, which lists do not have
        sweep = self._client.sweeps.get(job.id) if job.kind == "sweep" else None
        card = onnx = why = None
        if job.model is not None and sweep is None:  # that of a sweep is the one of its winner
            try:
                card = self._client.models.get(job.model)
                onnx = self._client.models.export(job.model, format="onnx")
            except NOT_ABOUT_A_JOB:
                raise
            except ProblemError as error:  # it was deleted, or has no such file
                why = str(error)
        content = content_of(job, self._page(job), card=card, sweep=sweep)
        if why is not None:
            content.tags["stepbox.why_no_model"] = why
        run = self._tracker.log(content, onnx, self._parent(job))
        return Logged(job, run, self._tracker.address(run), why)

    def _parent(self, job: JobRecord) -> str | None:
        """Return the run of a trial's sweep, which may still go on; None if there is none."""
        if job.sweep is None:
            return None
        try:
            sweep = self._client.jobs.get(job.sweep)
        except MissingError:  # it was deleted
            return None
        return self._tracker.run_of(sweep.id, name_of(sweep), start_of(sweep))

    def _page(self, job: JobRecord) -> str:
        kind = "sweeps" if job.kind == "sweep" else "jobs"
        return f"{self._client.url}/ui/{kind}/{job.id}"
