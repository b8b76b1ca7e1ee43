"""Both kinds of gradient, compared with derivatives that need no backpropagation.

ReLU has a kink at 0: its slope is 0 on the left and 1 on the right. If a unit's pre-activation is
0, the loss may have two one-sided derivatives with respect to a weight that moves this
pre-activation. Then there is no derivative to compare with, and the check says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from stepbox.analysis.result import Integers, Result
from stepbox.analysis.softmax import COMPLEX_STEP, analyse_softmax
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import Array
from stepbox.nn.backprop import backward, sample_gradients
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network

ALL_CHECKED = 5_000  # limit of checked weights per layer
LEAST_CHECKED = 200  # this many weights of a layer, or all, are checked whatever they cost
MOST_WORK = 2_000_000_000  # limit of complex products per layer; LEAST_CHECKED may need more
BLOCK = 500  # weights per block
SMALL = 1e-6  # differences are divided by at least this fraction of the largest derivative
# Differences are divided by at least this. A complex step of 1e-200 underflows if the derivative is
# below 1e-108, and the digits of a derivative below 1e-92 underflow.
SMALLEST = 1e-90
MOST_LISTED = 100  # units that are listed per layer
ROUNDING = np.finfo(np.float64).eps / 2  # largest relative error of one rounding
BETWEEN = 1e-9  # this much outside of two one-sided derivatives is due to rounding
OVERFLOW = "has no gradient at this image: its pre-activations, loss or derivatives are not finite"

Side = Literal[-1, 0, 1]


class LayerGradients(Result):
    """The two gradients of one layer, compared with the complex-step derivatives."""

    layer: int = Field(description="Index of the layer, 0 next to the inputs.")
    inputs: int = Field(description="Number of inputs of the layer.")
    outputs: int = Field(description="Number of its neurons.")
    weights: int = Field(description="Number of its weights.")
    checked: int = Field(
        description="Number of weights that were checked: all, or a random sample (seed 0) of up "
        f"to {ALL_CHECKED:,}, fewer if wide layers follow."
    )
    excluded: int = Field(
        description="Number of checked weights that are not compared, because the loss has two "
        "different one-sided derivatives, or because its derivative depends on the slope of ReLU "
        "at 0. Changing such a weight moves the pre-activation of a unit in `kinks` of this layer "
        "or a later one, and the loss depends on that unit."
    )
    subgradients: int = Field(
        description="Number of the excluded weights for which backpropagation, which takes 0 as "
        "the slope of ReLU at 0, gives a number between the two one-sided derivatives. It is then "
        "a (Clarke) subgradient of the loss as a function of this weight."
    )
    kinks: list[int] = Field(
        description="ReLU units whose pre-activation is 0 for this image, up to the rounding error "
        f"of its sum. The first {MOST_LISTED}, counted from 0."
    )
    kink_count: int = Field(description="Number of these units.")
    dead: list[int] = Field(
        description="Units through which no gradient flows for this image, because the slope of "
        "their activation function is 0: ReLU units with a negative pre-activation, and units "
        "so saturated that the slope underflows. The derivatives with respect to their weights "
        f"are 0. The first {MOST_LISTED}, counted from 0."
    )
    dead_count: int = Field(description="Number of these units.")
    largest: float = Field(
        description="Largest magnitude of the derivatives that are compared. It is 0 if the units "
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
        The check of each layer.
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
        pre_activations, activations = network.forward(inputs)
        _require_finite(*pre_activations)
        output = analyse_softmax(pre_activations[-1], label)
        loss = output.cross_entropy
        if loss is None or np.isinf(loss):
            raise InvalidInputError.at("/model", OVERFLOW)
        exact = sample_gradients(network, inputs, label, output.gradient)
        published = published_gradients(network, inputs, label, learning_rate)
        kinks = units_at_kinks(network, pre_activations, activations)
        for layer, weights in enumerate(_weights(network)):
            chosen = _choose(weights.size, _affordable(network, layer), rng)
            sides: tuple[Side, ...] = (-1, 0, 1) if any(map(len, kinks[layer:])) else (0,)
            derivatives = [
                complex_step_derivatives(network, inputs, label, layer, chosen, go_on, side)
                for side in sides
            ]
            slopes = network.layers[layer].activation.derivative(pre_activations[layer])
            dead = np.setdiff1d(np.flatnonzero(slopes == 0), kinks[layer])
            layers.append(
                LayerGradients(
                    layer=layer,
                    inputs=weights.shape[1],
                    outputs=weights.shape[0],
                    weights=weights.size,
                    kinks=kinks[layer][:MOST_LISTED].tolist(),
                    kink_count=len(kinks[layer]),
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
    outputs, sources = np.unravel_index(chosen, _weights(network)[layer].shape)
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


def _require_finite(*arrays: Array) -> None:
    if not all(np.isfinite(array).all() for array in arrays):
        raise InvalidInputError.at("/model", OVERFLOW)


def _precision(stored: str) -> str:
    copy = "" if stored == "float64" else ", with a float64 copy of them"
    return f"The model's weights are stored as {stored}. All was computed in float64{copy}."
