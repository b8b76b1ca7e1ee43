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
Initialization = Literal["default", "he"]


class Layer(ABC):
    """A layer with its parameters: z = g(x; θ), then a = f(z).

    A subclass implements only g (`forward`) and its derivatives (`backward` and `gradients`), as
    formulas next to each other. `Network` applies the activation function f, and
    `stepbox.nn.backprop` its derivative, in the same way for all types of layers.

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

    @abstractmethod
    def forward(self, inputs: Array) -> Array:
        """Compute z = g(x; θ) for one sample or a batch.

        Parameters
        ----------
        inputs
            x, shape (*input_shape) or (n, *input_shape).

        Returns
        -------
        Array
            z, shape (*output_shape) or (n, *output_shape).
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
            x, shape (*input_shape).
        delta
            δ = ∂C/∂z, shape (*output_shape).

        Returns
        -------
        dict[str, Array]
            The gradient for each of `arrays`, by name; empty if the layer has no parameters.
        """

    def update(self, inputs: Array, delta: Array, rate: float) -> None:
        """Update the parameters in place for one sample: θ ← θ − η ∂C/∂θ, where η is the rate."""
        arrays = self.arrays
        for name, gradient in self.gradients(inputs, delta).items():
            arrays[name] -= rate * gradient

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
