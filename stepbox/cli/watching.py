"""Follow a job in a terminal, in a log, or as JSON lines."""

from __future__ import annotations

import sys

import click

from stepbox.cli.output import Output
from stepbox.client import Event, Job
from stepbox.client.bars import JobBar


def watch_job(job: Job, output: Output) -> None:
    """Show the events of a job until it has ended, and then its result.

    Raises
    ------
    JobFailedError, JobCancelledError
        It has not succeeded.
    click.Abort
        Ctrl-C was pressed. The job goes on.
    """
    try:
        with JobBar(job.id, sys.stderr.isatty() and not output.as_json) as bar:
            for event in job.events():
                bar.show(event)
                if output.as_json:
                    values = {"id": event.id, "event": event.kind, "data": event.data.to_json()}
                    output.result(values, "")
                elif not sys.stderr.isatty():
                    _show_line(event, output)
    except KeyboardInterrupt:
        output.message(f"\nJob {job.id} goes on. Follow it with: stepbox watch {job.id}")
        raise click.Abort from None
    job.wait(progress=False)
    if not output.as_json:
        output.result(None, outcome(job))


def outcome(job: Job) -> str:
    """Describe what a job that has succeeded has made."""
    record = job.record
    if record.model is None:
        return f"data set {record.dataset}"
    last = record.history[-1]
    return f"model {record.model}, test accuracy {last.test_accuracy:.2%}"


def _show_line(event: Event, output: Output) -> None:
    data = event.data
    if event.kind == "status":
        output.message(f"{data.id} {data.status}")
    elif event.kind == "epoch":
        output.message(f"epoch {data.epoch}: test accuracy {data.test_accuracy:.2%}")
