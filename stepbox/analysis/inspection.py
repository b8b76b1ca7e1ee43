"""Inspection of a trained network: what its answers depend on, and how training changed it."""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from stepbox.analysis.result import Counts, Result, Vector
from stepbox.nn.activations import Array
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network

HISTOGRAM_BINS = 60
OUTSIDE = 0.002  # fraction of the weights that may lie beyond a histogram's ends


class LayerHistogram(Result):
    """The distribution of a layer's weights before and after training."""

    layer: int = Field(description="Index of the layer, from 0. Pooling layers have no weights.")
    inputs: int = Field(
        description="Number of weights of one neuron, or of one filter of a convolution."
    )
    outputs: int = Field(description="Number of neurons, or of filters of a convolution.")
    edges: Vector = Field(
        description=f"The {HISTOGRAM_BINS + 1} edges of {HISTOGRAM_BINS} bins, ascending and "
        "symmetric about 0."
    )
    before: Counts = Field(
        description="Number of untrained weights in each bin. The first and the last bin also "
        "count the weights beyond them."
    )
    after: Counts = Field(description="Number of trained weights in each bin.")
    spread_before: float = Field(description="Standard deviation of the untrained weights.")
    spread_after: float = Field(description="Standard deviation of the trained weights.")


def published_curves() -> dict[str, Any]:
    """Read the figures that the source (the original coursework) printed, by recipe name.

    The entry ``source`` describes them.
    """
    text = (files("stepbox.analysis") / "published.json").read_text("utf-8")
    curves: dict[str, Any] = json.loads(text)
    return curves


def input_gradient(network: Network, inputs: Array, classes: NDArray[np.integer[Any]]) -> Array:
    """Differentiate one logit of each sample with respect to the sample's inputs.

    Parameters
    ----------
    network
        The network.
    inputs
        Shape (samples, inputs).
    classes
        Index of the logit for each sample, shape (samples,).

    Returns
    -------
    Shape (samples, inputs). Entry [i, j] is ∂z_c/∂x_j for sample i and its class c. It is 0 if the
    hidden neurons are saturated.
    """
    gradients = []
    for block in network.blocks(len(inputs)):
        pre_activations, activations = network.forward(inputs[block])
        gradient = np.zeros_like(pre_activations[-1])
        gradient[np.arange(len(gradient)), classes[block]] = 1
        passes = list(zip(network.layers, activations, pre_activations, strict=True))
        for layer, a, z in reversed(passes):
            gradient = layer.backward(a, gradient * layer.activation.derivative(z))
        gradients.append(gradient)
    return np.concatenate(gradients)


def entropy(probabilities: Array) -> Array:
    """Compute the entropy −Σ p log p of distributions.

    Parameters
    ----------
    probabilities
        0..1, shape (samples, classes).

    Returns
    -------
    Nats, shape (samples,).
    """
    logarithms = np.log(probabilities, where=probabilities > 0, out=np.zeros_like(probabilities))
    nats: Array = np.abs((probabilities * logarithms).sum(axis=-1))
    return nats


def margin(probabilities: Array) -> Array:
    """Return the largest probability minus the second largest, 0..1, shape (samples,)."""
    second, best = np.partition(probabilities, -2, axis=-1)[..., -2:].T
    lead: Array = best - second
    return lead


class Predictions(NamedTuple):
    """What a network predicts for samples.

    Attributes
    ----------
    classes
        The predicted classes, shape (samples,).
    probabilities
        Their probabilities, 0..1, shape (samples,).
    """

    classes: NDArray[np.intp]
    probabilities: Array

    @classmethod
    def of(cls, logits: Array) -> Self:
        """Read the predictions from logits, shape (samples, classes)."""
        return cls(logits.argmax(axis=1), softmax(logits).max(axis=1))


def by_confidence(networks: Sequence[Predictions], chosen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """List chosen samples, those first that the networks are most confident about.

    Parameters
    ----------
    networks
        The predictions of each network.
    chosen
        Which samples to list, shape (samples,).

    Returns
    -------
    The indices of the samples by descending probability of the predicted class: with several
    networks, by the lowest of their probabilities.
    """
    indices = np.flatnonzero(chosen)
    confidence = np.min([one.probabilities[indices] for one in networks], axis=0)
    return indices[np.argsort(-confidence, kind="stable")]


def weight_histograms(initial: Network, trained: Network) -> list[LayerHistogram]:
    """Count the weights of each layer that has some in bins, before and after training.

    Both counts use the same edges. Of each network's weights, at most 0.2 % lie beyond them.
    """
    histograms = []
    for number, layers in enumerate(zip(initial.layers, trained.layers, strict=True)):
        if not layers[0].arrays:
            continue
        before, after = (layer.arrays["weight"] for layer in layers)
        ends = (np.quantile(np.abs(weights), 1 - OUTSIDE) for weights in (before, after))
        end = float(max(ends)) or 1.0
        edges = np.linspace(-end, end, HISTOGRAM_BINS + 1)
        histograms.append(
            LayerHistogram(
                layer=number,
                inputs=before[0].size,
                outputs=len(before),
                edges=edges,
                before=np.histogram(before.clip(-end, end).astype(np.float64), edges)[0],
                after=np.histogram(after.clip(-end, end).astype(np.float64), edges)[0],
                spread_before=float(before.std()),
                spread_after=float(after.std()),
            )
        )
    return histograms


def most_changed(before: Array, after: Array) -> tuple[NDArray[np.intp], Array]:
    """Sort the neurons of a layer by the change of their weights in training.

    Parameters
    ----------
    before, after
        The weights before and after training, shape (neurons, ...).

    Returns
    -------
    neurons
        Indices of the neurons, the most changed first.
    changes
        Euclidean distance between a neuron's weights before and after, in the same order.
    """
    changes = np.linalg.norm((after - before).reshape(len(after), -1), axis=1)
    neurons = np.argsort(-changes, kind="stable")
    return neurons, changes[neurons]


def channels_in_rows(weights: Array) -> Array:
    """Put the channels of weights below each other.

    Parameters
    ----------
    weights
        Shape (neurons, height, width), or (neurons, height, width, channels).

    Returns
    -------
    Shape (neurons, height · channels, width).
    """
    if weights.ndim == 3:
        return weights
    neurons, height, width, channels = weights.shape
    return np.moveaxis(weights, -1, 1).reshape(neurons, channels * height, width)


def signed_grey(weights: Array) -> NDArray[np.uint8]:
    """Draw arrays of weights side by side in grey levels. Level 128 is a weight of 0.

    Parameters
    ----------
    weights
        Any finite numbers, shape (neurons, height, width), or (neurons, height, width, 3) for RGB.

    Returns
    -------
    Shape (height, neurons · width), or with three channels, 1..255. The weight of the
    largest magnitude gets 1 or 255.
    """
    scale = np.abs(weights).max() or 1.0
    levels = np.rint(128 + 127 * weights / scale).astype(np.uint8)
    return np.concatenate(list(levels), axis=1)
