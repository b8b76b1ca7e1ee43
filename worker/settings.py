"""Settings of the worker alone."""

from pathlib import Path

from pydantic import Field

from jobs.settings import Settings


class WorkerSettings(Settings):
    """What the worker needs beside the shared settings."""

    alive_file: Path = Field(
        Path("/tmp/stepbox-worker.alive"),
        description="File that the worker writes each second, for `python -m worker.health`.",
    )
    stall_s: float = Field(
        30, gt=0, description="Seconds for which a worker may take no job although one waits."
    )
