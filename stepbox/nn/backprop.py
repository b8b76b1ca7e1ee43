"""The definition of the gradient of one sample, and of a step along it.

Layer l computes z_l = g_l(a_l; θ_l), and f_l(z_l) = a_{l+1} goes into the next layer. The last
layer's outputs are the logits z_L. With p = softmax(z_L), the cross-entropy is C = −log p_label.
With δ_l = ∂C/∂z_l,

    δ_L = p − t                                     (t: the label, one-hot)
    δ_l = (∂z_{l+1}/∂a_{l+1})ᵀ δ_{l+1} ∘ f_l′(z_l)   (dense layers: W_{l+1}ᵀ δ_{l+1} ∘ f_l′(z_l))
    ∂C/∂θ_l = (∂z_l/∂θ_l)ᵀ δ_l                      (dense layers: δ_l a_lᵀ for W_l, δ_l for b_l)

The products with the layers' own derivatives are `Layer.backward` and `Layer.gradients`.

References
----------
Nielsen, M. (2015). Neural Networks and Deep Learning, chapter 2: equations BP1 to BP4.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.layer import Layer
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network

GradientKind = Literal["exact", "published"]


def backward(
    network: Network,
    pre_activations: list[Array],
    activations: list[Array],
    label: int,
    gradient: GradientKind = "exact",
) -> Iterator[tuple[Layer, Array, Array]]:
    """Yield each layer, its inputs and its δ, from the last layer to the first.

    The parameters of a layer are read when the δ below it is asked for. A caller that collects
    every δ before it updates any layer gets the true gradient. A caller that updates each layer
    as it comes passes the gradient through parameters that are already new. The source did the
    latter: this is the second deviation of ``published``.

    Parameters
    ----------
    network
        The network, real or complex.
    pre_activations, activations
        Of one sample, as `Network.forward` returns them.
    label
        The sample's class.
    gradient
        ``published`` switches on the first deviation: f′ is taken at the activation f(z) instead
        of at z.

    Yields
    ------
    layer
        One of the network's layers.
    inputs
        What went into it: its entry in `activations`.
    delta
        Derivative of the cross-entropy by the layer's z, of the same shape.
    """
    passes = list(zip(network.layers, activations, pre_activations, strict=True))
    layer, inputs, z = passes.pop()
    delta = softmax(z)
    delta[label] -= 1
    yield layer, inputs, delta
    while passes:
        passed = layer.backward(inputs, delta)
        at = inputs  # = f(z) of the layer below
        layer, inputs, z = passes.pop()
        delta = passed * layer.activation.derivative(at if gradient == "published" else z)
        yield layer, inputs, delta


def sample_gradients(network: Network, inputs: Array, label: int) -> list[dict[str, Array]]:
    """Compute the exact gradient of one sample's cross-entropy.

    Parameters
    ----------
    network
        The network, real or complex.
    inputs
        Shape (*input_shape).
    label
        The sample's class.

    Returns
    -------
    list[dict[str, Array]]
        For each layer, the gradient of each of its `arrays`.
    """
    passed = backward(network, *network.forward(inputs), label)
    return [layer.gradients(inputs, delta) for layer, inputs, delta in passed][::-1]


def descend(
    network: Network,
    inputs: Array,
    labels: NDArray[np.uint8],
    learning_rate: float,
    gradient: GradientKind = "exact",
) -> Array:
    """Take one step along the mean gradient of a batch.

    This is the definition of what the NumPy engine does. `kernels.dense.descend` does the same,
    faster, for dense layers.

    Parameters
    ----------
    network
        The network; its arrays are changed in place.
    inputs
        Shape (n, *input_shape).
    labels
        Shape (n,), the samples' classes.
    learning_rate
        Length of the step.
    gradient
        ``published`` takes the step within the backward pass, so for one sample only.

    Returns
    -------
    Array
        Shape (n, classes), the logits as they were before the step.
    """
    logits, passed = [], []
    for sample, label in zip(inputs, labels, strict=True):
        pre_activations, activations = network.forward(sample)
        logits.append(pre_activations[-1])
        passed.append(backward(network, pre_activations, activations, label, gradient))
    steps = chain.from_iterable(passed)
    # `list` computes every δ before the first update. Without it, the two take turns.
    for layer, layer_inputs, delta in list(steps) if gradient == "exact" else steps:
        layer.update(layer_inputs, delta, learning_rate / len(inputs))
    return np.array(logits)
