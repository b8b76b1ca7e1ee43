"""Where a network has kinks at a sample.

Two functions have kinks. The slope of ReLU at 0 is 0 on the left and 1 on the right. The output of
a max-pool moves with the input that has the maximum. If several have it, then for each direction,
the one that moves most counts.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.result import Integers
from stepbox.nn.activations import Array
from stepbox.nn.convolution import Convolution
from stepbox.nn.layer import Layer
from stepbox.nn.network import Network
from stepbox.nn.pooling import MaxPool
from stepbox.nn.windows import as_image, windows_of

ROUNDING = np.finfo(np.float64).eps / 2  # largest relative error of one rounding
STEEPEST = 1.13  # largest slope of an activation function, that of GELU

Side = Literal[-1, 0, 1]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Maxima:
    """The maxima of a max-pool at one sample.

    Attributes
    ----------
    inputs
        Indices of the inputs of each window, shape (outputs, cells).
    winners
        Index of the first input that has the maximum, shape (outputs,).
    tied
        Whether each input has the maximum, up to its rounding error, shape (outputs, cells).
    shared
        The outputs whose maximum several inputs share, and one of them can move.
    """

    inputs: Integers
    winners: Integers
    tied: Flags
    shared: Integers

    @classmethod
    def of(cls, pool: MaxPool, values: Array, errors: Array, fixed: Flags) -> Self:
        """Find the maxima of a pool's inputs, shape (inputs,).

        `errors` bounds the rounding error of each input, and `fixed` says which do not move.
        """
        images = as_image(np.arange(values.size), pool.input_shape)
        windows = windows_of(images, pool.size, pool.stride)
        inputs = np.moveaxis(windows, -1, -3).reshape(-1, pool.size**2)
        winners = inputs[np.arange(len(inputs)), values[inputs].argmax(axis=1)]
        least = values[winners] - errors[winners]
        tied = values[inputs] + errors[inputs] >= least[:, None]
        moves = tied & ~fixed[inputs]
        shared = np.flatnonzero((tied.sum(axis=1) > 1) & moves.any(axis=1))
        return cls(inputs, winners, tied, shared)

    def pass_on(self, stepped: Array, side: Side) -> tuple[Array, Flags]:
        """Return the maxima after steps, shape (n, inputs), and which steps a tie can divert.

        A step changes no real part, so the winners stay. At a tie, `side` = ±1 follows the input
        that moves most.
        """
        values = stepped[:, self.winners]
        cells = np.where(self.tied, self.inputs, self.winners[:, None])[self.shared]
        imaginary = stepped.imag[:, cells]
        diverted = (imaginary != values.imag[:, self.shared, None]).any(axis=(1, 2))
        if side:
            values.imag[:, self.shared] = imaginary.max(axis=2)
        return values, diverted


def find_kinks(
    network: Network, pre_activations: list[Array], activations: list[Array]
) -> tuple[list[Integers], list[Maxima | None]]:
    """Find the units at a kink, and the maxima, of a network with real parameters.

    Parameters
    ----------
    network, pre_activations, activations
        The network, and the results of its `forward` for one sample.

    Returns
    -------
    kinks
        For each layer, the indices of the ReLU units whose pre-activation is 0, up to the rounding
        error of its sum.
    maxima
        For each layer, its maxima if it is a max-pool, else None.
    """
    kinks: list[Integers] = []
    found: list[Maxima | None] = []
    errors: Array = np.zeros(activations[0].size)
    fixed: Flags = np.zeros(activations[0].size, np.bool_)
    for layer, z, values in zip(network.layers, pre_activations, activations, strict=True):
        maxima = None
        at_kink: Flags = np.zeros(z.size, np.bool_)
        if isinstance(layer, MaxPool):
            maxima = Maxima.of(layer, values, errors, fixed)
            errors = errors[maxima.inputs].max(axis=1)
            fixed = ~np.any(maxima.tied & ~fixed[maxima.inputs], axis=1)
        else:
            errors = _rounding_errors(layer, values)
            fixed = np.zeros(z.size, np.bool_)
            if layer.activation.name == "relu":
                at_kink, fixed = np.abs(z) <= errors, z < -errors
            errors = STEEPEST * errors + 4 * ROUNDING * np.abs(layer.activation.function(z))
        found.append(maxima)
        kinks.append(np.flatnonzero(at_kink))
    return kinks, found


def _rounding_errors(layer: Layer, inputs: Array) -> Array:
    """Bound the rounding error of each pre-activation of one sample, shape (outputs,).

    That of Σ wx + b with n products is at most about (n + 1) ROUNDING times the sum of their
    magnitudes.
    """
    magnitudes = layer.copy()
    for array in magnitudes.arrays.values():
        np.abs(array, out=array)
    if isinstance(magnitudes, Convolution):
        magnitudes.fill = abs(magnitudes.fill)
    weights = magnitudes.arrays.get("weight")
    terms = inputs.size if weights is None else weights[0].size
    errors: Array = (terms + 2) * ROUNDING * magnitudes.forward(np.abs(inputs))
    return errors
