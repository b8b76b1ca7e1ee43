"""Compute the state before any step of a training again, from the record of its steps.

A replay starts at the snapshot before the step, and takes the steps from there by the readable
definition, `backprop.descend`. At the next snapshot, it compares what it has reached with what was
kept. The training itself runs the compiled form, whose sums have another order, so both agree up to
rounding.
"""

from collections.abc import Iterator
from math import isqrt
from threading import RLock
from typing import NamedTuple

import numpy as np

from stepbox.data.dataset import Dataset
from stepbox.errors import InvalidInputError, TooFarError
from stepbox.nn.backprop import descend
from stepbox.nn.network import Network
from stepbox.training.augmentation import MOTIONS
from stepbox.training.batches import Batch, Batches
from stepbox.training.course import Course
from stepbox.training.recipe import Recipe
from stepbox.training.step_record import StepRecord

GOAL = 1e-9
"""Largest difference of a parameter that a replay in float64 should have."""
MOST_SECONDS = 5.0  # of a replay, as `seconds_per_step` estimates it
WAYPOINT_BYTES = 16_000_000  # of the states that are kept between two snapshots


class Check(NamedTuple):
    """Where a state comes from, and how exact it is.

    Attributes
    ----------
    snapshot
        The step whose snapshot the replay started from.
    until
        The step before which the replayed parameters were compared with kept ones. After the last
        step, it is the number of steps plus 1. None if they were not compared.
    difference
        The largest difference of a parameter there; None if they were not compared.
    """

    snapshot: int
    until: int | None
    difference: float | None


class State(NamedTuple):
    """The state of a training before a step, and what the step sees.

    Attributes
    ----------
    step, epoch
        Numbers of the step and of its epoch, from 1.
    network
        The network before the step. It takes inputs as they are in `batch`: standardized, if the
        recipe says so.
    batch
        What the step sees.
    check
        Where the network's parameters come from.
    """

    step: int
    epoch: int
    network: Network
    batch: Batch
    check: Check


class _Segment:
    """The steps from a snapshot to the next one, with the states that are known in between."""

    def __init__(self, first: int, network: Network, spacing: int) -> None:
        self.first = first
        self.states = {first: network}
        self.spacing = spacing
        self.latest = first
        self.check = Check(first, None, None)


class Replay:
    """Opens the steps of one training. It is thread-safe: its calls run one at a time.

    Parameters
    ----------
    recipe, train_set
        The recipe, and the data set that it was trained on.
    record
        The record of its steps.
    trained
        The trained network.

    Attributes
    ----------
    course
        What the steps see.
    lock
        Held during each call. A caller may hold it for longer.
    plain
        Whether a step is plain gradient descent: θ ← θ − η times the mean gradient of the batch.
    seconds_per_step
        How long a step takes, as `seconds_per_step` estimates it.
    reach
        Number of steps from each snapshot on that can be opened. It is 1 for torch, whose steps are
        not replayed.
    """

    def __init__(
        self, recipe: Recipe, train_set: Dataset, record: StepRecord, trained: Network
    ) -> None:
        self.course = Course(recipe, train_set)
        self.record = record
        self.plain = (recipe.optimizer, recipe.dropout, recipe.normalization) == ("sgd", 0, "none")
        self._trained = trained
        self._specs = recipe.layer_specs(train_set.spec)
        self._ends = [*record.snapshots[1:].tolist(), record.steps + 1]
        self.lock = RLock()
        self._segment: _Segment | None = None
        first = self._network(0)
        self._batches = Batches(self.course, first.dtype)
        self._class_weights = self.course.class_weights
        if self._class_weights is not None:
            self._class_weights = self._class_weights.astype(first.dtype)
        resampled = train_set.spec.features if recipe.augmentation in MOTIONS else 0
        self.seconds_per_step = seconds_per_step(first, recipe.batch_size, resampled)
        self.reach = 1
        if recipe.engine == "numpy":
            longest = np.diff(record.snapshots, append=record.steps + 1).max()
            self.reach = int(min(longest, max(1, MOST_SECONDS / self.seconds_per_step)))

    def open(self, step: int) -> State:
        """Compute the state before a step.

        Raises
        ------
        InvalidInputError
            There is no such step.
        TooFarError
            It is more than `reach` steps from the snapshot before it.
        """
        if not 1 <= step <= self.record.steps:
            raise InvalidInputError.at("/step", f"must be from 1 to {self.record.steps:,}")
        number = int(np.searchsorted(self.record.snapshots, step, "right")) - 1
        first, end = int(self.record.snapshots[number]), self._ends[number]
        if step - first >= self.reach:
            nearest = [first + self.reach - 1, *([end] if end <= self.record.steps else [])]
            raise TooFarError(
                f"step {step:,} is too far from the snapshot before it, step {first:,}. The "
                f"nearest that can be opened: {', '.join(f'{n:,}' for n in nearest)}",
                nearest,
            )
        with self.lock:
            segment = self._segment
            if segment is None or segment.first != first:
                self._segment = segment = self._start(number, end)
            return self._state(step, self._go(segment, step).copy(), segment.check)

    def steps_from(self, number: int, count: int) -> Iterator[tuple[Network, Batch]]:
        """Take the first steps from a snapshot on, at most `count` and not beyond `reach`.

        Parameters
        ----------
        number
            Index of the snapshot.
        count
            Number of steps, at least 1.

        Yields
        ------
        Network
            The network before a step. It changes when the next step is requested.
        Batch
            What the step sees.
        """
        with self.lock:
            network = self._network(number)
            first = int(self.record.snapshots[number])
            batch = self._batches.of(first)
            yield network, batch
            last = min(first + min(count, self.reach), self._ends[number])
            for step in range(first + 1, last):
                self._descend(network, batch)
                batch = self._batches.of(step)
                yield network, batch

    def after(self, network: Network, batch: Batch) -> Network:
        """Return the network after a step by the definition, in float64, and leave `network`."""
        moved = network.copy(np.float64)
        inputs = self.course.inputs(batch.samples, np.float64)
        gradient, weights = self.course.recipe.gradient, self.course.class_weights
        descend(moved, inputs, batch.labels, float(batch.rate), gradient, weights)
        return moved

    def _start(self, number: int, end: int) -> _Segment:
        """Begin the segment of a snapshot. Replay it as a whole, if it is not too long."""
        first = int(self.record.snapshots[number])
        network = self._network(number)
        size = sum(array.nbytes for array in network.named_arrays().values())
        spacing = max(isqrt(end - first), -(-(end - first) * size // WAYPOINT_BYTES), 1)
        segment = _Segment(first, network, spacing)
        short = (end - first) * self.seconds_per_step <= MOST_SECONDS
        if short and self.course.recipe.engine == "numpy":
            reached = self._go(segment, end)
            segment.check = Check(first, end, self._difference(reached, number + 1))
        return segment

    def _go(self, segment: _Segment, step: int) -> Network:
        """Return the network before a step; keep it, and states at equal distances before it."""
        from_step = max(known for known in segment.states if known <= step)
        network = segment.states[from_step]
        if from_step == step:
            return network
        network = network.copy()
        for number in range(from_step, step):
            if number > from_step and (number - segment.first) % segment.spacing == 0:
                segment.states[number] = network.copy()
            self._descend(network, self._batches.of(number))
        if (segment.latest - segment.first) % segment.spacing:
            del segment.states[segment.latest]
        segment.states[step] = network
        segment.latest = step
        return network

    def _descend(self, network: Network, batch: Batch) -> None:
        """Take a step by the definition, as the training did."""
        gradient = self.course.recipe.gradient
        descend(network, batch.inputs, batch.labels, batch.rate, gradient, self._class_weights)

    def _network(self, number: int) -> Network:
        """Make the network of a snapshot: of torch, in float64."""
        arrays = self.record.snapshot(number)
        network = Network.from_named_arrays(self._specs, arrays)
        network = network.copy(None if self.course.recipe.engine == "numpy" else np.float64)
        if self.course.standardization is not None:
            self.course.standardization.set_fill(network)
        return network

    def _difference(self, reached: Network, number: int) -> float:
        """Compare a network with a snapshot, or after the last one with the trained network."""
        if number < len(self.record.snapshots):
            kept = self.record.snapshot(number)
        else:
            reached = reached.copy()
            if self.course.standardization is not None:
                self.course.standardization.fold(reached)
            kept = self._trained.named_arrays()
        return max(
            float(np.abs(array.astype(np.float64) - kept[name]).max())
            for name, array in reached.named_arrays().items()
        )

    def _state(self, step: int, network: Network, check: Check) -> State:
        return State(step, self.course.epoch_of(step), network, self._batches.of(step), check)


def seconds_per_step(network: Network, batch_size: int, resampled: int = 0) -> float:
    """Estimate how long the readable definition takes for a step, on one core of a laptop.

    For each sample, it takes some time for each layer, each multiplication, and each parameter, and
    for each of the `resampled` values of an augmented image. This is an estimate, so the same steps
    can be opened on every machine.
    """
    sample = 30e-6 * len(network.layers) + 1e-9 * network.products + 2e-9 * network.parameters
    return (sample + 0.4e-6 * resampled) * batch_size
