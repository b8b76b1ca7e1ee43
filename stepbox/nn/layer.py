"""What every type of layer can do. docs/how-to/add-a-layer.md writes one step by step."""

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

    A subclass writes out g, its derivatives, and nothing else: `forward`, `backward` and
    `gradients`. They stand next to each other in one file, as formulas that a reader can compare.
    The activation function f is applied by the network, and its derivative by
    `stepbox.nn.backprop`, for all types of layers in the same way.

    Use the dtype of the arrays that come in, and no function that drops imaginary parts. The
    gradient check runs the same code on complex numbers.

    Attributes
    ----------
    names
        Which attribute holds each array of parameters, by the array's name in a weights file.
    activation
        f; the identity in the last layer, whose outputs are the logits.
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
            The gradient of each of `arrays`, by name; empty if the layer has no parameters.
        """

    def update(self, inputs: Array, delta: Array, rate: float) -> None:
        """Take one sample's step in place: θ ← θ − η ∂C/∂θ, where η is the rate."""
        arrays = self.arrays
        for name, gradient in self.gradients(inputs, delta).items():
            arrays[name] -= rate * gradient

    @property
    def arrays(self) -> dict[str, Array]:
        """The parameters themselves, by name."""
        return {name: getattr(self, attribute) for name, attribute in self.names.items()}

    def copy(self, dtype: DTypeLike | None = None) -> Self:
        """Return a layer that shares no array with this one, in another dtype if one is given."""
        layer = copy.copy(self)
        for attribute in self.names.values():
            setattr(layer, attribute, np.array(getattr(self, attribute), dtype, order="C"))
        return layer


@dataclass(frozen=True)
class LayerSpec(ABC):
    """A layer before it has parameters: all that its shapes and its initial weights depend on.

    A subclass is a frozen dataclass. Its fields are the layer's options in a recipe.

    Attributes
    ----------
    input_shape
        Shape of one sample that goes into the layer.
    """

    input_shape: Shape

    @property
    @abstractmethod
    def output_shape(self) -> Shape:
        """Shape of what comes out for one sample."""

    @property
    @abstractmethod
    def array_shapes(self) -> dict[str, Shape]:
        """Shape of each array of parameters, by name, in the order of the weights file."""

    @abstractmethod
    def initial(
        self, rng: np.random.Generator, initialization: Initialization, dtype: DTypeLike
    ) -> Layer:
        """Draw the untrained layer."""

    @abstractmethod
    def layer(self, arrays: Mapping[str, Array]) -> Layer:
        """Make the layer with these parameters, which are not copied."""

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(prod(shape) for shape in self.array_shapes.values())
