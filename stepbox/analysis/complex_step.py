"""Derivatives of the loss with respect to single weights, by the complex step.

At a kink, the loss may have two one-sided derivatives with respect to a weight.
`stepbox.analysis.kinks` finds the kinks.

References
----------
W. Squire and G. Trapp: Using complex variables to estimate derivatives of real functions, SIAM
Review 40 (1998).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.kinks import Flags, Side, find_kinks
from stepbox.analysis.result import Integers
from stepbox.analysis.softmax import COMPLEX_STEP
from stepbox.nn.activations import Array
from stepbox.nn.convolution import Convolution
from stepbox.nn.dense import Dense
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network

BLOCK = 500  # most weights per block
BLOCK_VALUES = 2**21  # most complex numbers per block in one layer, if several weights fit: 32 MiB


class ComplexSteps:
    """A network at one sample, and what tiny complex steps of its weights do to the loss.

    A step of ih in a weight w only adds ih ∂z/∂w to the pre-activations z of its layer, so the
    layers before it do not run again. The layers after it run forward with complex numbers, and the
    derivative is Im C(w + ih) / h. No formula of a derivative is used.

    Parameters
    ----------
    network
        A network with real parameters.
    inputs
        One sample, shape (n_in,).
    label
        Class of the sample.

    Attributes
    ----------
    pre_activations, activations
        Those of the sample, as `Network.forward` returns them.
    kinks, maxima
        See `find_kinks`.
    """

    def __init__(self, network: Network, inputs: Array, label: int) -> None:
        self._network, self._label = network, label
        self.pre_activations, self.activations = network.forward(inputs)
        self.kinks, self.maxima = find_kinks(network, self.pre_activations, self.activations)

    def derivatives(
        self,
        layer: int,
        chosen: Integers,
        go_on: Callable[[], None] = lambda: None,
        side: Side = 0,
    ) -> NDArray[np.float64]:
        """Differentiate the loss with respect to single weights of a layer.

        Parameters
        ----------
        layer
            Index of the layer.
        chosen
            Indices into the layer's flattened (row-major) weights, shape (checked,).
        go_on
            As in `check_gradients`.
        side
            What happens at a kink. With 1 and −1, units and maxima follow the step to the right or
            to the left, so that the results are the one-sided derivatives. With 0, a unit is on the
            side on which its computed pre-activation is, as in backpropagation, and on the left at
            exactly 0. Of inputs that share a maximum, the first counts.

        Returns
        -------
        Shape (checked,).
        """
        return self._derivatives(layer, chosen, go_on, side)[0]

    def one_sided(
        self, layer: int, chosen: Integers, go_on: Callable[[], None] = lambda: None
    ) -> list[NDArray[np.float64]]:
        """Compute the derivatives of all three sides: −1, 0 and 1. Most steps meet no kink.

        Those of a step that meets none are equal, bit by bit.
        """
        plain, diverted = self._derivatives(layer, chosen, go_on, 0)
        results = [plain, plain.copy(), plain.copy()]
        if diverted.any():
            sides: tuple[Side, ...] = (-1, 0, 1)
            for result, side in zip(results, sides, strict=True):
                result[diverted] = self.derivatives(layer, chosen[diverted], go_on, side)
        return results

    def products(self, layer: int) -> int:
        """Return the number of multiplications, or comparisons, of a layer."""
        maxima, weights = self.maxima[layer], self._network.layers[layer].arrays.get("weight")
        if maxima is not None:
            return int(maxima.inputs.size)
        return self.pre_activations[layer].size * (1 if weights is None else weights[0].size)

    def _derivatives(
        self, layer: int, chosen: Integers, go_on: Callable[[], None], side: Side
    ) -> tuple[NDArray[np.float64], Flags]:
        """Return the derivatives, and which of the steps meet a kink."""
        step = -COMPLEX_STEP if side < 0 else COMPLEX_STEP
        block = self._block(layer)
        derivatives, diverted = np.zeros(len(chosen)), np.zeros(len(chosen), np.bool_)
        for start in range(0, len(chosen), block):
            go_on()
            weights = chosen[start : start + block]
            slopes = self._slopes(layer, weights)
            moving = np.flatnonzero(slopes.any(axis=1))  # a weight of inputs that are 0 moves none
            if not len(moving):
                continue
            stepped = self.pre_activations[layer] + 1j * step * slopes[moving]
            values, at_kink = self._activate(layer, stepped, side)
            for later in range(layer + 1, len(self._network.layers)):
                maxima = self.maxima[later]
                if maxima is None:
                    z = self._network.layers[later].forward(values)
                    values, met = self._activate(later, z, side)
                else:
                    values, met = maxima.pass_on(values, side)
                at_kink |= met
            derivatives[start + moving] = _loss(values, self._label).imag / step
            diverted[start + moving] = at_kink
        return derivatives, diverted

    def _slopes(self, layer: int, weights: Integers) -> Array:
        """Return ∂z/∂w for some weights w of a layer, shape (weights, outputs)."""
        stepped, inputs = self._network.layers[layer], self.activations[layer]
        if not isinstance(stepped, Dense | Convolution):
            stepped = stepped.copy(np.complex128)
            slopes = np.zeros((len(weights), self.pre_activations[layer].size))
            for weight, slope in zip(weights, slopes, strict=True):
                stepped.arrays["weight"].flat[weight] += 1j * COMPLEX_STEP
                slope[:] = stepped.forward(inputs).imag / COMPLEX_STEP
                stepped.arrays["weight"].flat[weight] -= 1j * COMPLEX_STEP
            return slopes
        # One pass does for many weights: each becomes the only weight of a neuron or channel of its
        # own. They are linear, so ∂z/∂w is what the layer computes if w is 1, and all else is 0.
        channels, *shape = stepped.weights.shape
        channel, place = np.unravel_index(weights, (channels, np.prod(shape)))
        units = np.zeros((len(weights), *shape))
        units.reshape(len(weights), -1)[np.arange(len(weights)), place] = 1
        alone = replace(stepped, weights=units, biases=np.zeros(len(weights)))
        values = alone.forward(inputs).reshape(-1, len(weights))
        slopes = np.zeros((len(weights), len(values), channels))  # a dense layer has one position
        slopes[np.arange(len(weights)), :, channel] = values.T
        return slopes.reshape(len(weights), -1)

    def _activate(self, layer: int, z: Array, side: Side) -> tuple[Array, Flags]:
        """Apply the activation function after steps, shape (n, outputs).

        A step changes no real part. So whether a unit of ReLU is positive is decided by the real
        pre-activations. Another order of a sum may round a number near 0 to the other side.
        """
        activation, kinks = self._network.layers[layer].activation, self.kinks[layer]
        if activation.name != "relu":
            return activation.function(z), np.zeros(len(z), np.bool_)
        values = np.where(self.pre_activations[layer] > 0, z, 0)
        imaginary = z.imag[:, kinks]
        if side:
            values.imag[:, kinks] = np.maximum(imaginary, 0)
        met: Flags = np.any(imaginary != 0, axis=1)
        return values, met

    def _block(self, layer: int) -> int:
        """Return how many weights to step at once, by the largest arrays of the layers."""
        widest = 1
        for one in range(layer, len(self._network.layers)):
            weights = self._network.layers[one].arrays.get("weight")
            windows = self.products(one) // (1 if weights is None else len(weights))
            widest = max(widest, windows, self.pre_activations[one].size)
        return int(np.clip(BLOCK_VALUES // widest, 1, BLOCK))


def _loss(logits: Array, label: int) -> Array:
    """Compute the cross-entropy for complex logits, shape (n, classes), that differ by tiny steps.

    If the label has the largest logit, no digits of its imaginary part cancel, in contrast to
    `cross_entropy`, even if the probability of the label rounds to 1.
    """
    if label != logits.real[0].argmax():
        return cross_entropy(logits, np.full(len(logits), label))
    differences = np.delete(logits, label, axis=1) - logits[:, [label]]
    loss: Array = np.log(1 + np.exp(differences).sum(axis=1))
    return loss
