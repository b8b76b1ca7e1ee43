"""Settings of the worker alone."""

from pathlib import Path

from pydantic import Field, field_validator

from jobs.settings import Settings, read_text


class WorkerSettings(Settings):
    """What the worker needs beside the shared settings."""

    alive_file: Path = Field(
        Path("/tmp/stepbox-worker.alive"),
        description="File that the worker touches each second, for `python -m worker.health`.",
    )

    @field_validator("redis_password_file")
    @classmethod
    def _can_be_read(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_text(value)
        return value
