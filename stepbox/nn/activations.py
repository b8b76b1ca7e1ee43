"""Activation functions, each next to its derivative.

They work elementwise on real and complex arrays. So a complex step can check each derivative
without cancellation: f′(z) = Im f(z + ih) / h.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ActivationName = Literal["sigmoid", "tanh", "relu", "gelu"]


@dataclass(frozen=True)
class Activation:
    """An activation function and its derivative.

    Attributes
    ----------
    name
        Its key in `ACTIVATIONS`, if it is there.
    function, derivative
        Elementwise: any shape to the same shape and dtype.
    """

    name: str
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]

    def without(self, neurons: Sequence[int], of: int) -> "Activation":
        """Return this function for a layer some of whose neurons are switched off.

        Parameters
        ----------
        neurons
            Indices of the neurons, or of the channels of a convolution or a pooling layer. There,
            the function and its derivative are 0.
        of
            Number of neurons or channels, which is the length of the last axis of the output.
        """

        def switched_off(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
            def values_without(z: Array) -> Array:
                values = np.array(function(z), order="C")
                values.reshape(-1, of)[:, neurons] = 0
                return values

            return values_without

        return Activation(self.name, switched_off(self.function), switched_off(self.derivative))


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(−max(z, −88))), in (0, 1]. exp(89) would overflow float32.

    For complex z, which are of double precision, the limit is −700. So the complex step gives the
    derivative also below −88.
    """
    result: Array = 1 / (1 + np.exp(np.minimum(-z, 700 if z.dtype.kind == "c" else 88)))
    return result


def sigmoid_derivative(z: Array) -> Array:
    """Return 1 / (4 cosh²(z/2)), which equals σ(1 − σ) but is exact where σ rounds to 1."""
    return 0.25 * tanh_derivative(0.5 * z)


def tanh(z: Array) -> Array:
    """Return the hyperbolic tangent, in [−1, 1]."""
    return np.tanh(z)


def tanh_derivative(z: Array) -> Array:
    """Return 1 / cosh²(z), in [0, 1]."""
    with np.errstate(over="ignore"):  # 1/∞ = 0 is correct here
        return (1 / np.cosh(z)) ** 2


def relu(z: Array) -> Array:
    """Return z where its real part is positive, else 0."""
    return np.where(z.real > 0, z, 0) if z.dtype.kind == "c" else np.fmax(z, 0)


def relu_derivative(z: Array) -> Array:
    """Return 1 where the real part is positive, else 0."""
    return (z.real > 0).astype(z.dtype)


def gelu(z: Array) -> Array:
    """Return z Φ(z), where Φ is the distribution function of the standard normal distribution."""
    value: Array = z * _normal_distribution(z)
    return value


def gelu_derivative(z: Array) -> Array:
    """Return Φ(z) + z φ(z), where φ is the density of the standard normal distribution."""
    with np.errstate(over="ignore", under="ignore"):  # exp(−∞) = 0 is correct here
        density = np.exp(-0.5 * z * z) / z.dtype.type(np.sqrt(2 * np.pi))
    slope: Array = _normal_distribution(z) + z * density
    return slope


def _normal_distribution(z: Array) -> Array:
    # Imported here: SciPy would slow down the start of the API.
    from scipy.special import erfc

    # Unlike 1 + erf, erfc is accurate to the last digits where Φ is near 0.
    share: Array = 0.5 * erfc(-z / z.dtype.type(np.sqrt(2)))
    return share


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("sigmoid", sigmoid, sigmoid_derivative),
        Activation("tanh", tanh, tanh_derivative),
        Activation("relu", relu, relu_derivative),
        Activation("gelu", gelu, gelu_derivative),
    )
}

IDENTITY = Activation("identity", lambda z: z, np.ones_like)
"""The activation function of the last layer, whose outputs are the logits."""
