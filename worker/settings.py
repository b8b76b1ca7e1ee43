"""Settings of the worker only."""

import os
from pathlib import Path
from tempfile import gettempdir

from pydantic import Field, field_validator

from jobs.settings import Settings, read_text


class WorkerSettings(Settings):
    """The shared settings, and those of the worker only."""

    alive_file: Path = Field(
        default_factory=lambda: Path(gettempdir()) / f"stepbox-worker-{os.getuid()}.alive",
        description="File that the worker writes every second, for `python -m worker.health`.",
    )
    first_model: str = Field(
        "mnist-numpy",
        description="Recipe to train if there are no models and there has never been a job, or "
        "none.",
    )
    stall_s: float = Field(
        30,
        gt=0,
        description="Seconds after which an idle worker that takes no waiting job has stalled.",
    )
    owner_running: int = Field(
        0,
        ge=0,
        description="Most running jobs of one owner: this worker starts no further one. 0 is no "
        "limit.",
    )

    archive_days: float = Field(
        30,
        ge=0,
        allow_inf_nan=False,
        description="Jobs that finished more days ago move from Redis to the store. 0 is no limit.",
    )
    archive_jobs: int = Field(
        10_000,
        ge=0,
        description="Of the finished jobs, this many stay in Redis: the newest. The others move to "
        "the store. 0 is no limit.",
    )

    @field_validator("first_model")
    @classmethod
    def _is_a_recipe(cls, value: str) -> str:
        # Imported here: the health check needs none.
        from stepbox.data.builtin import DATASETS
        from stepbox.training.presets import RECIPES

        names = [name for name, recipe in RECIPES.items() if recipe.dataset in DATASETS]
        if value not in (*names, "none"):
            raise ValueError(f"it must be none or the name of a recipe: {', '.join(names)}")
        return value

    @field_validator("redis_password_file")
    @classmethod
    def _can_be_read(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_text(value)
        return value
