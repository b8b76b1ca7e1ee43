"""Dense layers: every output depends on every input."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from stepbox.nn.activations import ACTIVATIONS, IDENTITY, Activation, ActivationName, Array
from stepbox.nn.layer import Initialization, Layer, LayerSpec, Shape, draw_weights


@dataclass(eq=False)
class Dense(Layer):
    """A dense layer with n_in inputs and n_out outputs.

        forward    z = W x + b
        backward   ∂C/∂x = Wᵀ δ
        gradients  ∂C/∂W = δ xᵀ,  ∂C/∂b = δ
        update     W ← W − η δ xᵀ,  b ← b − η δ

    Attributes
    ----------
    weights
        W, shape (n_out, n_in).
    biases
        b, shape (n_out,).
    activation
        Activation function of the outputs; the identity in the last layer.
    """

    names: ClassVar = {"weight": "weights", "bias": "biases"}

    weights: Array
    biases: Array
    activation: Activation = IDENTITY

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample: (n_out,)."""
        return self.biases.shape

    def forward(self, inputs: Array) -> Array:
        """Compute z = W x + b, shape (..., n_out), from x, shape (..., n_in)."""
        z: Array = np.dot(inputs, self.weights.T)
        z += self.biases
        return z

    def backward(self, inputs: Array, delta: Array) -> Array:
        """Compute ∂C/∂x = Wᵀ δ, shape (..., n_in), from δ, shape (..., n_out)."""
        gradient: Array = delta @ self.weights
        return gradient

    def gradients(self, inputs: Array, delta: Array) -> dict[str, Array]:
        """Compute ∂C/∂W = δ xᵀ, shape (n_out, n_in), and ∂C/∂b = δ, for one sample."""
        return {"weight": np.multiply.outer(delta, inputs), "bias": delta}


@dataclass(frozen=True)
class DenseSpec(LayerSpec):
    """The specification of a dense layer.

    Attributes
    ----------
    input_shape
        Any shape; n_in is its product.
    neurons
        n_out.
    activation
        Activation function of the outputs; None for the identity.
    """

    neurons: int
    activation: ActivationName | None = None

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample: (n_out,)."""
        return (self.neurons,)

    @property
    def array_shapes(self) -> dict[str, Shape]:
        """Shapes of the weights, (n_out, n_in), and of the biases, (n_out,)."""
        return {"weight": (self.neurons, self.inputs), "bias": (self.neurons,)}

    def initial(
        self, rng: np.random.Generator, initialization: Initialization, dtype: DTypeLike
    ) -> Dense:
        """Draw random weights; see `draw_weights`."""
        return self.layer(draw_weights(rng, initialization, self.array_shapes, dtype))

    def layer(self, arrays: Mapping[str, Array]) -> Dense:
        """Make the layer from the arrays ``weight`` and ``bias``, without copying them."""
        activation = ACTIVATIONS[self.activation] if self.activation else IDENTITY
        return Dense(arrays["weight"], arrays["bias"], activation)
