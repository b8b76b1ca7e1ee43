"""Every number of one training step: z, a, δ and the gradients, and what the step changes.

The published gradient has two deviations from the true one, and this module tells them apart:

- ``slope``: f′ is evaluated at the activation f(z) instead of at z.
- ``order``: each layer is updated before δ passes through it.

docs/explanation/source.md describes both.
"""

from typing import Literal, NamedTuple

import numpy as np

from stepbox.nn.activations import Array
from stepbox.nn.backprop import GradientKind, backward
from stepbox.nn.losses import cross_entropy, softmax
from stepbox.nn.network import Network

Kind = Literal["exact", "slope", "order", "published"]
"""The exact gradient, one with either deviation, and the published one, which has both."""

UPDATES_EARLY: frozenset[Kind] = frozenset({"order", "published"})
AT_ACTIVATION: frozenset[Kind] = frozenset({"slope", "published"})


class Direction(NamedTuple):
    """A gradient of one of the kinds, and where a step against it leads.

    Attributes
    ----------
    deltas
        δ of each layer, shape of its z.
    gradients
        For each layer, the gradient for each of its `arrays`, by name.
    after
        The network after the step.
    """

    deltas: list[Array]
    gradients: list[dict[str, Array]]
    after: Network


class Comparison(NamedTuple):
    """How a layer's gradient of some kind differs from its exact gradient.

    Attributes
    ----------
    angle
        In degrees; None if either is 0.
    ratio
        Length of this gradient divided by that of the exact one; None if the exact one is 0.
    """

    angle: float | None
    ratio: float | None


class Outcome(NamedTuple):
    """What a network answers for the sample after a step.

    Attributes
    ----------
    loss
        w times the cross-entropy, in nats.
    loss_same_length
        The loss after a step in the same direction that is as long as the exact one. None if the
        step is 0.
    probabilities
        Shape (classes,).
    """

    loss: float
    loss_same_length: float | None
    probabilities: Array


def descend_along(
    network: Network,
    inputs: Array,
    label: int,
    rate: float,
    kind: Kind,
    weight: float = 1.0,
    *,
    take_step: bool = True,
) -> Direction:
    """Compute a gradient of one of the kinds for one sample, and take a step against it.

    Parameters
    ----------
    network
        The network before the step. It is not changed.
    inputs
        Shape (inputs,).
    label
        The sample's class.
    rate
        η: the step is −η times the gradient.
    kind
        Which gradient.
    weight
        w, the factor of the sample's loss.
    take_step
        False only computes the gradient, ``exact`` or ``slope``, and copies no network.
    """
    take_step = take_step or kind in UPDATES_EARLY
    after = network.copy() if take_step else network
    slopes: GradientKind = "published" if kind in AT_ACTIVATION else "exact"
    passed = backward(after, *network.forward(inputs), label, slopes, weight=weight)
    deltas, gradients = [], []
    # `list` computes every δ before the first update, as in `backprop.descend`.
    for layer, layer_inputs, delta in passed if kind in UPDATES_EARLY else list(passed):
        found = layer.gradients(layer_inputs, delta)
        if take_step:
            arrays = layer.arrays
            for name, gradient in found.items():
                arrays[name] -= rate * gradient
        deltas.append(delta)
        gradients.append(found)
    return Direction(deltas[::-1], gradients[::-1], after)


def compare(exact: dict[str, Array], other: dict[str, Array]) -> Comparison:
    """Compare a layer's gradient of some kind with its exact gradient."""
    u, v = (
        np.concatenate([array.ravel() for array in gradient.values()] or [np.zeros(0)])
        for gradient in (exact, other)
    )
    lengths = float(np.linalg.norm(u)), float(np.linalg.norm(v))
    if not lengths[0]:
        return Comparison(None, None)
    if not lengths[1]:
        return Comparison(None, 0.0)
    # Unlike the arc cosine of u · v, this is accurate for small angles.
    chord = float(np.linalg.norm(u / lengths[0] - v / lengths[1]))
    angle = float(np.degrees(2 * np.arcsin(min(1.0, chord / 2))))
    return Comparison(angle, lengths[1] / lengths[0])


def outcome(
    before: Network, after: Network, exact: Network, inputs: Array, label: int, weight: float = 1.0
) -> Outcome:
    """Say what a network answers for a sample after a step.

    Parameters
    ----------
    before, after
        The network before the step, and after it.
    exact
        The network after the step of the exact gradient.
    inputs, label, weight
        As in `descend_along`.
    """
    [logits] = after.logits(inputs[None])
    length = distance(before, after)
    same = None
    if length:
        share = distance(before, exact) / length
        between = before.copy()
        moved = after.named_arrays()
        for name, array in between.named_arrays().items():
            array += share * (moved[name] - array)
        same = weight * loss_of(between.logits(inputs[None])[0], label)
    return Outcome(weight * loss_of(logits, label), same, softmax(logits))


def distance(first: Network, second: Network) -> float:
    """Return the Euclidean distance between the parameters of two networks."""
    others = second.named_arrays()
    squares = (
        float(np.square(array - others[name]).sum()) for name, array in first.named_arrays().items()
    )
    return float(np.sqrt(sum(squares)))


def loss_of(logits: Array, label: int) -> float:
    """Return the cross-entropy of one sample, in nats, from its logits, shape (classes,)."""
    [loss] = cross_entropy(logits[None], np.array([label]))
    return float(loss)
