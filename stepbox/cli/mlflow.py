"""Log jobs to an MLflow tracking server."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NoReturn

import click

from stepbox.cli.exit_codes import FAILED
from stepbox.cli.output import Output, with_server
from stepbox.client import Client
from stepbox.client.errors import BusyError, UnreachableError
from stepbox.client.repeating import pause_after
from stepbox.errors import StepboxError
from stepbox.mlflow.job_log import JobLog, Logged
from stepbox.mlflow.tracker import Tracker

EVERY_S = 2.0  # pause before the server is asked again which jobs have ended


@click.command()
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option(
    "--tracking-uri",
    metavar="URL",
    envvar="MLFLOW_TRACKING_URI",
    required=True,
    help="Tracking server. By default that of MLFLOW_TRACKING_URI.",
)
@click.option(
    "--experiment",
    metavar="NAME",
    envvar="MLFLOW_EXPERIMENT_NAME",
    default="stepbox",
    help="Experiment. By default that of MLFLOW_EXPERIMENT_NAME, else stepbox.",
)
@click.option("--watch", is_flag=True, help="Go on with each job that ends, until Ctrl-C.")
@with_server
def mlflow(
    client: Client,
    output: Output,
    jobs: tuple[str, ...],
    tracking_uri: str,
    experiment: str,
    watch: bool,
) -> int:
    """Log JOBs that have ended to an MLflow server; without JOBs, all that are not logged yet.

    A sweep is logged with its trials. What is logged already is not doubled.
    """
    if jobs and watch:
        raise click.UsageError("--watch logs all jobs that end: name none")
    not_logged = []

    def failed(job: str, error: StepboxError) -> None:
        not_logged.append(job)
        output.message(f"stepbox: job {job} is not logged: {error}")

    log = JobLog(client, Tracker(tracking_uri, experiment), failed)
    if watch:
        _watch(log, output)
    for found in map(log.named, jobs) if jobs else [log.ended()]:
        _show(found, output)
    return FAILED if not_logged else 0


def _watch(log: JobLog, output: Output) -> NoReturn:
    """Log each job that ends, also after either server was away."""
    failures = 0  # in a row
    while True:
        try:
            _show(log.ended(), output)
            failures, pause = 0, EVERY_S
        except (UnreachableError, BusyError) as error:
            if failures == 0:
                output.message(f"stepbox: {error}; this is tried again")
            failures, pause = failures + 1, pause_after(failures)
        time.sleep(pause)


def _show(found: Iterable[Logged], output: Output) -> None:
    for one in found:
        values = {
            "job": one.job.id,
            "status": one.job.status,
            "run": one.run,
            "url": one.url,
            "why_no_model": one.why_no_model,
        }
        output.result(values, f"{one.job.id}\t{one.job.status}\t{one.url}")
        if one.why_no_model is not None:
            output.message(f"stepbox: the run of job {one.job.id} has no model: {one.why_no_model}")
