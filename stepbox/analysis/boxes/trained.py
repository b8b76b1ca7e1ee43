"""Step neurons that are trained, to compare them with boxes that are placed."""

from collections.abc import Callable

import numpy as np

from stepbox.analysis.boxes.sum import edge, midpoint
from stepbox.nn.activations import Array, sigmoid

POINTS = 512  # points of the training set, equally spaced; a piece is at least a 512th wide
STEPS = 300  # of the training; twice as many lower the error by another 3 %

# The unit of positions is the width of one of n equal boxes, and that of heights is half the
# function's range. A search over eight functions chose the softness, the rate and the shift.
FIRST_SOFTNESS, LAST_SOFTNESS = 0.25, 0.01
RATE = 0.1
COOLING = 0.2  # the last part of the training, where the rate falls to 0, so that positions settle
SHIFT = 0.1  # without a shift, a symmetric function can keep the positions on a saddle

MOMENTUM, MEMORY, TINY = 0.9, 0.999, 1e-8  # the constants of the Adam paper


def train_steps(
    function: Callable[[Array], Array], bound: float, neurons: int
) -> tuple[Array, Array]:
    r"""Train a network with one hidden layer of step neurons to approximate a function.

    The network has no output bias. Its output on [−bound, bound) is

    .. math:: \sum_{k=1}^n (h_k - h_{k-1}) \, s(x - e_k) \quad\text{with } h_0 = 0.

    The first neuron steps at −bound, and the other positions :math:`e_k` are trained together with
    the heights :math:`h_k`, to minimize the mean square error on `POINTS` points. A step has the
    derivative 0, so it is trained as the sigmoid :math:`\sigma((x - e_k)/\tau)`. The softness
    :math:`\tau` falls to almost 0 during the training. Afterwards, each sigmoid becomes a step, and
    each height becomes the mean of the function on its piece, which is the best height in this
    loss.

    The result is near a local minimum, so it is not the best network of steps. Its mean square
    error is usually below that of as many equal boxes; with 64 neurons, for some functions, it is
    not. Its *largest* error is usually larger than that of boxes of free widths, because the
    training minimizes another loss. The result is the same in every run.

    Parameters
    ----------
    function
        From finite x, shape (points,), to finite values in the same shape.
    bound
        B > 0: the interval is [−B, B).
    neurons
        Number n of step neurons, at least 1.

    Returns
    -------
    edges
        Ascending from −bound to bound, shape (pieces + 1,). Neurons at the same place, or outside
        the interval, are merged, so there are at most `neurons` pieces.
    levels
        The network's output on each piece, shape (pieces,).

    References
    ----------
    D. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", 2015.
    """
    values = function(midpoint(bound, POINTS, np.arange(POINTS)))
    low, high = values.min() / 2, values.max() / 2  # halves, because high − low may overflow
    middle, scale = low + high, (high - low) or 1.0
    targets = (values - middle) / scale

    x = midpoint(neurons / 2, POINTS, np.arange(POINTS)) + neurons / 2  # so n boxes have width 1
    single = np.float32  # halves the time for 64 neurons
    positions = _train_positions(x.astype(single), targets.astype(single), neurons)
    starts = np.unique(np.append(0, np.searchsorted(x, positions)))
    starts = starts[starts < POINTS]
    ends = np.append(starts[1:], POINTS)
    means = np.add.reduceat(targets, starts) / (ends - starts)
    return edge(bound, POINTS, np.append(starts, POINTS)), middle + scale * means


def _train_positions(x: Array, targets: Array, neurons: int) -> Array:
    """Train soft steps with Adam, and return the positions of all but the first.

    Parameters
    ----------
    x
        Points between 0 and `neurons`, shape (points,), float32.
    targets
        Values between −1 and 1 there, shape (points,), float32.
    neurons
        Number n of neurons. They start where n equal boxes have their left edges.

    Returns
    -------
    Shape (neurons − 1,), in any order.
    """
    shifts = np.random.default_rng(0).uniform(-SHIFT, SHIFT, neurons - 1)
    positions = np.arange(1, neurons) + shifts
    heights = np.interp(np.arange(neurons) + 0.5, x, targets)
    parameters: Array = np.concatenate([positions, heights]).astype(np.float32)
    mean, mean_square = np.zeros_like(parameters), np.zeros_like(parameters)
    softnesses = np.geomspace(FIRST_SOFTNESS, LAST_SOFTNESS, STEPS).tolist()
    for step, softness in enumerate(softnesses, 1):
        positions, heights = np.split(parameters, [neurons - 1])
        gradient = _gradient(x, targets, positions, heights, softness)
        mean = MOMENTUM * mean + (1 - MOMENTUM) * gradient
        mean_square = MEMORY * mean_square + (1 - MEMORY) * gradient**2
        direction = mean / (1 - MOMENTUM**step)
        size = np.sqrt(mean_square / (1 - MEMORY**step))
        rate = RATE * min(1.0, (1 - step / STEPS) / COOLING)
        parameters = parameters - rate * direction / (size + TINY)
    return parameters[: neurons - 1]


def _gradient(x: Array, targets: Array, positions: Array, heights: Array, softness: float) -> Array:
    r"""Differentiate half the sum of the squared errors of soft steps.

    With the output :math:`g(x) = h_1 + \sum_{k>1} (h_k - h_{k-1}) \, \sigma_k`, where
    :math:`\sigma_k = \sigma((x - e_k)/\tau)`, and the error :math:`r = g - f`:

    .. math::
        \frac{\partial}{\partial e_k} = -\frac{h_k - h_{k-1}}{\tau}
        \sum_x r \, \sigma_k (1 - \sigma_k), \qquad
        \frac{\partial}{\partial h_k} = \sum_x r \, (\sigma_k - \sigma_{k+1}),

    where the first neuron is always on, :math:`\sigma_1 = 1`, and :math:`\sigma_{n+1} = 0`.

    Parameters
    ----------
    x, targets
        Shape (points,).
    positions
        :math:`e_2, …, e_n`, shape (neurons − 1,).
    heights
        :math:`h_1, …, h_n`, shape (neurons,).
    softness
        :math:`\tau` > 0.

    Returns
    -------
    The derivatives with respect to the positions, then the heights; shape (2 · neurons − 1,).
    """
    on = sigmoid((x - positions[:, None]) / softness)
    rises = np.diff(heights)
    error = heights[0] + rises @ on - targets
    by_position = -rises / softness * ((on * (1 - on)) @ error)
    above = np.pad(on @ error, 1)  # the sums of the error after each position; 0 after the last
    above[0] = error.sum()
    return np.concatenate([by_position, -np.diff(above)])
