"""Follow a job or a sweep in a terminal, in a log, or as JSON lines."""

from __future__ import annotations

import json
import sys

import click

from stepbox.cli.output import Output
from stepbox.client import Client, Event, Job, Sweep
from stepbox.client.bars import JobBar, accuracy_of


def followed(client: Client, id: str) -> Job | Sweep:
    """Return the job or the sweep that has this id."""
    job = client.job(id)
    return Sweep(client, client.sweeps.get(id)) if job.record.kind == "sweep" else job


def watch_job(job: Job | Sweep, output: Output) -> None:
    """Show the events of a job or a sweep until it has ended, and then its result.

    Raises
    ------
    JobFailedError, JobCancelledError
        It has not succeeded.
    click.Abort
        Ctrl-C was pressed. The job goes on.
    """
    status = None
    try:
        with JobBar(job.id, sys.stderr.isatty() and not output.as_json) as bar:
            for event in job.events():
                bar.show(event)
                if output.as_json:
                    values = {"id": event.id, "event": event.kind, "data": event.data.to_json()}
                    output.result(values, "")
                elif not sys.stderr.isatty():
                    if event.kind != "status":
                        _show_line(event, output)
                    elif event.data.status != status:  # a sweep runs again after each trial
                        status = event.data.status
                        output.message(f"{job.id} {status}")
    except KeyboardInterrupt:
        output.message(f"\nJob {job.id} goes on. Follow it with: stepbox watch {job.id}")
        raise click.Abort from None
    job.wait(progress=False)  # raises the error, if it has one
    if not output.as_json:
        output.result(None, outcome(job))


def outcome(job: Job | Sweep) -> str:
    """Describe what a job or a sweep that has succeeded has found or made."""
    record = job.record
    model = f"model {record.model}, " if record.model else ""
    if isinstance(job, Sweep):
        best = job.record.best
        assert best is not None  # a sweep without it fails
        metric = job.record.search.metric
        return f"{model}trial {best.number}, {metric} {best.value:.4f}, {json.dumps(best.params)}"
    if job.record.kind == "import":
        return f"data set {job.dataset}"
    if job.record.kind == "predict":
        return f"result {job.record.links.result}/result"
    if "reproduction" in record and job.record.reproduction is not None:  # an older server has none
        return "the same weights" if job.record.reproduction.same else "other weights"
    if not job.record.history:
        return f"{job.record.kind} {job.status}"
    return f"{model}{accuracy_of(job.record.history[-1])}"


def _show_line(event: Event, output: Output) -> None:
    data = event.data
    if event.kind == "epoch":
        output.message(f"epoch {data.epoch}: {accuracy_of(data)}")
    elif event.kind == "trial" and data.state not in ("queued", "running"):
        what = "winner" if data.final else f"trial {data.number}"
        value = f", {data.value:.4f}" if data.value is not None else ""
        output.message(f"{what} {data.state}{value}")
