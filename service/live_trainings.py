"""What running trainings have learned so far, read from their checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jobs.record import FINAL
from jobs.store import JobStore
from stepbox.errors import NotFoundError
from stepbox.store.cache import ObjectCache
from stepbox.store.checkpoints import CheckpointStore
from stepbox.training.live import LiveFigures
from stepbox.training.recipe import Recipe

CACHE_BYTES = 32 * 2**20  # for two of the widest first layers, or dozens of the usual ones
TRIES = 3  # a checkpoint can be replaced after its name was read, but hardly twice in a row


class LiveTraining(NamedTuple):
    """A training, and what it had learned at its last checkpoint.

    Attributes
    ----------
    version
        Names the job and the checkpoint.
    recipe
        What it trains.
    figures
        What the checkpoint shows.
    """

    version: str
    recipe: Recipe
    figures: LiveFigures


class LiveTrainings:
    """Reads the last checkpoints of running trainings, and keeps those that were read last.

    A name is used for one checkpoint only, so no entry expires.

    Parameters
    ----------
    models_dir
        The folder of the models, which also has the checkpoints.
    jobs
        Returns the store of jobs.
    """

    def __init__(self, models_dir: Path, jobs: Callable[[], JobStore]) -> None:
        self._checkpoints = CheckpointStore.beside(models_dir)
        self._jobs = jobs
        self._figures = ObjectCache[LiveFigures](CACHE_BYTES, lambda figures: figures.bytes)

    def latest(self, id: str) -> LiveTraining | None:
        """Return what a training has learned; None before its first checkpoint and after its end.

        Raises
        ------
        NotFoundError
            No job has this id, or the job is an import.
        """
        for _ in range(TRIES):
            job = self._jobs().get(id)
            if job.recipe is None:
                raise NotFoundError(f"job {id} is an import, which trains no network")
            name = self._jobs().checkpoint(id)
            if job.status in FINAL or name is None:
                return None
            figures = self._read(id, name)
            if figures is not None:
                return LiveTraining(f"{id}-{name}", job.recipe, figures)
        return None

    def _read(self, id: str, name: str) -> LiveFigures | None:
        """Return the figures of a checkpoint; None if it is gone or has none."""

        def compute() -> LiveFigures:
            state = self._checkpoints.load(id, name)
            figures = None if state is None else LiveFigures.of_state(state)
            if figures is None:
                raise NotFoundError("the checkpoint has been replaced, or has no figures")
            return figures

        try:
            return self._figures.get(f"{id}/{name}", [], compute)
        except NotFoundError:  # not cached, unlike None
            return None
