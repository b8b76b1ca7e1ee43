"""Standardization: inputs shifted and scaled to mean 0 and standard deviation 1."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import Dataset, PixelScale, scale_pixels
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import Array
from stepbox.nn.convolution import Convolution
from stepbox.nn.dense import Dense
from stepbox.nn.network import Network
from stepbox.nn.pooling import MaxPool

BLOCK = 1000  # samples that are read at a time


class Standardization(NamedTuple):
    """The function x ↦ (x − mean) / deviation of a network's inputs.

    It is affine, so it can be folded into the first layer of a trained network.

    Attributes
    ----------
    mean, deviation
        Shape (features,) for vectors, and (1,) for images, whose pixels are standardized together.
        The deviation of a feature that is always the same is 1.
    """

    mean: Array
    deviation: Array

    @classmethod
    def of(cls, dataset: Dataset, chosen: NDArray[np.int64], pixel_scale: PixelScale) -> Self:
        """Compute the standardization of some samples, in two passes over them."""
        axis = 0 if dataset.spec.kind == "vectors" else None
        count = len(chosen) if axis == 0 else len(chosen) * dataset.spec.features

        def mean_of(power: int, shift: Array | float) -> Array:
            total: Array | float = 0.0
            for start in range(0, len(chosen), BLOCK):
                inputs = scale_pixels(dataset.take(chosen[start : start + BLOCK]), pixel_scale)
                total = total + ((inputs - shift) ** power).sum(axis=axis)
            return np.atleast_1d(total / count)

        mean = mean_of(1, 0.0)
        deviation = np.sqrt(mean_of(2, mean))
        return cls(mean, np.where(deviation > 0, deviation, 1.0))

    def apply(self, inputs: Array) -> Array:
        """Standardize inputs, shape (n, features), in place."""
        inputs -= self.mean.astype(inputs.dtype)
        inputs /= self.deviation.astype(inputs.dtype)
        return inputs

    @property
    def black(self) -> float:
        """The value of a black pixel after `apply`."""
        return float(-self.mean[0] / self.deviation[0])

    def set_fill(self, network: Network) -> None:
        """Make a first convolution pad standardized inputs with black, as `fold` requires."""
        layer = _first_with_weights(network)
        if isinstance(layer, Convolution):
            layer.fill = self.black

    def fold(self, network: Network) -> None:
        """Change a network of standardized inputs into one of the inputs themselves."""
        layer = _first_with_weights(network)
        layer.weights /= self.deviation
        layer.biases -= self._shift(layer)
        if isinstance(layer, Convolution):
            layer.fill = 0.0

    def unfold(self, network: Network) -> None:
        """Undo `fold`."""
        layer = _first_with_weights(network)
        layer.biases += self._shift(layer)
        layer.weights *= self.deviation
        self.set_fill(network)

    def _shift(self, layer: Dense | Convolution) -> Array:
        """Return what inputs equal to the mean add to each z, away from the padding."""
        shift: Array = (layer.weights * self.mean).reshape(len(layer.biases), -1).sum(axis=1)
        return shift


def _first_with_weights(network: Network) -> Dense | Convolution:
    """Return the first layer with weights. Max-pools before it only choose among inputs."""
    layer = next(layer for layer in network.layers if not isinstance(layer, MaxPool))
    if not isinstance(layer, Dense | Convolution):
        detail = "must be false: it can be folded into a dense layer or a convolution only"
        raise InvalidInputError.at("/standardize", detail)
    return layer
