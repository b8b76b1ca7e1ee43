"""Figures of all steps of a training: the course of the loss, notable steps, and angles."""

from typing import NamedTuple

import numpy as np

from stepbox.analysis.step_trace import compare, descend_along
from stepbox.nn.activations import Array
from stepbox.training.course import Course
from stepbox.training.replay import Replay
from stepbox.training.step_record import StepRecord
from stepbox.training.trace import kinds_of

ANGLE_STEPS = 8  # from each snapshot on, if there is time
ANGLE_SECONDS = 1.0  # for all angles, as `Replay.seconds_per_step` estimates it
GRADIENTS = 3  # how many times longer two gradients and their angle take than a step


class LossCurve(NamedTuple):
    """The losses of groups of steps, each an array of shape (groups,), in nats.

    Attributes
    ----------
    mean, low, high, most
        The mean, the 10 % and the 90 % quantile, and the maximum.
    """

    mean: Array
    low: Array
    high: Array
    most: Array


class Jumps(NamedTuple):
    """Steps that are worth a look. None where there is no such step, or it is not known.

    Attributes
    ----------
    first
        The first step.
    epoch_ends
        The last step of each epoch.
    largest_loss
        The step with the largest loss.
    wrong_each_epoch
        A step of the first epoch whose sample is classified wrongly in every epoch: of all such
        samples but that of `largest_loss`, the one with the median loss in the last epoch.
    wrong_then_right
        A step of the first epoch whose sample is classified wrongly in every epoch but the last:
        of all such samples, the one with the smallest loss there.
    """

    first: int
    epoch_ends: list[int]
    largest_loss: int | None
    wrong_each_epoch: int | None
    wrong_then_right: int | None


def loss_curve(losses: Array, every: int) -> LossCurve:
    """Summarize the losses of groups of `every` steps; the last group can be smaller."""
    rows = [
        (group.mean(), *np.quantile(group, (0.1, 0.9)), group.max())
        for group in np.split(losses.astype(np.float64), range(every, len(losses), every))
    ]
    return LossCurve(*np.array(rows).T)


def wrong_steps(record: StepRecord, course: Course) -> list[int] | None:
    """Count the steps of each epoch in which a sample was classified wrongly."""
    if record.wrong is None:
        return None
    epochs = np.split(
        record.wrong, range(course.steps_per_epoch, record.steps, course.steps_per_epoch)
    )
    return [int(epoch.sum()) for epoch in epochs]


def jumps(record: StepRecord, course: Course) -> Jumps:
    """Find steps that are worth a look."""
    ends = list(range(course.steps_per_epoch, record.steps + 1, course.steps_per_epoch))
    if record.losses is None:
        return Jumps(1, ends, None, None, None)
    never, learned = None, None
    if course.recipe.batch_size == 1 and len(ends) > 1:
        never, learned = _hard_samples(record, course, len(ends))
    return Jumps(1, ends, int(record.losses.argmax()) + 1, never, learned)


def _hard_samples(record: StepRecord, course: Course, epochs: int) -> tuple[int | None, int | None]:
    """Return the steps `wrong_each_epoch` and `wrong_then_right` of a training sample by sample."""
    assert record.losses is not None
    assert record.wrong is not None
    steps = course.steps_per_epoch
    # For each epoch, the places of the samples in it, in the order of their indices.
    places = [np.argsort(course.order(epoch + 1)) for epoch in range(epochs)]
    wrong, losses = (
        np.stack(
            [of_step[epoch * steps : (epoch + 1) * steps][places[epoch]] for epoch in range(epochs)]
        )
        for of_step in (record.wrong, record.losses)
    )
    always, at_last = np.array(wrong.all(axis=0)), wrong[:-1].all(axis=0) & ~wrong[-1]
    always[losses.max(axis=0).argmax()] = False
    never, learned = (
        chosen[np.argsort(losses[-1, chosen])]
        for chosen in (np.flatnonzero(always), np.flatnonzero(at_last))
    )
    return (
        int(places[0][never[len(never) // 2]]) + 1 if len(never) else None,
        int(places[0][learned[0]]) + 1 if len(learned) else None,
    )


def angles(replay: Replay) -> list[Array] | None:
    """Measure the angle between the exact and the published gradient along the training.

    It does so in the first steps from each snapshot on: a fair sample of the training, because no
    step is chosen for its result.

    Returns
    -------
    list | None
        For each layer but the last, the quartiles at each snapshot in degrees, shape
        (3, snapshots); nan where no angle is defined. None if the published gradient makes no
        sense for this training.
    """
    if "published" not in kinds_of(replay):
        return None
    snapshots = len(replay.record.snapshots)
    affordable = ANGLE_SECONDS / (GRADIENTS * replay.seconds_per_step * snapshots)
    count = min(ANGLE_STEPS, max(1, int(affordable)))
    found = [_angles_at(replay, number, count) for number in range(snapshots)]
    layers = range(found[0].shape[1])
    return [np.array([_quartiles(at[:, layer]) for at in found]).T for layer in layers]


def _angles_at(replay: Replay, number: int, count: int) -> Array:
    """Return the angles in the steps from a snapshot on, shape (steps, layers − 1), or nan."""
    found = []
    for network, batch in replay.steps_from(number, count):
        label = int(batch.labels[0])
        exact, published = (
            descend_along(
                network,
                batch.inputs[0],
                label,
                float(batch.rate),
                kind,
                replay.course.weight_of(label),
            ).gradients
            for kind in ("exact", "published")
        )
        pairs = zip(exact[:-1], published[:-1], strict=True)
        found.append([compare(*pair).angle for pair in pairs])
    return np.array(found, np.float64)  # None becomes nan


def _quartiles(values: Array) -> Array:
    known = values[~np.isnan(values)]
    return np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else np.full(3, np.nan)
