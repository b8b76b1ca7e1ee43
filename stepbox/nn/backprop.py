"""The hand-written gradients of one sample.

Let z_l = W_l a_l + b_l be the pre-activations of layer l, a_{l+1} = f(z_l) what goes
into the next layer, p = softmax(z_L) and C = −log p_label. With δ_l = ∂C/∂z_l,

    δ_L = p − t                                (t: the label, one-hot)
    δ_l = (W_{l+1}ᵀ δ_{l+1}) ∘ f′(z_l)
    ∂C/∂W_l = δ_l a_lᵀ,   ∂C/∂b_l = δ_l

References
----------
Nielsen, M. (2015). Neural Networks and Deep Learning, chapter 2: equations BP1 to BP4.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network

GradientKind = Literal["exact", "published"]


def backward(
    network: Network,
    pre_activations: list[Array],
    activations: list[Array],
    label: int,
    gradient: GradientKind = "exact",
) -> Iterator[tuple[int, Array]]:
    """Yield each layer and its δ, from the last layer to the first.

    The weights of a layer are read when the δ below it is asked for. So whoever
    collects every δ before updating gets the true gradient; whoever updates each
    layer as it comes passes the gradient through weights that are already new.
    The source did the latter: the second deviation of ``published``.

    Parameters
    ----------
    network
        The network, real or complex.
    pre_activations, activations
        Of one sample, as `Network.forward` returns them.
    label
        The sample's class.
    gradient
        ``published`` switches on the first deviation: f′ is taken at the
        activation f(z) instead of at z.

    Yields
    ------
    layer
        Index of the layer, falling to 0.
    delta
        Shape (n_out,), derivative of the cross-entropy by the layer's pre-activations.
    """
    derivative = network.activation.derivative
    delta = softmax(pre_activations[-1])
    delta[label] -= 1
    for layer in reversed(range(len(network.weights))):
        yield layer, delta
        if layer > 0:
            at = activations[layer] if gradient == "published" else pre_activations[layer - 1]
            delta = (network.weights[layer].T @ delta) * derivative(at)


def sample_gradients(
    network: Network, inputs: Array, label: int
) -> tuple[list[Array], list[Array]]:
    """Compute the exact gradient of one sample's cross-entropy.

    Parameters
    ----------
    network
        The network, real or complex.
    inputs
        Shape (n_in,).
    label
        The sample's class.

    Returns
    -------
    weight_gradients, bias_gradients
        One array a layer, of the shapes of the network's weights and biases.
    """
    pre_activations, activations = network.forward(inputs)
    deltas = dict(backward(network, pre_activations, activations, label))
    layers = range(len(network.weights))
    return (
        [np.outer(deltas[layer], activations[layer]) for layer in layers],
        [deltas[layer] for layer in layers],
    )


def descend(
    network: Network,
    inputs: Array,
    labels: NDArray[np.uint8],
    learning_rate: float,
    gradient: GradientKind = "exact",
) -> Array:
    """Take one step along the mean gradient of a batch.

    This is the definition of what the NumPy engine does; `kernel.descend` does it fast.

    Parameters
    ----------
    network
        The network; its arrays are changed in place.
    inputs
        Shape (n, n_in).
    labels
        Shape (n,), the samples' classes.
    learning_rate
        Length of the step.
    gradient
        ``published`` takes the step within the backward pass, so for one sample only.

    Returns
    -------
    Array
        Shape (n, classes), the logits as seen before the step.
    """
    seen, steps = [], network.copy()
    for array in (*steps.weights, *steps.biases):
        array.fill(0)
    for sample, label in zip(inputs, labels, strict=True):
        pre_activations, activations = network.forward(sample)
        seen.append(pre_activations[-1])
        for layer, delta in backward(network, pre_activations, activations, label, gradient):
            step = learning_rate / len(inputs) * delta
            target = network if gradient == "published" else steps
            target.weights[layer] -= np.outer(step, activations[layer])
            target.biases[layer] -= step
    if gradient == "exact":
        for layer in range(len(steps.weights)):
            network.weights[layer] += steps.weights[layer]
            network.biases[layer] += steps.biases[layer]
    return np.array(seen)
