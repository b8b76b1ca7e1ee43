"""Both kinds of gradient, compared with derivatives that need no backpropagation."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from stepbox.analysis.result import Integers, Result
from stepbox.analysis.softmax import COMPLEX_STEP
from stepbox.nn.activations import Array
from stepbox.nn.backprop import backward, sample_gradients
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network

ALL_CHECKED = 5_000  # limit of checked weights per layer
LEAST_CHECKED = 200  # this many weights of a layer, or all, are checked whatever they cost
MOST_WORK = 2_000_000_000  # limit of complex products per layer; LEAST_CHECKED may need more
BLOCK = 500  # weights per block
SMALL = 1e-6  # differences are divided by at least this fraction of the largest derivative


class LayerGradients(Result):
    """The two gradients of one layer, compared with the complex-step derivatives."""

    layer: int = Field(description="Index of the layer, 0 next to the inputs.")
    inputs: int = Field(description="Number of inputs of the layer.")
    outputs: int = Field(description="Number of its neurons.")
    weights: int = Field(description="Number of its weights.")
    checked: int = Field(
        description="Number of weights that were compared: all, or a random sample (seed 0) of up "
        f"to {ALL_CHECKED:,}, fewer if wide layers follow."
    )
    largest: float = Field(
        description="Largest magnitude of the derivatives. It is 0 if the network is saturated."
    )
    exact: float = Field(
        description="Largest relative difference between backpropagation and the complex-step "
        "derivative: |a − b| / max(|a|, |b|), from 0 to 2. It is due to the rounding of float64: "
        "about 1e-15, or up to about 1e-9 if a probability is close to 1 and y − t loses digits. "
        "The divisor is at least a millionth of the layer's largest derivative."
    )
    published: float = Field(
        description='The same for the gradient that `"gradient": "published"` computes. It is 1 '
        "where one of the two derivatives is 0, and above 1 where they have opposite signs."
    )
    published_distance: float = Field(
        description="Euclidean distance between that gradient and the true one over the checked "
        "weights, divided by the length of the longer one: 0 to 2."
    )


@dataclass(frozen=True)
class GradientCheck:
    """The loss of the sample in nats, and the check of each layer."""

    loss: float
    layers: list[LayerGradients]


def check_gradients(
    network: Network,
    inputs: Array,
    label: int,
    learning_rate: float,
    go_on: Callable[[], None] = lambda: None,
) -> GradientCheck:
    """Compare both kinds of gradient with complex-step derivatives, weight by weight.

    Parameters
    ----------
    network
        Any network. It is not changed.
    inputs
        One sample, shape (n_in,).
    label
        Class of the sample.
    learning_rate
        Learning rate with which the published kind updates weights during its backward pass.
    go_on
        Called before each block of weights. An exception that it raises ends the check.
    """
    network = network.copy(np.float64)
    rng = np.random.default_rng(0)
    exact = sample_gradients(network, inputs, label)
    published = published_gradients(network, inputs, label, learning_rate)
    layers = []
    for layer, weights in enumerate(_weights(network)):
        chosen = _choose(weights.size, _affordable(network, layer), rng)
        kept = published[layer]["weight"].ravel()[chosen]
        truth = complex_step_derivatives(network, inputs, label, layer, chosen, go_on)
        layers.append(
            LayerGradients(
                layer=layer,
                inputs=weights.shape[1],
                outputs=weights.shape[0],
                weights=weights.size,
                checked=len(chosen),
                largest=float(np.abs(truth).max()),
                exact=relative_difference(exact[layer]["weight"].ravel()[chosen], truth),
                published=relative_difference(kept, truth),
                published_distance=relative_distance(kept, truth),
            )
        )
    loss = cross_entropy(network.logits(inputs[None]), np.array([label]))
    return GradientCheck(float(loss[0]), layers)


def complex_step_derivatives(
    network: Network,
    inputs: Array,
    label: int,
    layer: int,
    chosen: Integers,
    go_on: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """Differentiate the loss with respect to single weights of a layer: Im C(w + ih) / h.

    A step in weight (k, j) only adds ih·aⱼ to the layer's pre-activation zₖ, so the layers before
    it do not run again. The layers after it run forward with complex numbers. No formula of a
    derivative is used.

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

    Returns
    -------
    Shape (checked,).
    """
    pre_activations, activations = network.forward(inputs)
    activation = network.layers[layer].activation
    rest = Network(network.layers[layer + 1 :])
    outputs, sources = np.unravel_index(chosen, _weights(network)[layer].shape)
    derivatives = np.empty(len(chosen))
    for start in range(0, len(chosen), BLOCK):
        go_on()
        block = slice(start, start + BLOCK)
        steps = activations[layer][sources[block]]
        stepped = np.tile(pre_activations[layer].astype(np.complex128), (len(steps), 1))
        stepped[np.arange(len(steps)), outputs[block]] += 1j * COMPLEX_STEP * steps
        logits = rest.logits(activation.function(stepped))
        loss = cross_entropy(logits, np.full(len(steps), label))
        derivatives[block] = loss.imag / COMPLEX_STEP
    return derivatives


def published_gradients(
    network: Network, inputs: Array, label: int, learning_rate: float
) -> list[dict[str, Array]]:
    """Compute the gradients that training with ``gradient: "published"`` uses.

    Returns
    -------
    For each layer, the gradient for each of its `arrays`, by name.
    """
    network = network.copy()  # the published training updates weights during the backward pass
    gradients = []
    passed = backward(network, *network.forward(inputs), label, "published")
    for layer, layer_inputs, delta in passed:
        gradients.append(layer.gradients(layer_inputs, delta))
        layer.update(layer_inputs, delta, learning_rate)
    return gradients[::-1]


def relative_difference(computed: Array, truth: Array) -> float:
    """Return the largest |computed − truth| / max(|computed|, |truth|), from 0 to 2.

    It is 1 where one of the two is 0, and above 1 where they have opposite signs. The divisor is at
    least a millionth of the layer's largest derivative, because a smaller derivative is a
    difference of larger numbers and has their rounding errors.
    """
    size = np.maximum(np.abs(computed), np.abs(truth))
    size = np.maximum(size, SMALL * size.max())
    return float((np.abs(computed - truth) / np.where(size > 0, size, 1)).max())


def relative_distance(computed: Array, truth: Array) -> float:
    """Return the distance between two vectors divided by the longer length, from 0 to 2."""
    longer = max(np.linalg.norm(computed), np.linalg.norm(truth))
    return float(np.linalg.norm(computed - truth) / longer) if longer > 0 else 0.0


def _weights(network: Network) -> list[Array]:
    return [layer.arrays["weight"] for layer in network.layers]


def _affordable(network: Network, layer: int) -> int:
    """Return how many weights of a layer to check, by the cost of the layers after it."""
    products = sum(weights.size for weights in _weights(network)[layer + 1 :])
    return max(LEAST_CHECKED, min(ALL_CHECKED, MOST_WORK // max(products, 1)))


def _choose(size: int, most: int, rng: np.random.Generator) -> Integers:
    if size <= most:
        return np.arange(size)
    return np.sort(rng.choice(size, most, replace=False))
