"""What running trainings have learned so far, read from their checkpoints."""

from contextlib import AbstractContextManager
from typing import Any, NamedTuple

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
    checkpoints
        The checkpoints of all jobs.
    turn
        Is held while a checkpoint is read, which can be large.
    """

    def __init__(self, checkpoints: CheckpointStore, turn: AbstractContextManager[Any]) -> None:
        self._checkpoints = checkpoints
        self._turn = turn
        self._figures = ObjectCache[LiveFigures | None](
            CACHE_BYTES, lambda figures: figures.bytes if figures else 0
        )

    def latest(self, jobs: JobStore, id: str) -> LiveTraining | None:
        """Return what a training has learned; None before its first checkpoint and after its end.

        Parameters
        ----------
        jobs
            The jobs that may be read.
        id
            Id of the training.

        Raises
        ------
        NotFoundError
            No job has this id, or the job is an import.
        """
        for _ in range(TRIES):
            job = jobs.get(id)
            if job.recipe is None:
                raise NotFoundError(f"job {id} is an import, which trains no network")
            name = jobs.checkpoint(id)
            if job.status in FINAL or name is None:
                return None
            try:
                figures = self._read(id, name)
            except NotFoundError:
                continue
            return None if figures is None else LiveTraining(f"{id}-{name}", job.recipe, figures)
        return None

    def _read(self, id: str, name: str) -> LiveFigures | None:
        """Return the figures of a checkpoint; None if it has none.

        Raises
        ------
        NotFoundError
            The checkpoint has been replaced.
        """

        def compute() -> LiveFigures | None:
            with self._turn:
                state = self._checkpoints.load(id, name)
                if state is None:
                    raise NotFoundError("the checkpoint has been replaced")
                return LiveFigures.of_state(state)

        return self._figures.get(f"{id}/{name}", [], compute)
