"""What this process counts as it answers; `metrics` tells it for all processes together."""

import os
import tempfile
from bisect import bisect_left
from functools import cache
from pathlib import Path

from service.metrics.tally import FOLDER, Tally

CLASSES = 10
BOUNDS_S = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request that has been answered.

    Parameters
    ----------
    route
        The rule that its path matched, not the path.
    method, status
        Of the request and its answer.
    seconds
        What it took.
    """
    tally = _tally()
    block = tally.block(("request", route, method, status), 2 + len(BOUNDS_S))
    bucket = 1 + bisect_left(BOUNDS_S, seconds)
    with tally.lock:
        block[0] += seconds
        block[bucket] += 1


def count_predictions(model: str, indices: list[int]) -> None:
    """Count pictures that a model, named by its id, took for the classes of these indices."""
    tally = _tally()
    block = tally.block(("prediction", model), CLASSES)
    counts = [(index, indices.count(index)) for index in set(indices)]
    with tally.lock:
        for index, count in counts:
            block[index] += count


@cache
def folder() -> Path:
    """Tell where this process counts: with others where a folder is set, else alone."""
    return Path(os.environ.get(FOLDER) or _alone().name)


@cache
def _alone() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="stepbox-tally-")  # it goes with the process


@cache
def _tally() -> Tally:
    return Tally(folder())


os.register_at_fork(after_in_child=_tally.cache_clear)  # each process has a file of its own
