"""Backpropagation against a derivative that knows nothing of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.backprop import backward, sample_gradients
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network

COMPLEX_STEP = 1e-200
ALL_CHECKED = 5_000  # weights of a layer up to which each is checked
LEAST_CHECKED = 200
MOST_WORK = 2_000_000_000  # complex products a layer, which bounds the sample where layers are wide
BLOCK = 500  # weights stepped at once
SMALL = 1e-6  # of a layer's largest derivative: smaller ones are compared with this instead


@dataclass(frozen=True)
class LayerCheck:
    """How far a layer's gradients are from the truth.

    Attributes
    ----------
    layer
        Index of the layer, from the input on.
    inputs, outputs
        Its neurons before and after.
    weights
        Number of weights.
    checked
        Number of weights that were compared.
    largest
        Largest magnitude of a derivative among these; 0 where the network is saturated.
    exact, published
        Largest relative difference of the two gradients from the complex-step derivative.
    published_distance
        Distance of the published gradient from the true one, as vectors of the checked weights.
    """

    layer: int
    inputs: int
    outputs: int
    weights: int
    checked: int
    largest: float
    exact: float
    published: float
    published_distance: float


@dataclass(frozen=True)
class GradientCheck:
    """The check of all layers, and the loss that was differentiated, in nats."""

    loss: float
    layers: list[LayerCheck]


def check_gradients(
    network: Network,
    inputs: Array,
    label: int,
    learning_rate: float,
    seed: int = 0,
    go_on: Callable[[], None] = lambda: None,
) -> GradientCheck:
    """Compare both kinds of gradient with a complex-step derivative, weight by weight.

    Parameters
    ----------
    network
        Any; it is left as it is.
    inputs
        One sample, shape (n_in,).
    label
        Its class.
    learning_rate
        Step size that the published kind updates with, within its backward pass.
    seed
        Seed of the sample of weights in layers of over ``ALL_CHECKED``.
    go_on
        Called before each block of weights; what it raises ends the check.
    """
    network = Network(
        [weights.astype(np.float64) for weights in network.weights],
        [biases.astype(np.float64) for biases in network.biases],
        network.activation,
    )
    rng = np.random.default_rng(seed)
    exact, _ = sample_gradients(network, inputs, label)
    published = published_gradients(network, inputs, label, learning_rate)
    layers = []
    for layer, weights in enumerate(network.weights):
        chosen = _choose(weights.size, _affordable(network, layer), rng)
        kept = published[layer].ravel()[chosen]
        truth = complex_step_derivatives(network, inputs, label, layer, chosen, go_on)
        layers.append(
            LayerCheck(
                layer=layer,
                inputs=weights.shape[1],
                outputs=weights.shape[0],
                weights=weights.size,
                checked=len(chosen),
                largest=float(np.abs(truth).max()),
                exact=relative_difference(exact[layer].ravel()[chosen], truth),
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
    chosen: NDArray[np.int64],
    go_on: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """Differentiate the loss by single weights of a layer: Im C(w + ih) / h.

    A step of weight (i, j) adds ih·aⱼ to the layer's pre-activation zᵢ and nothing else there, so
    the layers before it need not run again. Those after it run forward, in complex numbers; no
    derivative's formula is used.

    Parameters
    ----------
    network
        Real.
    inputs
        One sample, shape (n_in,).
    label
        Its class.
    layer
        Index of the layer.
    chosen
        Weights, as indices into the layer's weights row by row.
    go_on
        As for `check_gradients`.

    Returns
    -------
    Shape of `chosen`.
    """
    pre_activations, activations = network.forward(inputs)
    rest = Network(network.weights[layer + 1 :], network.biases[layer + 1 :], network.activation)
    outputs, sources = np.unravel_index(chosen, network.weights[layer].shape)
    derivatives = np.empty(len(chosen))
    for start in range(0, len(chosen), BLOCK):
        go_on()
        block = slice(start, start + BLOCK)
        steps = activations[layer][sources[block]]
        stepped = np.tile(pre_activations[layer].astype(np.complex128), (len(steps), 1))
        stepped[np.arange(len(steps)), outputs[block]] += 1j * COMPLEX_STEP * steps
        logits = rest.logits(network.activation.function(stepped)) if rest.weights else stepped
        loss = cross_entropy(logits, np.full(len(steps), label))
        derivatives[block] = loss.imag / COMPLEX_STEP
    return derivatives


def published_gradients(
    network: Network, inputs: Array, label: int, learning_rate: float
) -> list[Array]:
    """Compute what training with ``gradient: "published"`` takes for the gradient.

    Returns
    -------
    One array a layer, of the shape of its weights: what the update subtracts, divided by the
    learning rate.
    """
    network = network.copy()  # is updated on the way, as the published training does
    pre_activations, activations = network.forward(inputs)
    gradients: list[Array] = [np.empty(0)] * len(network.weights)
    for layer, delta in backward(network, pre_activations, activations, label, "published"):
        gradients[layer] = np.outer(delta, activations[layer])
        network.weights[layer] -= learning_rate * gradients[layer]
    return gradients


def relative_difference(computed: Array, truth: Array) -> float:
    """Give the largest |computed − truth| / max(|computed|, |truth|), from 0 to 2.

    It is 1 where one of the two is 0, and 2 where they are opposite. A derivative under a
    millionth of the layer's largest counts as that millionth: such a small one is itself a
    difference of larger numbers, and keeps their rounding.
    """
    size = np.maximum(np.abs(computed), np.abs(truth))
    size = np.maximum(size, SMALL * size.max())
    return float((np.abs(computed - truth) / np.where(size > 0, size, 1)).max())


def relative_distance(computed: Array, truth: Array) -> float:
    """Give the distance of two vectors as a part of the longer one, from 0 to 2."""
    longer = max(np.linalg.norm(computed), np.linalg.norm(truth))
    return float(np.linalg.norm(computed - truth) / longer) if longer > 0 else 0.0


def _affordable(network: Network, layer: int) -> int:
    """Bound how many weights are checked, by the products of the layers that run again."""
    products = sum(weights.size for weights in network.weights[layer + 1 :])
    return max(LEAST_CHECKED, min(ALL_CHECKED, MOST_WORK // max(products, 1)))


def _choose(size: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if size <= most:
        return np.arange(size)
    return np.sort(rng.choice(size, most, replace=False))
