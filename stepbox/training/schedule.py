"""How the learning rate changes during a training."""

import numpy as np

from stepbox.nn.activations import Array
from stepbox.training.recipe import Schedule

WARM_UP = 0.3  # share of the steps of `one-cycle` in which the rate rises
START, END = 1 / 25, 1e-5 / 2.5  # factors at the start and at the end of `one-cycle`


def rate_factors(schedule: Schedule, step: int, count: int, steps: int) -> Array:
    """Return the factors by which consecutive steps multiply the recipe's learning rate.

    Parameters
    ----------
    schedule
        ``constant``: always 1. ``cosine``: from 1 to 0 along half a cosine. ``one-cycle``:
        from 1/25 up to 1, then down to almost 0, along half a cosine each.
    step, count
        Index of the first step, and the number of steps.
    steps
        Number of steps in the whole training.

    Returns
    -------
    Array
        Shape (count,), 0..1.

    References
    ----------
    Loshchilov, I., Hutter, F. (2017). SGDR: stochastic gradient descent with warm restarts,
    equation 5. Smith, L., Topin, N. (2018). Super-convergence.
    """
    done = np.arange(step, step + count) / steps
    if schedule == "constant":
        return np.ones(count)
    if schedule == "cosine":
        return half_cosine(1, 0, done)
    return np.where(
        done < WARM_UP,
        half_cosine(START, 1, done / WARM_UP),
        half_cosine(1, END, (done - WARM_UP) / (1 - WARM_UP)),
    )


def half_cosine(start: float, end: float, share: Array) -> Array:
    """Interpolate smoothly from start (at share 0) to end (at share 1)."""
    factors: Array = end + (start - end) * 0.5 * (1 + np.cos(np.pi * share))
    return factors
