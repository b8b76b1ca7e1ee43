"""The base classes of all layers. docs/how-to/add-a-layer.md adds a type of layer step by step."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import DTypeLike

from stepbox.nn.activations import IDENTITY, Activation, Array

Shape = tuple[int, ...]
"""Of a sample or an array; of an image, (height, width, channels)."""
Initialization = Literal["default", "he"]


class Layer(ABC):
    """A layer with its parameters: z = g(x; θ), then a = f(z).

    A subclass implements only g (`forward`) and its derivatives (`backward` and `gradients`), as
    formulas next to each other. `Network` applies the activation function f, and
    `stepbox.nn.backprop` its derivative, in the same way for all types of layers.

    Inputs and outputs are vectors, also those of a layer that works on images: row-major, with the
    channels last. So all layers fit together.

    Compute in the dtype of the inputs, and use no function that drops imaginary parts: the
    gradient check runs the same code on complex numbers.

    Attributes
    ----------
    names
        Maps each array's name in a weights file to the attribute that holds the array.
    activation
        f. The last layer has the identity, because its outputs are the logits.
    """

    names: ClassVar[Mapping[str, str]] = {}
    activation: Activation = IDENTITY

    @property
    @abstractmethod
    def output_shape(self) -> Shape:
        """Shape of the output for one sample: (neurons,), or (height, width, channels)."""

    @abstractmethod
    def forward(self, inputs: Array) -> Array:
        """Compute z = g(x; θ) for one sample or a batch.

        Parameters
        ----------
        inputs
            x, shape (inputs,) or (n, inputs), the number being that of the input shape.

        Returns
        -------
        Array
            z, shape (outputs,) or (n, outputs), the number being that of the output shape.
        """

    @abstractmethod
    def backward(self, inputs: Array, delta: Array) -> Array:
        """Compute ∂C/∂x = (∂z/∂x)ᵀ δ for one sample or a batch.

        Parameters
        ----------
        inputs
            x, as in `forward`.
        delta
            δ = ∂C/∂z, shape of z.

        Returns
        -------
        Array
            Shape of x.
        """

    @abstractmethod
    def gradients(self, inputs: Array, delta: Array) -> dict[str, Array]:
        """Compute ∂C/∂θ = (∂z/∂θ)ᵀ δ for one sample.

        Parameters
        ----------
        inputs
            x, shape (inputs,).
        delta
            δ = ∂C/∂z, shape of z.

        Returns
        -------
        dict[str, Array]
            The gradient for each of `arrays`, by name; empty if the layer has no parameters.
        """

    def update(self, inputs: Array, delta: Array, rate: float) -> None:
        """Update the parameters in place for one sample: θ ← θ − (∂z/∂θ)ᵀ η δ, η being the rate.

        δ is multiplied by η, because the product of η and a gradient would need another array of
        the size of the parameters.
        """
        arrays = self.arrays
        for name, step in self.gradients(inputs, rate * delta).items():
            arrays[name] -= step

    @property
    def arrays(self) -> dict[str, Array]:
        """The parameter arrays by name. They are not copies."""
        return {name: getattr(self, attribute) for name, attribute in self.names.items()}

    def copy(self, dtype: DTypeLike | None = None) -> Self:
        """Return a copy that shares no array with this layer, in `dtype` if it is given."""
        layer = copy.copy(self)
        for attribute in self.names.values():
            setattr(layer, attribute, np.array(getattr(self, attribute), dtype, order="C"))
        return layer


@dataclass(frozen=True)
class LayerSpec(ABC):
    """The specification of a layer: its shapes and options, but no parameters.

    A subclass is a frozen dataclass. The fields that it adds are its options for `layer_specs`.

    Attributes
    ----------
    input_shape
        Shape of the input for one sample.
    """

    input_shape: Shape

    @property
    @abstractmethod
    def output_shape(self) -> Shape:
        """Shape of the output for one sample."""

    @property
    @abstractmethod
    def array_shapes(self) -> dict[str, Shape]:
        """Shape of each parameter array by name, in the order of the weights file."""

    @abstractmethod
    def initial(
        self, rng: np.random.Generator, initialization: Initialization, dtype: DTypeLike
    ) -> Layer:
        """Make an untrained layer. Its weights are drawn from `rng`."""

    @abstractmethod
    def layer(self, arrays: Mapping[str, Array]) -> Layer:
        """Make the layer from parameter arrays by name, without copying them."""

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(prod(shape) for shape in self.array_shapes.values())

    @property
    def products(self) -> int:
        """Number of multiplications for one sample: one for each parameter, unless it says more."""
        return self.parameters

    @property
    def inputs(self) -> int:
        """Number of inputs: the product of the input shape."""
        return prod(self.input_shape)

    @property
    def outputs(self) -> int:
        """Number of outputs: the product of the output shape."""
        return prod(self.output_shape)


def draw_weights(
    rng: np.random.Generator,
    initialization: Initialization,
    shapes: Mapping[str, Shape],
    dtype: DTypeLike,
) -> dict[str, Array]:
    """Draw weights from N(0, 1 / max(n_in, n_out)), or N(0, 2 / n_in) for ``he``. Biases are 0.

    n_in is the number of weights that lead to one output. n_out is the number that lead from one
    input, if it is not near an edge.

    Parameters
    ----------
    rng, initialization, dtype
        See `LayerSpec.initial`.
    shapes
        Those of ``weight``, (outputs, ..., inputs), and of ``bias``.

    References
    ----------
    He, K. et al. (2015). Delving deep into rectifiers, equation 10.
    """
    outputs, *window, inputs = shape = shapes["weight"]
    n_in, n_out = prod(window) * inputs, prod(window) * outputs
    variance = 2 / n_in if initialization == "he" else 1 / max(n_in, n_out)
    weight = rng.normal(0, np.sqrt(variance), shape).astype(dtype)
    return {"weight": weight, "bias": np.zeros(shapes["bias"], dtype)}
