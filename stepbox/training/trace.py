"""Every number of one step of a training, from the state that a replay has reached."""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.step_trace import (
    UPDATES_EARLY,
    Comparison,
    Direction,
    Kind,
    Outcome,
    compare,
    descend_along,
    loss_of,
    outcome,
)
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import IDENTITY, Array
from stepbox.nn.layer import Layer
from stepbox.nn.losses import softmax
from stepbox.training.replay import MOST_SECONDS, Check, Replay

KINDS: Sequence[Kind] = get_args(Kind)


class LayerTrace(NamedTuple):
    """The numbers of one layer in a step.

    Attributes
    ----------
    layer
        The layer with its parameters before the step.
    z, a
        Pre-activations, and activations a = f(z); in the last layer, a are the probabilities.
        Shape (outputs,), also in layers of images.
    slope
        f′(z), shape of z; None without an activation function.
    delta
        δ = ∂C/∂z by the kind of the gradient, shape of z.
    gradient
        The gradient for each parameter array, of the kind that the trace was asked for.
    comparison
        How the gradient of each other kind differs from the exact one.
    """

    layer: Layer
    z: Array
    a: Array
    slope: Array | None
    delta: dict[Kind, Array]
    gradient: dict[str, Array]
    comparison: dict[Kind, Comparison]


class Trace(NamedTuple):
    """Every number of one step, for one sample of its batch. All calculations are in float64.

    With batch normalization or dropout, the numbers are those of the finished form of the network:
    without dropout, and with running means and variances.

    Attributes
    ----------
    step, steps, epoch
        Number of the step, from 1; number of all steps; number of the epoch, from 1.
    rate
        η, the learning rate of this step.
    batch_size, position
        Number of samples of the batch, and the index of this sample in it.
    sample
        Index of the sample in the training set.
    next_epoch
        The step that sees the same sample in the next epoch; None in the last.
    input
        The sample as it was used for training, after augmentation.
    inputs
        The network's inputs: scaled and standardized, shape (features,).
    label, predicted
        The true class, and the one predicted before the step.
    weight
        w, the factor of the sample's loss: that of its class.
    loss
        w times the cross-entropy before the step, in nats.
    probabilities
        Before the step, shape (classes,).
    layers
        The numbers of each layer.
    after
        The answer for this sample after the step, by the kind of the gradient. In batches, the
        step is that of the whole batch, and only ``exact`` is here. Empty if the training's steps
        are not −η times the gradient, with AdamW, dropout or batch normalization, or if a step
        takes too long.
    check
        Where the parameters come from, and how exact they are.
    """

    step: int
    steps: int
    epoch: int
    rate: float
    batch_size: int
    position: int
    sample: int
    next_epoch: int | None
    input: NDArray[Any]
    inputs: Array
    label: int
    predicted: int
    weight: float
    loss: float
    probabilities: Array
    layers: list[LayerTrace]
    after: dict[Kind, Outcome]
    check: Check


def trace_step(replay: Replay, step: int, position: int = 0, kind: Kind = "exact") -> Trace:
    """Compute every number of a step.

    Parameters
    ----------
    replay
        Opens the step.
    step
        Its number, from 1.
    position
        Index of the sample in the step's batch.
    kind
        Which gradient `LayerTrace.gradient` is.

    Raises
    ------
    InvalidInputError
        There is no such step or sample, or the kind makes no sense for this training.
    TooFarError
        The step is too far from the snapshot before it.
    """
    kinds = kinds_of(replay)
    if kind not in kinds:
        raise InvalidInputError.at("/gradient", f"must be {' or '.join(kinds)} for this training")
    if not 0 <= position < replay.course.recipe.batch_size:
        raise _no_sample(replay.course.recipe.batch_size)
    state = replay.open(step)
    size = len(state.batch.labels)
    if position >= size:
        raise _no_sample(size)
    network = state.network
    if network.dtype != np.float64:
        network = network.copy(np.float64)
    label = int(state.batch.labels[position])
    [inputs] = replay.course.inputs(state.batch.samples[position : position + 1], np.float64)
    weight = replay.course.weight_of(label)
    pre_activations, layer_inputs = network.forward(inputs)
    probabilities = softmax(pre_activations[-1])
    layers = [
        LayerTrace(layer, z, a, _slope(layer, z), {}, {}, {})
        for layer, z, a in zip(
            network.layers, pre_activations, [*layer_inputs[1:], probabilities], strict=True
        )
    ]
    after: dict[Kind, Outcome] = {}
    single = replay.plain and replay.course.recipe.batch_size == 1
    exact: Direction | None = None
    for one in kinds:  # the exact one is the first
        found = descend_along(
            network, inputs, label, state.batch.rate / size, one, weight, take_step=single
        )
        exact = exact or found
        for layer, delta, gradient, true in zip(
            layers, found.deltas, found.gradients, exact.gradients, strict=True
        ):
            layer.delta[one] = delta
            if one == kind:
                layer.gradient.update(gradient)
            if one != "exact":
                layer.comparison[one] = compare(true, gradient)
        if single:
            after[one] = outcome(network, found.after, exact.after, inputs, label, weight)
    if replay.plain and not single and replay.seconds_per_step <= MOST_SECONDS:
        moved = replay.after(network, state.batch)
        after["exact"] = outcome(network, moved, moved, inputs, label, weight)
    sample = int(state.batch.indices[position])
    later = state.epoch * replay.course.steps_per_epoch < replay.record.steps
    return Trace(
        step=step,
        steps=replay.record.steps,
        epoch=state.epoch,
        rate=float(state.batch.rate),
        batch_size=size,
        position=position,
        sample=sample,
        next_epoch=replay.course.step_of(sample, state.epoch + 1) if later else None,
        input=state.batch.samples[position],
        inputs=inputs,
        label=label,
        predicted=int(pre_activations[-1].argmax()),
        weight=weight,
        loss=weight * loss_of(pre_activations[-1], label),
        probabilities=probabilities,
        layers=layers,
        after=after,
        check=state.check,
    )


def kinds_of(replay: Replay) -> Sequence[Kind]:
    """Return the kinds of gradients that make sense for a training.

    Those that update a layer before δ passes through it need plain steps of single samples.
    """
    single = replay.plain and replay.course.recipe.batch_size == 1
    return [kind for kind in KINDS if single or kind not in UPDATES_EARLY]


def _no_sample(size: int) -> InvalidInputError:
    return InvalidInputError.at("/sample", f"must be from 0 to {size - 1}")


def _slope(layer: Layer, z: Array) -> Array | None:
    activation = layer.activation
    return None if activation.name == IDENTITY.name else activation.derivative(z)
