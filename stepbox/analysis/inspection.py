"""Look into a trained network: what moves its answers, and what training made of its weights."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network

HISTOGRAM_BINS = 60
OUTSIDE = 0.002  # the part of the weights that may lie beyond a histogram's ends


@dataclass(frozen=True, eq=False)
class WeightHistogram:
    """How the weights of one layer are spread before and after training.

    Attributes
    ----------
    edges
        Shape (61,), rising, symmetric about 0.
    before, after
        Counts, shape (60,); weights beyond the ends are counted in the last bin there.
    spread_before, spread_after
        Standard deviations of the weights.
    """

    edges: Array
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    spread_before: float
    spread_after: float


def published_curves() -> dict[str, Any]:
    """Read the figures that the source printed, by recipe, and a sentence ``source`` on them."""
    text = (files("stepbox.analysis") / "published.json").read_text("utf-8")
    curves: dict[str, Any] = json.loads(text)
    return curves


def input_gradient(network: Network, inputs: Array, classes: NDArray[np.integer[Any]]) -> Array:
    """Differentiate one logit of each sample by the sample's inputs.

    Parameters
    ----------
    network
        The network.
    inputs
        Shape (n, n_in).
    classes
        Whose logit, shape (n,).

    Returns
    -------
    Array
        Shape (n, n_in): entry [i, j] is ∂z_c/∂x_j of sample i and its class c. It is 0 where all
        hidden neurons that matter are saturated.
    """
    pre_activations, _ = network.forward(inputs)
    delta: Array = network.weights[-1][classes]
    for weights, z in zip(network.weights[-2::-1], pre_activations[-2::-1], strict=True):
        delta = (delta * network.activation.derivative(z)) @ weights
    return delta


def entropy(probabilities: Array) -> Array:
    """Return −Σ p log p in nats, shape (n,), of distributions of shape (n, classes)."""
    logarithms = np.log(probabilities, where=probabilities > 0, out=np.zeros_like(probabilities))
    nats: Array = np.abs((probabilities * logarithms).sum(axis=-1))  # no term is above 0
    return nats


def margin(probabilities: Array) -> Array:
    """Return how far the best class leads the second, 0..1, shape (n,)."""
    second, best = np.partition(probabilities, -2, axis=-1)[..., -2:].T
    lead: Array = best - second
    return lead


def confused(
    logits: Array, labels: NDArray[np.integer[Any]], true: int, predicted: int
) -> tuple[NDArray[np.intp], Array]:
    """Find the samples of one cell of the confusion matrix, the surest first.

    Parameters
    ----------
    logits
        Shape (n, classes).
    labels
        Shape (n,).
    true, predicted
        The cell's row and column.

    Returns
    -------
    indices
        Places of the cell's samples, by falling probability of the predicted class.
    probabilities
        That probability of each, 0..1.
    """
    inside = np.flatnonzero((labels == true) & (logits.argmax(axis=1) == predicted))
    probabilities = softmax(logits[inside])[:, predicted]
    order = np.argsort(-probabilities, kind="stable")
    return inside[order], probabilities[order]


def weight_histograms(initial: Network, trained: Network) -> list[WeightHistogram]:
    """Count the weights of each layer, of the untrained and of the trained network.

    Both are counted over the same edges, which hold all but 0.2 % of the wider spread.
    """
    histograms = []
    for before, after in zip(initial.weights, trained.weights, strict=True):
        ends = (np.quantile(np.abs(weights), 1 - OUTSIDE) for weights in (before, after))
        end = float(max(ends)) or 1.0
        edges = np.linspace(-end, end, HISTOGRAM_BINS + 1)
        histograms.append(
            WeightHistogram(
                edges,
                np.histogram(before.clip(-end, end).astype(np.float64), edges)[0],
                np.histogram(after.clip(-end, end).astype(np.float64), edges)[0],
                float(before.std()),
                float(after.std()),
            )
        )
    return histograms


def most_changed(initial: Network, trained: Network) -> tuple[NDArray[np.intp], Array]:
    """Order the neurons of the first layer by how far training moved them.

    Returns
    -------
    neurons
        Their places, the most changed first.
    changes
        Euclidean distance between each one's weights before and after, in the same order.
    """
    changes = np.linalg.norm(trained.weights[0] - initial.weights[0], axis=1)
    neurons = np.argsort(-changes, kind="stable")
    return neurons, changes[neurons]


def signed_grey(pictures: Array) -> NDArray[np.uint8]:
    """Put pictures of weights side by side as grey levels: 128 is 0.

    Parameters
    ----------
    pictures
        Shape (n, height, width), any finite numbers.

    Returns
    -------
    NDArray[np.uint8]
        Shape (height, n · width), 1..255: the largest magnitude of all is 127 levels from 128.
    """
    scale = np.abs(pictures).max() or 1.0
    levels = np.rint(128 + 127 * pictures / scale).astype(np.uint8)
    return np.concatenate(list(levels), axis=1)
