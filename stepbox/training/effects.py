"""What single steps of a training did to the loss of one sample, which may be a new one.

A step lowers the loss of its own samples, and by the same update it changes that of every other.
This takes steps of a training again, and compares the loss of the given sample before and after
each. It looks only at the steps next to the snapshots. No step is chosen for its result, so they
are a fair sample of the training.

References
----------
Pruthi, G., Liu, F., Kale, S., & Sundararajan, M. (2020). Estimating Training Data Influence by
Tracing Gradient Descent. NeurIPS 33: the sum of such changes over all steps that use a training
sample is its influence.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.step_trace import loss_of
from stepbox.errors import ConflictError, InvalidInputError
from stepbox.nn.activations import Array
from stepbox.nn.network import Network
from stepbox.training.replay import Replay

STEPS_EACH = 16  # from each snapshot on, if there is time
MOST_BATCH_BYTES = 32 * 2**20  # of a step's inputs in float64, of which two copies are made
MOST_SECONDS = 2.0  # for all steps, as `Replay.seconds_per_step` estimates it


class Effect(NamedTuple):
    """What one step did to the loss of a sample.

    Attributes
    ----------
    step, epoch
        Numbers of the step and of its epoch, from 1.
    indices, labels
        What the step saw: indices in the training set, and classes, each of shape (batch,).
    before, after
        The loss of the given sample before and after the step, in nats.
    """

    step: int
    epoch: int
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    before: float
    after: float

    @property
    def change(self) -> float:
        """What the step added to the loss."""
        return self.after - self.before


class Effects(NamedTuple):
    """What the steps next to the snapshots did to the loss of a sample.

    Attributes
    ----------
    label
        The class whose loss is meant: −log of its probability.
    snapshots
        The steps of the snapshots that were looked at, in order.
    steps
        Number of all steps of the training.
    effects
        One for each step that was looked at, in order.
    """

    label: int
    snapshots: list[int]
    steps: int
    effects: list[Effect]

    def lowered(self, most: int) -> list[Effect]:
        """Return the steps that lowered the loss most, at most `most`, the strongest first."""
        ordered = sorted(self.effects, key=lambda effect: effect.change)
        return [effect for effect in ordered[:most] if effect.change < 0]

    def raised(self, most: int) -> list[Effect]:
        """Return the steps that raised the loss most, at most `most`, the strongest first."""
        ordered = sorted(self.effects, key=lambda effect: -effect.change)
        return [effect for effect in ordered[:most] if effect.change > 0]


def step_effects(replay: Replay, sample: NDArray[Any], label: int) -> Effects:
    """Take the steps next to the snapshots again, and see what they do to the loss of a sample.

    All calculations are in float64. The loss is the cross-entropy, without class weights. The steps
    are those of the training: with its gradient, its learning rate and its class weights.

    Parameters
    ----------
    replay
        Opens the steps.
    sample
        Pixels 0..255 or a vector, in the shape of the data set.
    label
        The class whose loss is meant.

    Raises
    ------
    InvalidInputError
        There is no such class.
    ConflictError
        A step of this training does not follow from the gradient of its batch alone, or it takes
        too long.
    """
    classes = len(replay.course.train_set.spec.classes)
    if not 0 <= label < classes:
        raise InvalidInputError.at("/label", f"must be from 0 to {classes - 1}")
    numbers, count = _plan(replay)
    [inputs] = replay.course.inputs(sample[None], np.float64)
    effects = [
        effect for number in numbers for effect in _effects_at(replay, number, count, inputs, label)
    ]
    snapshots = replay.record.snapshots[numbers].tolist()
    return Effects(label, snapshots, replay.record.steps, effects)


def _plan(replay: Replay) -> tuple[list[int], int]:
    """Choose the indices of the snapshots, and how many steps to take from each.

    These are all snapshots, and up to `STEPS_EACH` steps; in large networks fewer steps, and then
    fewer snapshots, at equal distances.
    """
    if not replay.plain:
        raise ConflictError(
            "the effect of a single step is not known for trainings with AdamW, dropout or batch "
            "normalization: such a step also depends on the steps before it, or on random numbers"
        )
    course = replay.course
    batch_bytes = 8 * course.recipe.batch_size * course.train_set.spec.features
    if batch_bytes > MOST_BATCH_BYTES:
        raise ConflictError(
            f"the samples of a step take {batch_bytes:,} bytes, and may take "
            f"{MOST_BATCH_BYTES:,} here"
        )
    step = replay.seconds_per_step
    # To copy the network and to compute two losses takes about as long as a sample of a batch.
    first = step * (1 + 1 / replay.course.recipe.batch_size)
    following = first + step  # because the replay takes the steps, too
    affordable = int(MOST_SECONDS / first)
    if not affordable:
        raise ConflictError(
            f"a step of this training takes about {first:.1f} s to take again, and all steps may "
            f"take {MOST_SECONDS:.0f} s here"
        )
    snapshots = len(replay.record.snapshots)
    numbers = list(range(0, snapshots, -(-snapshots // affordable)))
    left = MOST_SECONDS / len(numbers) - first
    return numbers, min(STEPS_EACH, 1 + int(left / following))


def _effects_at(
    replay: Replay, number: int, count: int, inputs: Array, label: int
) -> Iterator[Effect]:
    """Yield the effects of the first steps from a snapshot on."""
    first = int(replay.record.snapshots[number])
    for step, (network, batch) in enumerate(replay.steps_from(number, count), first):
        before = _loss(network, inputs, label)
        after = _loss(replay.after(network, batch), inputs, label)
        epoch = replay.course.epoch_of(step)
        yield Effect(step, epoch, batch.indices, batch.labels, before, after)


def _loss(network: Network, inputs: Array, label: int) -> float:
    return loss_of(network.logits(inputs[None])[0], label)
