"""Convolutions: every output depends on a small window of the inputs, with the same weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from stepbox.nn.activations import ACTIVATIONS, IDENTITY, Activation, ActivationName, Array
from stepbox.nn.layer import Initialization, Layer, Shape, draw_weights
from stepbox.nn.windows import WindowedSpec, as_image, windows_along, windows_of


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

    def forward(self, inputs: Array) -> Array:
        """Compute z, shape (..., h_out · w_out · c_out), from x, shape (..., h · w · c_in)."""
        windows = self._windows(inputs)
        z: Array = windows @ self.weights.reshape(len(self.weights), -1).T
        z += self.biases
        return z.reshape(*inputs.shape[:-1], -1)

    def backward(self, inputs: Array, delta: Array) -> Array:
        """Compute ∂C/∂x, shape (..., h · w · c_in), from δ, shape (..., h_out · w_out · c_out)."""
        channels, kernel, _, _ = self.weights.shape
        height, width, _ = self.input_shape
        rows = windows_along(height, kernel, self.stride, self.padding)
        columns = windows_along(width, kernel, self.stride, self.padding)
        delta = as_image(delta, (rows, columns, channels))
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
        windows = self._windows(inputs)
        delta = delta.reshape(-1, len(self.weights))
        weight = delta.T @ windows.reshape(len(delta), -1)
        return {"weight": weight.reshape(self.weights.shape), "bias": delta.sum(axis=0)}

    def _windows(self, inputs: Array) -> Array:
        """Return the window of each output, shape (..., h_out, w_out, k · k · c_in)."""
        image = as_image(inputs, self.input_shape)
        if self.padding:
            sides = [(0, 0)] * (image.ndim - 3) + [(self.padding, self.padding)] * 2 + [(0, 0)]
            image = np.pad(image, sides, constant_values=self.fill)
        kernel = self.weights.shape[1]
        windows = windows_of(image, kernel, self.stride)
        return windows.reshape(*windows.shape[:-3], -1)


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
