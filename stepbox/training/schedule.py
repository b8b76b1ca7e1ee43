"""How the learning rate goes over a training."""

import numpy as np

from stepbox.nn.activations import Array
from stepbox.training.recipe import Schedule

WARM_UP = 0.3  # share of one cycle that rises
START, END = 1 / 25, 1e-5 / 2.5  # of the cycle's top


def rate_factors(schedule: Schedule, step: int, count: int, steps: int) -> Array:
    """Return what the recipe's learning rate is multiplied by at each of some steps.

    Parameters
    ----------
    schedule
        ``constant``: always 1; ``cosine``: from 1 down to 0 along half a cosine; ``one-cycle``:
        up to 1 and down to nothing along two of them.
    step, count
        The first step, from 0, and how many of them.
    steps
        Steps of the whole training.

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
    """Go smoothly from start to end as the share goes from 0 to 1."""
    factors: Array = end + (start - end) * 0.5 * (1 + np.cos(np.pi * share))
    return factors
