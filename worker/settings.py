"""Settings of the worker alone."""

import os
from pathlib import Path
from tempfile import gettempdir

from pydantic import Field

from jobs.settings import Settings


class WorkerSettings(Settings):
    """What the worker needs beside the shared settings."""

    alive_file: Path = Field(
        default_factory=lambda: Path(gettempdir()) / f"stepbox-worker-{os.getuid()}.alive",
        description="File that the worker writes each second, for `python -m worker.health`.",
    )
    stall_s: float = Field(
        30, gt=0, description="Seconds for which a worker may take no job although one waits."
    )
