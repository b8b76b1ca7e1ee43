"""The definition of the gradient of one sample, and of a step of gradient descent.

Layer l computes z_l = g_l(a_l; θ_l). The inputs of the next layer are a_{l+1} = f_l(z_l). The last
layer's outputs are the logits z_L. With p = softmax(z_L), the loss is C = −w log p_label: the
cross-entropy, times a weight w of the sample, which is 1 unless a caller gives another.
With δ_l = ∂C/∂z_l,

    δ_L = w (p − t)                                 (t: the label, one-hot)
    δ_l = (∂z_{l+1}/∂a_{l+1})ᵀ δ_{l+1} ∘ f_l′(z_l)   (dense layers: W_{l+1}ᵀ δ_{l+1} ∘ f_l′(z_l))
    ∂C/∂θ_l = (∂z_l/∂θ_l)ᵀ δ_l                      (dense layers: δ_l a_lᵀ for W_l, δ_l for b_l)

`Layer.backward` and `Layer.gradients` compute the products with the layer's derivatives.

References
----------
Nielsen, M. (2015). Neural Networks and Deep Learning, chapter 2: equations BP1 to BP4.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Literal

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
    output_delta: Array | None = None,
    weight: float = 1.0,
) -> Iterator[tuple[Layer, Array, Array]]:
    """Yield each layer, its inputs and its δ, from the last layer to the first.

    A layer's parameters are read when the next δ is requested. So a caller that updates each layer
    as it receives it has the next δ computed with updated parameters: the second deviation of
    ``published`` from the true gradient (docs/explanation/source.md describes both). A caller that
    collects every δ before it updates any layer avoids it.

    Parameters
    ----------
    network
        The network, real or complex.
    pre_activations, activations
        Those of one sample, as `Network.forward` returns them.
    label
        The sample's class.
    gradient
        ``published`` switches on the first deviation: f′ is evaluated at the activation f(z)
        instead of at z.
    output_delta
        δ of the last layer, shape (classes,), from a caller that knows more of its digits than
        softmax(z) − t has where a probability is close to 1.
    weight
        w, the sample's weight.

    Yields
    ------
    layer
        One of the network's layers.
    inputs
        The inputs of this layer: its entry in `activations`.
    delta
        ∂C/∂z of this layer, shape of z.
    """
    passes = list(zip(network.layers, activations, pre_activations, strict=True))
    layer, inputs, z = passes.pop()
    if output_delta is None:
        delta = softmax(z)
        delta[label] -= 1
        delta *= weight
    else:
        delta = output_delta
    yield layer, inputs, delta
    while passes:
        passed = layer.backward(inputs, delta)
        at = inputs  # = f(z) of the layer before
        layer, inputs, z = passes.pop()
        delta = passed * layer.activation.derivative(at if gradient == "published" else z)
        yield layer, inputs, delta


def sample_gradients(
    network: Network, inputs: Array, label: int, output_delta: Array | None = None
) -> list[dict[str, Array]]:
    """Compute the exact gradient of one sample's cross-entropy.

    Parameters
    ----------
    network
        The network, real or complex.
    inputs
        Shape (inputs,).
    label
        The sample's class.
    output_delta
        As in `backward`.

    Returns
    -------
    list[dict[str, Array]]
        For each layer, the gradient for each of its `arrays`, by name.
    """
    passed = backward(network, *network.forward(inputs), label, output_delta=output_delta)
    return [layer.gradients(inputs, delta) for layer, inputs, delta in passed][::-1]


def descend(
    network: Network,
    inputs: Array,
    labels: NDArray[np.integer[Any]],
    learning_rate: float,
    gradient: GradientKind = "exact",
    class_weights: Array | None = None,
) -> Array:
    """Take one step of gradient descent on the mean gradient of a batch.

    This is the definition of what the NumPy engine does. `kernels.descend` does the same for
    chains of layers that it knows, and is much faster.

    Parameters
    ----------
    network
        The network; its arrays are changed in place.
    inputs
        Shape (n, inputs).
    labels
        Shape (n,), the samples' classes.
    learning_rate
        η: the step is −η times the gradient.
    gradient
        ``published`` updates each layer during the backward pass; the batch must be one sample.
    class_weights
        Shape (classes,), the weight w of each class's samples; None for 1.

    Returns
    -------
    Array
        Shape (n, classes), the logits as they were before the step.
    """
    logits, passed = [], []
    for sample, label in zip(inputs, labels, strict=True):
        pre_activations, activations = network.forward(sample)
        logits.append(pre_activations[-1])
        weight = 1.0 if class_weights is None else class_weights[label]
        passed.append(
            backward(network, pre_activations, activations, label, gradient, weight=weight)
        )
    steps = chain.from_iterable(passed)
    # `list` computes every δ before the first update. Without it, each update follows its δ.
    for layer, layer_inputs, delta in list(steps) if gradient == "exact" else steps:
        layer.update(layer_inputs, delta, learning_rate / len(inputs))
    return np.array(logits)
