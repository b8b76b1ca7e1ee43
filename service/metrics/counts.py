"""The counts of this process. `service.api.metrics` exposes the sums over all processes."""

import os
import tempfile
from bisect import bisect_left
from functools import cache
from pathlib import Path

from service.metrics.tally import FOLDER, Tally

BOUNDS_S = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count a request and its response.

    Parameters
    ----------
    route
        The route that its path matched, not the path itself.
    method
        The request's method.
    status
        The response's status.
    seconds
        The time until the response was ready.
    """
    tally = _tally()
    block = tally.block(("request", route, method, status), 2 + len(BOUNDS_S))
    bucket = 1 + bisect_left(BOUNDS_S, seconds)
    with tally.lock:
        block[0] += seconds
        block[bucket] += 1


def count_predictions(model: str, classes: int, indices: list[int]) -> None:
    """Count the predictions of a model, given by its id: one class index per image."""
    tally = _tally()
    block = tally.block(("prediction", model), classes)
    counts = [(index, indices.count(index)) for index in set(indices)]
    with tally.lock:
        for index, count in counts:
            block[index] += count


@cache
def folder() -> Path:
    """Return the folder of the counts, which processes share if the environment names it."""
    return Path(os.environ.get(FOLDER) or _alone().name)


@cache
def _alone() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="stepbox-tally-")  # removed at exit


@cache
def _tally() -> Tally:
    return Tally(folder())


os.register_at_fork(after_in_child=_tally.cache_clear)  # each process has its own file
