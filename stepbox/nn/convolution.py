"""Convolutions: every output depends on a small window of the inputs, with the same weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from stepbox.nn.activations import ACTIVATIONS, IDENTITY, Activation, ActivationName, Array
from stepbox.nn.layer import Initialization, Layer, Shape, draw_weights
from stepbox.nn.windows import WindowedSpec, as_image, windows_along, windows_of

BLOCK = 2**17  # numbers in the windows that are multiplied at a time: 512 KiB in float32


@dataclass(eq=False)
class Convolution(Layer):
    """A convolution of images of c_in channels into images of c_out channels.

    With x padded on all sides, with stride s, and with a kernel of k rows and columns:

        forward    z[i, j, o] = b[o] + Σ_{u,v,c} W[o, u, v, c] x[s i + u, s j + v, c]
        backward   ∂C/∂x[y, x, c] = Σ W[o, u, v, c] δ[i, j, o]   over s i + u = y, s j + v = x
        gradients  ∂C/∂W[o, u, v, c] = Σ_{i,j} δ[i, j, o] x[s i + u, s j + v, c]
                   ∂C/∂b[o] = Σ_{i,j} δ[i, j, o]

    This is a cross-correlation: the kernel is not mirrored. Every framework calls it a convolution.
    Inputs, z and δ are images as vectors, in the order height, width, channels.

    Attributes
    ----------
    weights
        W, shape (c_out, k, k, c_in).
    biases
        b, shape (c_out,).
    input_shape
        (height, width, c_in).
    stride
        s, in pixels: the distance of two windows that are next to each other.
    padding
        Number of pixels to add on each side of the inputs.
    fill
        Value of these pixels.
    activation
        Activation function of the outputs.
    """

    names: ClassVar = {"weight": "weights", "bias": "biases"}

    weights: Array
    biases: Array
    input_shape: Shape
    stride: int = 1
    padding: int = 0
    fill: float = 0.0
    activation: Activation = IDENTITY

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample: (h_out, w_out, c_out)."""
        channels, kernel, _, _ = self.weights.shape
        height, width, _ = self.input_shape
        rows, columns = (
            windows_along(length, kernel, self.stride, self.padding) for length in (height, width)
        )
        return rows, columns, channels

    def forward(self, inputs: Array) -> Array:
        """Compute z, shape (..., h_out · w_out · c_out), from x, shape (..., h · w · c_in)."""
        filters = self.weights.reshape(len(self.weights), -1).T
        z = np.concatenate([windows @ filters for windows in self._windows(inputs)])
        z += self.biases
        return z.reshape(*inputs.shape[:-1], -1)

    def backward(self, inputs: Array, delta: Array) -> Array:
        """Compute ∂C/∂x, shape (..., h · w · c_in), from δ, shape (..., h_out · w_out · c_out)."""
        rows, columns, _ = self.output_shape
        kernel = self.weights.shape[1]
        height, width, _ = self.input_shape
        delta = as_image(delta, self.output_shape)
        p, s = self.padding, self.stride
        padded = np.zeros(
            (*delta.shape[:-3], height + 2 * p, width + 2 * p, self.input_shape[2]), delta.dtype
        )
        for u in range(kernel):
            for v in range(kernel):
                reached = padded[..., u : u + s * rows : s, v : v + s * columns : s, :]
                reached += delta @ self.weights[:, u, v]
        gradient = padded[..., p : p + height, p : p + width, :]
        return gradient.reshape(*inputs.shape[:-1], -1)

    def gradients(self, inputs: Array, delta: Array) -> dict[str, Array]:
        """Compute ∂C/∂W, shape (c_out, k, k, c_in), and ∂C/∂b for one sample."""
        delta = delta.reshape(-1, len(self.weights))
        weight = np.zeros((len(self.weights), self.weights[0].size), np.result_type(delta, inputs))
        start = 0
        for windows in self._windows(inputs):
            weight += delta[start : start + len(windows)].T @ windows
            start += len(windows)
        return {"weight": weight.reshape(self.weights.shape), "bias": delta.sum(axis=0)}

    def _windows(self, inputs: Array) -> Iterator[Array]:
        """Yield the window of each output in order, in blocks of shape (outputs, k · k · c_in).

        A block is small enough for the processor's cache. If it needs to be, it has only some rows
        of one sample.
        """
        images = inputs.reshape(-1, *self.input_shape)
        if self.padding:
            p = self.padding
            n, height, width, channels = images.shape
            padded = np.full((n, height + 2 * p, width + 2 * p, channels), self.fill, images.dtype)
            padded[:, p:-p, p:-p] = images
            images = padded
        windows = windows_of(images, self.weights.shape[1], self.stride)
        size = self.weights[0].size
        samples, rows, columns = windows.shape[:3]
        rows_at_once = max(1, BLOCK // (columns * size))
        samples_at_once = max(1, rows_at_once // rows)
        for first in range(0, samples, samples_at_once):
            for top in range(0, rows, rows_at_once):
                block = windows[first : first + samples_at_once, top : top + rows_at_once]
                yield block.reshape(-1, size)


@dataclass(frozen=True)
class ConvolutionSpec(WindowedSpec):
    """The specification of a convolution.

    Attributes
    ----------
    input_shape
        (height, width, c_in), or (height, width) for c_in = 1.
    channels
        c_out: number of filters, each of which makes one feature map.
    kernel
        Rows and columns of a filter, in pixels.
    stride
        Distance of two windows that are next to each other, in pixels.
    padding
        Number of black pixels to add on each side of the inputs.
    activation
        Activation function of the outputs; None for the identity.

    Raises
    ------
    ValueError
        The input shape is not that of an image, or the kernel does not fit in it.
    """

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    activation: ActivationName | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.windows("kernel", self.kernel, self.stride, self.padding)

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample: (h_out, w_out, c_out)."""
        return *self.windows("kernel", self.kernel, self.stride, self.padding), self.channels

    @property
    def array_shapes(self) -> dict[str, Shape]:
        """Shapes of the weights, (c_out, k, k, c_in), and of the biases, (c_out,)."""
        weight = (self.channels, self.kernel, self.kernel, self.input_shape[2])
        return {"weight": weight, "bias": (self.channels,)}

    @property
    def products(self) -> int:
        """Number of multiplications for one sample: each window uses all parameters."""
        rows, columns, _ = self.output_shape
        return rows * columns * self.parameters

    def initial(
        self, rng: np.random.Generator, initialization: Initialization, dtype: DTypeLike
    ) -> Convolution:
        """Draw random weights; see `draw_weights`."""
        return self.layer(draw_weights(rng, initialization, self.array_shapes, dtype))

    def layer(self, arrays: Mapping[str, Array]) -> Convolution:
        """Make the layer from the arrays ``weight`` and ``bias``, without copying them."""
        return Convolution(
            arrays["weight"],
            arrays["bias"],
            self.input_shape,
            self.stride,
            self.padding,
            activation=ACTIVATIONS[self.activation] if self.activation else IDENTITY,
        )
