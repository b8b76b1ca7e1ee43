"""Max-pooling: every output is the maximum of a small window of one channel."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stepbox.nn.activations import Array
from stepbox.nn.layer import Initialization, Layer, Shape
from stepbox.nn.windows import WindowedSpec, as_image, windows_along


@dataclass(eq=False)
class MaxPool(Layer):
    """A layer that keeps the maximum of each window. It has no parameters.

    With stride s and windows of k rows and columns:

        forward    z[i, j, c] = max_{u,v} x[s i + u, s j + v, c]
        backward   ∂C/∂x[y, x, c] = Σ δ[i, j, c]   over the windows whose maximum is at (y, x)

    Of equal maxima, the first in row-major order counts. Complex numbers are compared by their
    real parts. Inputs, z and δ are images as vectors, in the order height, width, channels.

    Attributes
    ----------
    input_shape
        (height, width, channels).
    size
        k, in pixels.
    stride
        s, in pixels: the distance of two windows that are next to each other.
    """

    input_shape: Shape
    size: int
    stride: int

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample: (h_out, w_out, channels)."""
        height, width, channels = self.input_shape
        rows, columns = (
            windows_along(length, self.size, self.stride) for length in (height, width)
        )
        return rows, columns, channels

    def forward(self, inputs: Array) -> Array:
        """Compute z, shape (..., h_out · w_out · c), from x, shape (..., h · w · c)."""
        z = reduce(larger, self._cells(as_image(inputs, self.input_shape)))
        return z.reshape(*inputs.shape[:-1], -1)

    def backward(self, inputs: Array, delta: Array) -> Array:
        """Compute ∂C/∂x, shape (..., h · w · c), from δ, shape (..., h_out · w_out · c)."""
        winners = self.winners(inputs)
        delta = as_image(delta, self.output_shape)
        gradient = np.zeros((*delta.shape[:-3], *self.input_shape), delta.dtype)
        for cell, reached in enumerate(self._cells(gradient)):
            reached += np.where(winners == cell, delta, 0)
        return gradient.reshape(*inputs.shape[:-1], -1)

    def gradients(self, inputs: Array, delta: Array) -> dict[str, Array]:
        """Return nothing: there are no parameters."""
        return {}

    def winners(self, inputs: Array) -> NDArray[np.intp]:
        """Return where each maximum is: k u + v, shape (..., h_out, w_out, c)."""
        cells = self._cells(as_image(inputs, self.input_shape).real)
        z = next(cells)
        winners = np.zeros(z.shape, np.intp)
        for number, cell in enumerate(cells, start=1):
            winners[cell > z] = number
            z = larger(z, cell)
        return winners

    def _cells(self, image: Array) -> Iterator[Array]:
        """Yield x[s i + u, s j + v, c] for each u and v: views, shape (..., h_out, w_out, c)."""
        rows, columns, _ = self.output_shape
        s = self.stride
        for u, v in np.ndindex(self.size, self.size):
            yield image[..., u : u + s * rows : s, v : v + s * columns : s, :]


def larger(z: Array, x: Array) -> Array:
    """Return z, or x where its real part is larger."""
    return np.where(x.real > z.real, x, z) if z.dtype.kind == "c" else np.maximum(z, x)


@dataclass(frozen=True)
class MaxPoolSpec(WindowedSpec):
    """The specification of a max-pooling layer.

    Attributes
    ----------
    input_shape
        (height, width, channels), or (height, width) for one channel.
    size
        Rows and columns of a window, in pixels.
    stride
        Distance of two windows that are next to each other, in pixels.

    Raises
    ------
    ValueError
        The input shape is not that of an image, or the window does not fit in it.
    """

    size: int
    stride: int

    def __post_init__(self) -> None:
        super().__post_init__()
        self.windows("window", self.size, self.stride)

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample: (h_out, w_out, channels)."""
        return *self.windows("window", self.size, self.stride), self.input_shape[2]

    @property
    def array_shapes(self) -> dict[str, Shape]:
        """Nothing: there are no parameters."""
        return {}

    def initial(
        self, rng: np.random.Generator, initialization: Initialization, dtype: DTypeLike
    ) -> MaxPool:
        """Make the layer."""
        return self.layer({})

    def layer(self, arrays: Mapping[str, Array]) -> MaxPool:
        """Make the layer."""
        return MaxPool(self.input_shape, self.size, self.stride)
