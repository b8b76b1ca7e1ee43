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

import numpy as np

from stepbox.activations import Array
from stepbox.losses import softmax
from stepbox.network import Network
from stepbox.recipe import GradientKind


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
