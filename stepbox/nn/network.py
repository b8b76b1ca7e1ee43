"""A network: layers of weights and biases, forward to logits and probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Self

import numpy as np
from numpy.typing import DTypeLike

from stepbox.nn.activations import Activation, Array
from stepbox.nn.losses import softmax

Initialization = Literal["default", "he"]


@dataclass
class Network:
    """A multi-layer perceptron; every layer but the last ends in the activation.

    Attributes
    ----------
    weights
        One array a layer, shape (n_out, n_in), all of one dtype (complex too).
    biases
        One array a layer, shape (n_out,).
    activation
        Function of the hidden layers; the last layer's logits go into a softmax.
    """

    weights: list[Array]
    biases: list[Array]
    activation: Activation

    @classmethod
    def initial(
        cls,
        layer_sizes: Sequence[int],
        activation: Activation,
        seed: int,
        initialization: Initialization = "default",
        dtype: DTypeLike = np.float64,
    ) -> Self:
        """Draw the untrained network of the NumPy engine.

        Parameters
        ----------
        layer_sizes
            Neurons of each layer, from the pixels to the classes.
        activation
            Function of the hidden layers.
        seed
            Seed of the one generator that all layers are drawn from, in order.
        initialization
            ``default`` or ``he``.
        dtype
            Float type of weights and biases.

        Returns
        -------
        Network
            Weights from N(0, 1 / max(n_in, n_out)), or N(0, 2 / n_in) with ``he``; biases 0.

        References
        ----------
        He, K. et al. (2015). Delving deep into rectifiers, equation 10.
        """
        rng = np.random.default_rng(seed)
        weights: list[Array] = []
        for n_in, n_out in pairwise(layer_sizes):
            variance = 2 / n_in if initialization == "he" else 1 / max(n_in, n_out)
            weights.append(rng.normal(0, np.sqrt(variance), (n_out, n_in)).astype(dtype))
        return cls(weights, [np.zeros(len(weight), dtype) for weight in weights], activation)

    @classmethod
    def from_named_arrays(cls, arrays: Mapping[str, Array], activation: Activation) -> Self:
        """Make a network of copies of ``0.weight``, ``0.bias``, ``1.weight``…; ignore the rest."""
        layers = range(sum(name.endswith(".weight") for name in arrays))
        return cls(
            [arrays[f"{layer}.weight"].copy() for layer in layers],
            [arrays[f"{layer}.bias"].copy() for layer in layers],
            activation,
        )

    def named_arrays(self) -> dict[str, Array]:
        """Return the weights and biases themselves as ``0.weight``, ``0.bias``, ``1.weight``…."""
        return {
            f"{layer}.{kind}": array
            for layer, arrays in enumerate(zip(self.weights, self.biases, strict=True))
            for kind, array in zip(("weight", "bias"), arrays, strict=True)
        }

    def copy(self) -> Self:
        """Return a network that shares no array with this one."""
        return self.from_named_arrays(self.named_arrays(), self.activation)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(array.size for array in (*self.weights, *self.biases))

    def forward(self, inputs: Array) -> tuple[list[Array], list[Array]]:
        """Run the network and keep what a backward pass needs.

        Parameters
        ----------
        inputs
            Shape (n_in,) for one sample, or (n, n_in).

        Returns
        -------
        pre_activations
            One array a layer, ``weights[l] @ activations[l] + biases[l]``; the last are the logits.
        activations
            One array a layer, what goes into it; the first are the inputs.
        """
        pre_activations: list[Array] = []
        activations = [inputs]
        for weights, biases in zip(self.weights, self.biases, strict=True):
            if pre_activations:
                activations.append(self.activation.function(pre_activations[-1]))
            pre_activations.append(activations[-1] @ weights.T + biases)
        return pre_activations, activations

    def logits(self, inputs: Array) -> Array:
        """Return the logits, shape (n, classes), of inputs of shape (n, n_in)."""
        outputs = inputs
        for layer, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            if layer:
                outputs = self.activation.function(outputs)
            outputs = outputs @ weights.T + biases
        return outputs

    def probabilities(self, inputs: Array) -> Array:
        """Return the softmax distribution, shape (n, classes), of inputs of shape (n, n_in)."""
        return softmax(self.logits(inputs))
