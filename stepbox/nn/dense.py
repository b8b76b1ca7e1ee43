"""Dense layers: every output depends on every input."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from stepbox.nn.activations import ACTIVATIONS, IDENTITY, Activation, ActivationName, Array
from stepbox.nn.layer import Initialization, Layer, LayerSpec, Shape


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
        return {"weight": np.outer(delta, inputs), "bias": delta}


@dataclass(frozen=True)
class DenseSpec(LayerSpec):
    """The specification of a dense layer.

    Attributes
    ----------
    input_shape
        (n_in,).
    outputs
        n_out.
    activation
        Activation function of the outputs; None for the identity.

    Raises
    ------
    ValueError
        The input shape is not that of a vector.
    """

    outputs: int
    activation: ActivationName | None = None

    def __post_init__(self) -> None:
        if len(self.input_shape) != 1:
            raise ValueError(
                f"a dense layer takes a vector, not inputs of shape {self.input_shape}"
            )

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample: (n_out,)."""
        return (self.outputs,)

    @property
    def array_shapes(self) -> dict[str, Shape]:
        """Shapes of the weights, (n_out, n_in), and of the biases, (n_out,)."""
        return {"weight": (self.outputs, *self.input_shape), "bias": (self.outputs,)}

    def initial(
        self, rng: np.random.Generator, initialization: Initialization, dtype: DTypeLike
    ) -> Dense:
        """Draw weights from N(0, 1 / max(n_in, n_out)), or N(0, 2 / n_in) for ``he``. Biases are 0.

        References
        ----------
        He, K. et al. (2015). Delving deep into rectifiers, equation 10.
        """
        n_out, n_in = shape = self.array_shapes["weight"]
        variance = 2 / n_in if initialization == "he" else 1 / max(n_in, n_out)
        weights = rng.normal(0, np.sqrt(variance), shape).astype(dtype)
        return self.layer({"weight": weights, "bias": np.zeros(n_out, dtype)})

    def layer(self, arrays: Mapping[str, Array]) -> Dense:
        """Make the layer from the arrays ``weight`` and ``bias``, without copying them."""
        activation = ACTIVATIONS[self.activation] if self.activation else IDENTITY
        return Dense(arrays["weight"], arrays["bias"], activation)
