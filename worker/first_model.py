"""The first model: a new installation trains one by itself, so that it can predict at once."""

import logging
from contextlib import suppress

from stepbox.data.builtin import DATASETS
from stepbox.errors import ConflictError
from stepbox.training.presets import RECIPES
from worker.stores import Stores

log = logging.getLogger(__name__)


def submit_first_job(stores: Stores, recipe_name: str) -> None:
    """Submit a job for the first model, unless there are models or there has ever been a job.

    If several workers start at once, one of them creates the job.

    Parameters
    ----------
    stores
        The stores of the worker.
    recipe_name
        What to train; ``none`` submits nothing.
    """
    if recipe_name == "none" or stores.models.any():
        return
    recipe = RECIPES[recipe_name]
    with suppress(ConflictError):
        job = stores.jobs.submit(
            recipe, samples=DATASETS[recipe.dataset].train.samples, queue_limit=1, only_first=True
        )
        log.info("job %s: trains the first model", job.id)
