"""Settings of the worker alone."""

import os
from pathlib import Path
from tempfile import gettempdir

from pydantic import Field, field_validator

from jobs.settings import Settings, read_text


class WorkerSettings(Settings):
    """What the worker needs beside the shared settings."""

    alive_file: Path = Field(
        default_factory=lambda: Path(gettempdir()) / f"stepbox-worker-{os.getuid()}.alive",
        description="File that the worker writes each second, for `python -m worker.health`.",
    )
    stall_s: float = Field(
        30, gt=0, description="Seconds for which a worker may take no job although one waits."
    )

    @field_validator("redis_password_file")
    @classmethod
    def _can_be_read(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_text(value)
        return value
