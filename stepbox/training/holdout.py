"""Which samples of a training set are held out for validation."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from stepbox.training.report import Share


def held_out_per_class(share: Share, per_class: Iterable[int]) -> list[int]:
    """Return how many samples of each class are held out; at least one of each is left.

    Parameters
    ----------
    share
        Share of the samples of each class, 0 to 0.5. A half rounds to even.
    per_class
        Number of samples of each class.
    """
    return [round(share * samples) for samples in per_class]


def hold_out(
    labels: NDArray[np.integer], share: Share, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose the samples of each class to hold out, at random.

    Parameters
    ----------
    labels
        Shape (samples,), the classes.
    share
        See `held_out_per_class`.
    seed
        The recipe's seed.

    Returns
    -------
    trained, held_out
        Indices of the samples to train on and of the others, both in ascending order.
    """
    # No other generator of a training has this seed; NumPy ignores zeros at the end of seeds.
    rng = np.random.default_rng([seed, 0, 0, 1])
    held_out = np.zeros(len(labels), bool)
    counts = held_out_per_class(share, np.bincount(labels).tolist())
    for label, count in enumerate(counts):
        if count:
            held_out[rng.choice(np.flatnonzero(labels == label), count, replace=False)] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
