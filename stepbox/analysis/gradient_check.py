"""Both kinds of gradient, compared with derivatives that need no backpropagation.

Where a unit of ReLU is at its kink, or where several inputs share the maximum of a max-pool, the
loss may have two one-sided derivatives (see `stepbox.analysis.complex_step`). Then there is no
derivative to compare with, and the check says so.

The check covers all layers that have an array ``weight`` in which the first axis is that of the
outputs: dense layers and convolutions. Max-pools have no weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from pydantic import Field

from stepbox.analysis.complex_step import ComplexSteps
from stepbox.analysis.result import Integers, Result
from stepbox.analysis.softmax import analyse_softmax
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import Array
from stepbox.nn.backprop import backward, sample_gradients
from stepbox.nn.network import Network

ALL_CHECKED = 5_000  # limit of checked weights per layer
LEAST_CHECKED = 20  # this many weights of a layer, or all, are checked whatever they cost
MOST_WORK = 1_000_000_000  # limit of complex products per layer; LEAST_CHECKED may need more
SMALL = 1e-6  # differences are divided by at least this fraction of the largest derivative
# Differences are divided by at least this. A complex step of 1e-200 underflows if the derivative is
# below 1e-108, and the digits of a derivative below 1e-92 underflow.
SMALLEST = 1e-90
MOST_LISTED = 100  # units that are listed per layer
BETWEEN = 1e-9  # this much outside of two one-sided derivatives is due to rounding
OVERFLOW = "has no gradient at this image: its pre-activations, loss or derivatives are not finite"


class LayerGradients(Result):
    """The two gradients of one layer with weights, compared with the complex-step derivatives."""

    layer: int = Field(
        description="Index of the layer, 0 next to the inputs. Max-pools count, but have no "
        "weights, and so no entry."
    )
    inputs: int = Field(description="Number of inputs of the layer.")
    outputs: int = Field(
        description="Number of its units: the neurons of a dense layer, or the values of all "
        "feature maps of a convolution."
    )
    weights: int = Field(description="Number of its weights.")
    checked: int = Field(
        description="Number of weights that were checked: all, or a random sample (seed 0) of up "
        f"to {ALL_CHECKED:,}, fewer if the layers after it take long."
    )
    excluded: int = Field(
        description="Number of checked weights that are not compared, because the loss has two "
        "different one-sided derivatives, or because its derivative depends on the slope of ReLU "
        "at 0, or on which of several equal maxima counts. Changing such a weight moves a unit in "
        "`kinks` of this layer or a later one, or moves inputs that share a maximum apart, and the "
        "loss depends on this."
    )
    subgradients: int = Field(
        description="Number of the excluded weights for which backpropagation, which takes 0 as "
        "the slope of ReLU at 0, and the first of equal maxima, gives a number between the two "
        "one-sided derivatives. It is then a (Clarke) subgradient of the loss as a function of "
        "this weight."
    )
    kinks: list[int] = Field(
        description="ReLU units whose pre-activation is 0 for this image, up to the rounding error "
        f"of its sum. The first {MOST_LISTED}, counted from 0. In a convolution, each value of a "
        "feature map is a unit: row by row, in each row column by column, and then by channel."
    )
    kink_count: int = Field(description="Number of these units.")
    ties: int = Field(
        description="Number of windows in the max-pools between this layer and the next entry in "
        "which several inputs share the maximum, up to their rounding error. Windows in which "
        "these are dead ReLU units, all 0, do not count. Most ties do no harm: on a plain "
        "background, all inputs of a window move alike. 0 if there is no max-pool."
    )
    dead: list[int] = Field(
        description="Units through which no gradient flows for this image, because the slope of "
        "their activation function is 0: ReLU units with a negative pre-activation, and units "
        "so saturated that the slope underflows. They add nothing to the derivatives with respect "
        f"to weights. The first {MOST_LISTED}, counted from 0."
    )
    dead_count: int = Field(description="Number of these units.")
    largest: float = Field(
        description="Largest magnitude of the derivatives that are compared. It is 0 if all units "
        "are dead, if the derivatives underflow, or if all checked weights are excluded."
    )
    exact: float = Field(
        description="Largest relative difference between backpropagation and the complex-step "
        "derivative: |a − b| / max(|a|, |b|), from 0 to 2. It is due to the rounding of float64: "
        "about 1e-15 to 1e-12. The divisor is at least a millionth of the layer's largest "
        f"derivative, and at least {SMALLEST:g}, because smaller derivatives underflow in the "
        "complex step. It is 0 if all checked weights are excluded."
    )
    published: float = Field(
        description='The same for the gradient that `"gradient": "published"` computes. It is 1 '
        "where one of the two derivatives is 0, and above 1 where they have opposite signs."
    )
    published_distance: float = Field(
        description="Euclidean distance between that gradient and the true one over the compared "
        "weights, divided by the length of the longer one: 0 to 2."
    )


@dataclass(frozen=True)
class GradientCheck:
    """The result of `check_gradients`.

    Attributes
    ----------
    loss
        The loss of the sample in nats.
    precision
        A sentence that says in which precision the network is stored, and in which it is checked.
    layers
        The check of each layer with weights.
    """

    loss: float
    precision: str
    layers: list[LayerGradients]


def check_gradients(
    network: Network,
    inputs: Array,
    label: int,
    learning_rate: float,
    go_on: Callable[[], None] = lambda: None,
) -> GradientCheck:
    """Compare both kinds of gradient with complex-step derivatives, weight by weight.

    Both kinds start from y − t with all its digits. In training, y − t is rounded to about 1e-16.

    Parameters
    ----------
    network
        Any network. It is not changed. A float64 copy of it is checked.
    inputs
        One sample, shape (n_in,).
    label
        Class of the sample.
    learning_rate
        Learning rate with which the published kind updates weights during its backward pass.
    go_on
        Called before each block of weights. An exception that it raises ends the check.

    Raises
    ------
    InvalidInputError
        The loss or a derivative exceeds the float range.
    """
    stored = network.dtype.name
    network = network.copy(np.float64)
    rng = np.random.default_rng(0)
    layers = []
    with np.errstate(over="ignore", invalid="ignore"):  # numbers that are not finite are rejected
        steps = ComplexSteps(network, inputs, label)
        _require_finite(*steps.pre_activations)
        output = analyse_softmax(steps.pre_activations[-1], label)
        loss = output.cross_entropy
        if loss is None or np.isinf(loss):
            raise InvalidInputError.at("/model", OVERFLOW)
        exact = sample_gradients(network, inputs, label, output.gradient)
        published = published_gradients(network, inputs, label, learning_rate)
        weighted = [index for index, layer in enumerate(network.layers) if "weight" in layer.arrays]
        for layer, following in pairwise([*weighted, len(network.layers)]):
            weights, z = network.layers[layer].arrays["weight"], steps.pre_activations[layer]
            chosen = _choose(weights.size, _affordable(steps, layer), rng)
            derivatives = steps.one_sided(layer, chosen, go_on)
            kinks = steps.kinks[layer]
            dead = np.setdiff1d(
                np.flatnonzero(network.layers[layer].activation.derivative(z) == 0), kinks
            )
            layers.append(
                LayerGradients(
                    layer=layer,
                    inputs=steps.activations[layer].size,
                    outputs=z.size,
                    weights=weights.size,
                    kinks=kinks[:MOST_LISTED].tolist(),
                    kink_count=len(kinks),
                    ties=sum(len(one.shared) for one in steps.maxima[layer:following] if one),
                    dead=dead[:MOST_LISTED].tolist(),
                    dead_count=len(dead),
                    **_compare(
                        exact[layer]["weight"].ravel()[chosen],
                        published[layer]["weight"].ravel()[chosen],
                        derivatives,
                    ),
                )
            )
    return GradientCheck(loss, _precision(stored), layers)


def _compare(exact: Array, published: Array, derivatives: list[Array]) -> dict[str, Any]:
    """Compare two gradients of the checked weights with their derivatives.

    Parameters
    ----------
    exact, published
        Shape (checked,).
    derivatives
        The derivatives by complex step, each of shape (checked,), the first from the left of a
        kink, and the last from its right. Where they differ, there is nothing to compare with.

    Returns
    -------
    Some fields of `LayerGradients`.
    """
    _require_finite(exact, published, *derivatives)
    left, right = derivatives[0], derivatives[-1]
    # If no kink matters, all of them were computed alike, and are equal bit by bit.
    same = np.all(np.equal(derivatives, left), axis=0)
    slack = BETWEEN * np.maximum(np.abs(left), np.abs(right))
    between = np.abs(2 * exact - left - right) <= np.abs(right - left) + slack
    truth = left[same]
    return {
        "checked": len(same),
        "excluded": np.count_nonzero(~same),
        "subgradients": np.count_nonzero(between & ~same),
        "largest": float(np.abs(truth).max(initial=0)),
        "exact": relative_difference(exact[same], truth),
        "published": relative_difference(published[same], truth),
        "published_distance": relative_distance(published[same], truth),
    }


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
    pre_activations, activations = network.forward(inputs)
    delta = analyse_softmax(pre_activations[-1], label).gradient
    passed = backward(network, pre_activations, activations, label, "published", delta)
    for layer, layer_inputs, delta in passed:
        gradients.append(layer.gradients(layer_inputs, delta))
        layer.update(layer_inputs, delta, learning_rate)
    return gradients[::-1]


def relative_difference(computed: Array, truth: Array) -> float:
    """Return the largest |computed − truth| / max(|computed|, |truth|), from 0 to 2.

    It is 1 where one of the two is 0, and above 1 where they have opposite signs. The divisor is at
    least a millionth of the layer's largest derivative, because a smaller derivative is a
    difference of larger numbers and has their rounding errors. It is at least `SMALLEST`. Without
    any numbers, the result is 0.
    """
    size = np.maximum(np.abs(computed), np.abs(truth))
    size = np.maximum(size, max(SMALL * size.max(initial=0), SMALLEST))
    return float(np.abs(computed / size - truth / size).max(initial=0))


def relative_distance(computed: Array, truth: Array) -> float:
    """Return the distance between two vectors divided by the longer length, from 0 to 2.

    The length counts as at least `SMALLEST`.
    """
    # Without this scale, the squares of large and small numbers would overflow and underflow.
    scale = max(SMALLEST, *(float(np.abs(one).max(initial=0)) for one in (computed, truth)))
    computed, truth = computed / scale, truth / scale
    longer = max(1.0, *(float(np.linalg.norm(one)) for one in (computed, truth)))
    return float(np.linalg.norm(computed - truth)) / longer


def _affordable(steps: ComplexSteps, layer: int) -> int:
    """Return how many weights of a layer to check, by the cost of the layers after it."""
    products = sum(steps.products(later) for later in range(layer + 1, len(steps.maxima)))
    return max(LEAST_CHECKED, min(ALL_CHECKED, MOST_WORK // max(products, 1)))


def _choose(size: int, most: int, rng: np.random.Generator) -> Integers:
    if size <= most:
        return np.arange(size)
    return np.sort(rng.choice(size, most, replace=False))


def _require_finite(*arrays: Array) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
        raise InvalidInputError.at("/model", OVERFLOW)


def _precision(stored: str) -> str:
    copy = "" if stored == "float64" else ", with a float64 copy of them"
    return f"The model's weights are stored as {stored}. All was computed in float64{copy}."
