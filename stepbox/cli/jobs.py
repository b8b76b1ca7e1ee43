"""List, follow and cancel jobs."""

from __future__ import annotations

import click

from stepbox.cli.output import Output, with_server
from stepbox.cli.watching import followed, watch_job
from stepbox.client import Client
from stepbox.client.answers import FINAL, JobRecord, Status


@click.command()
@click.option("--status", type=click.Choice(["queued", "running", *FINAL]), help="Only these jobs.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, help="At most so many jobs.")
@with_server
def jobs(client: Client, output: Output, status: Status | None, limit: int) -> None:
    """List jobs, newest first."""
    page = client.jobs.list(status=status, limit=limit)
    header = ("JOB", "KIND", "STATUS", "DONE", "WHAT", "RESULT", "CREATED")
    output.table(page.to_json(), header, (_row(job) for job in page.jobs))


def _row(job: JobRecord) -> list[str | None]:
    what = job.recipe.name if job.recipe else job.kind
    if job.kind == "predict":
        what = f"{job.prediction.model} on {job.prediction.dataset or 'an upload'}"
    done = f"{job.progress.fraction:.0%}"
    result = job.model or job.dataset
    return [job.id, job.kind, job.status, done, job.title or what, result, job.created_at[:19]]


@click.command()
@click.argument("job")
@with_server
def watch(client: Client, output: Output, job: str) -> None:
    """Follow JOB, also a sweep, until it has ended. Ctrl-C leaves it running."""
    watch_job(followed(client, job), output)


@click.command()
@click.argument("job")
@with_server
def cancel(client: Client, output: Output, job: str) -> None:
    """Cancel JOB; of a sweep, also all its trials."""
    record = client.jobs.cancel(job)
    status = "is being cancelled" if record.status == "running" else record.status
    output.result(record.to_json(), f"{record.id} {status}")
