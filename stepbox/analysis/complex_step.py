"""Derivatives of the loss with respect to single weights, by the complex step.

ReLU has a kink at 0: its slope is 0 on the left and 1 on the right. If a unit's pre-activation is
0, the loss may have two one-sided derivatives with respect to a weight that moves this
pre-activation.

References
----------
W. Squire and G. Trapp: Using complex variables to estimate derivatives of real functions, SIAM
Review 40 (1998).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.result import Integers
from stepbox.analysis.softmax import COMPLEX_STEP
from stepbox.nn.activations import Array
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network

BLOCK = 500  # weights per block
ROUNDING = np.finfo(np.float64).eps / 2  # largest relative error of one rounding

Side = Literal[-1, 0, 1]


def units_at_kinks(
    network: Network, pre_activations: list[Array], activations: list[Array]
) -> list[Integers]:
    """Find the ReLU units whose pre-activation is 0 up to the rounding error of its sum.

    Parameters
    ----------
    network
        A network with real parameters.
    pre_activations, activations
        Those of one sample, as `Network.forward` returns them.

    Returns
    -------
    For each layer, the indices of the units.
    """
    kinks = []
    for layer, z, inputs in zip(network.layers, pre_activations, activations, strict=True):
        if layer.activation.name != "relu":
            kinks.append(np.arange(0))
            continue
        magnitudes = layer.copy()
        for array in magnitudes.arrays.values():
            np.abs(array, out=array)
        # The rounding error of Σ wx + b with n products is at most about (n + 1) ROUNDING times the
        # sum of their magnitudes.
        bounds = (inputs.size + 2) * ROUNDING * magnitudes.forward(np.abs(inputs))
        kinks.append(np.flatnonzero(np.abs(z) <= bounds))
    return kinks


def complex_step_derivatives(
    network: Network,
    inputs: Array,
    label: int,
    layer: int,
    chosen: Integers,
    go_on: Callable[[], None] = lambda: None,
    side: Side = 0,
) -> NDArray[np.float64]:
    """Differentiate the loss with respect to single weights of a layer: Im C(w + ih) / h.

    A step in weight (k, j) only adds ih·aⱼ to the layer's pre-activation zₖ, so the layers before
    it do not run again. If aⱼ is 0, nothing changes, and the derivative is 0. Otherwise the layers
    after it run forward with complex numbers. No formula of a derivative is used.

    Parameters
    ----------
    network
        A network with real parameters.
    inputs
        One sample, shape (n_in,).
    label
        Class of the sample.
    layer
        Index of the layer.
    chosen
        Indices into the layer's flattened (row-major) weights, shape (checked,).
    go_on
        As in `check_gradients`.
    side
        What ReLU does at a kink. With 1 and −1, it follows the step to the right or to the left, so
        that the results are the one-sided derivatives. With 0, a unit at a kink is on the side on
        which its computed pre-activation is, as in backpropagation, and on the left at exactly 0.

    Returns
    -------
    Shape (checked,).
    """
    pre_activations, activations = network.forward(inputs)
    functions = [one.activation.function for one in network.layers]
    for index, kinks in enumerate(units_at_kinks(network, pre_activations, activations)):
        if network.layers[index].activation.name == "relu":
            functions[index] = _relu_at(pre_activations[index], kinks if side else kinks[:0])
    step = -COMPLEX_STEP if side < 0 else COMPLEX_STEP
    outputs, sources = np.unravel_index(chosen, network.layers[layer].arrays["weight"].shape)
    steps = step * activations[layer][sources]
    derivatives = np.zeros(len(chosen))
    moving = np.flatnonzero(steps)  # a weight of an input that is 0 moves nothing
    for start in range(0, len(moving), BLOCK):
        go_on()
        block = moving[start : start + BLOCK]
        stepped = np.tile(pre_activations[layer].astype(np.complex128), (len(block), 1))
        stepped[np.arange(len(block)), outputs[block]] += 1j * steps[block]
        values = functions[layer](stepped)
        for later, function in zip(
            network.layers[layer + 1 :], functions[layer + 1 :], strict=True
        ):
            values = function(later.forward(values))
        derivatives[block] = _loss(values, label).imag / step
    return derivatives


def _relu_at(z: Array, kinks: Integers) -> Callable[[Array], Array]:
    """Make the ReLU of steps from the pre-activations z, which follows the steps at the kinks.

    A step changes no real part. So whether a unit is positive is decided by z. Another order of a
    sum may round a number near 0 to the other side.
    """
    positive = z > 0

    def relu(stepped: Array) -> Array:
        values = np.where(positive, stepped, 0)
        values.imag[:, kinks] = np.maximum(stepped.imag[:, kinks], 0)
        return values

    return relu


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
