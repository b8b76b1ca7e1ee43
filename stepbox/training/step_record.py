"""What a training keeps of its steps. `replay` computes every step again from it.

- the parameters before up to 64 steps, at equal distances except at ends of epochs: the snapshots
- the loss of each step, and whether the network was wrong in it
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.training.course import Course

MOST_SNAPSHOTS = 64
MOST_SNAPSHOT_BYTES = 32_000_000  # of all snapshots together; larger networks have fewer of them
MOST_LOSSES = 4_000_000  # steps, which take 16.5 MB; longer trainings keep no losses
MOST_SAMPLES = 2**16  # added at once: many small additions take longer than the snapshots

Arrays = Mapping[str, Array]


class StepRecord(NamedTuple):
    """The record of a training's steps, numbered from 1.

    Attributes
    ----------
    steps
        Number of steps.
    losses
        Mean loss of each step's samples before the step, in nats: float32, shape (steps,). None if
        the training had more than `MOST_LOSSES` steps.
    wrong
        Whether one of the samples was classified wrongly, shape (steps,); None without losses.
    snapshots
        The steps whose parameters are kept, in order. The first is 1.
    parameters
        For each name, as in `Network.named_arrays`, the parameters before these steps, stacked:
        shape (snapshots, *shape). If inputs are standardized, the parameters are those for
        standardized inputs.
    """

    steps: int
    losses: Array | None
    wrong: NDArray[np.bool_] | None
    snapshots: NDArray[np.int64]
    parameters: dict[str, Array]

    def arrays(self) -> dict[str, Array]:
        """Return this record as arrays for a file."""
        return _arrays(1, self.steps, self.snapshots, self.parameters, self.losses, self.wrong)

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> Self:
        """Undo `arrays`. Raise ValueError if the arrays are not such a record."""
        parameters = dict(arrays)
        try:
            first, last = (int(step) for step in parameters.pop("steps"))
            snapshots = parameters.pop("snapshots")
            losses = parameters.pop("losses", None)
            bits = parameters.pop("wrong", None)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError("the record has no steps or no snapshots") from error
        wrong = None
        if losses is not None and bits is not None:
            wrong = np.unpackbits(bits, count=last).astype(bool)
        if (
            first != 1
            or snapshots.dtype != np.int64
            or snapshots[:1].tolist() != [1]
            or (np.diff(snapshots) <= 0).any()
            or snapshots[-1] > last
            or any(len(array) != len(snapshots) for array in parameters.values())
            or (losses is not None and (wrong is None or not len(losses) == len(wrong) == last))
        ):
            raise ValueError("the snapshots or the losses do not fit the number of steps")
        return cls(last, losses, wrong, snapshots, parameters)

    def snapshot(self, number: int) -> dict[str, Array]:
        """Return the parameters of a snapshot, by its index."""
        return {name: stacked[number] for name, stacked in self.parameters.items()}


class Recorder:
    """Keeps the record of a training while it runs.

    The snapshots are at the starts of portions, every n-th of all portions, so a replay that
    starts at a snapshot varies the samples of whole portions, as the training does.

    Attributes
    ----------
    steps_done
        Number of steps so far.
    """

    def __init__(self, course: Course, parameters: Arrays, snapshots: int) -> None:
        portions = course.recipe.epochs * course.portions_per_epoch
        self._every = -(-portions // snapshots)  # portions between two snapshots
        self._batch_size = course.recipe.batch_size
        self._steps_per_epoch = course.steps_per_epoch
        self._portions_per_epoch = course.portions_per_epoch
        self._steps_per_portion = course.steps_per_portion
        self._snapshots: list[int] = []  # the steps
        count = -(-portions // self._every)
        self._parameters = {
            name: np.empty((count, *array.shape), array.dtype) for name, array in parameters.items()
        }
        room = course.steps if course.steps <= MOST_LOSSES else 0
        self._losses = np.empty(room, np.float32)
        self._wrong = np.empty(room, np.bool_)
        self._latest = list[tuple[Array, NDArray[np.bool_]]]()  # not yet in these two
        self._latest_samples = 0
        self.steps_done = 0

    @classmethod
    def of(cls, course: Course, parameters: Arrays) -> Self | None:
        """Return the recorder of a training; None if a snapshot takes more than all may take."""
        size = sum(array.nbytes for array in parameters.values())
        snapshots = min(MOST_SNAPSHOTS, MOST_SNAPSHOT_BYTES // size)
        return cls(course, parameters, snapshots) if snapshots else None

    def due(self, step: int) -> bool:
        """Return whether a snapshot belongs before a step, which is the first of a portion."""
        epochs, steps = divmod(step - 1, self._steps_per_epoch)
        portion = epochs * self._portions_per_epoch + steps // self._steps_per_portion
        return portion % self._every == 0

    def keep_parameters(self, step: int, parameters: Arrays) -> None:
        """Keep a copy of the parameters before a step."""
        for name, array in parameters.items():
            self._parameters[name][len(self._snapshots)] = array
        self._snapshots.append(step)

    def keep_losses(self, losses: Array, wrong: NDArray[np.bool_]) -> None:
        """Keep what `Trainer.train_samples` returned for the next steps."""
        self.steps_done += -(-len(losses) // self._batch_size)
        if len(self._losses):
            self._latest.append((losses, wrong))
            self._latest_samples += len(losses)
            # The last batch of an epoch can be smaller.
            if self._latest_samples >= MOST_SAMPLES or len(losses) % self._batch_size:
                self._add_latest()

    def _add_latest(self) -> None:
        """Add the latest samples to the losses of the steps."""
        if not self._latest:
            return
        losses, wrong = (np.concatenate(arrays) for arrays in zip(*self._latest, strict=True))
        size = self._batch_size
        whole = len(losses) // size  # batches
        first = self.steps_done - -(-len(losses) // size)
        steps, samples = slice(first, first + whole), slice(whole * size)
        with np.errstate(over="ignore"):  # of float32: the loss shows a divergence
            self._losses[steps] = losses[samples].reshape(-1, size).mean(axis=1)
            self._wrong[steps] = wrong[samples].reshape(-1, size).any(axis=1)
            if first + whole < self.steps_done:
                self._losses[first + whole] = losses[whole * size :].mean()
                self._wrong[first + whole] = wrong[whole * size :].any()
        self._latest.clear()
        self._latest_samples = 0

    def part(self, first: int) -> dict[str, Array]:
        """Return the record of the steps from `first` on, in the form of `StepRecord.arrays`."""
        self._add_latest()
        snapshots = np.array(self._snapshots, np.int64)
        new = slice(int(np.searchsorted(snapshots, first)), len(snapshots))
        steps = slice(first - 1, self.steps_done)
        is_kept = len(self._losses) > 0
        return _arrays(
            first,
            self.steps_done,
            snapshots[new],
            {name: array[new] for name, array in self._parameters.items()},
            self._losses[steps] if is_kept else None,
            self._wrong[steps] if is_kept else None,
        )

    def add(self, part: Arrays) -> None:
        """Add a part that `part` returned in an earlier attempt; raise KeyError if it has a gap."""
        arrays = dict(part)
        first, last = (int(step) for step in arrays.pop("steps"))
        if first != self.steps_done + 1:
            raise KeyError(f"the record goes on from step {first}, not {self.steps_done + 1}")
        snapshots = arrays.pop("snapshots")
        if len(self._losses):
            self._losses[first - 1 : last] = arrays.pop("losses")
            bits = arrays.pop("wrong")
            self._wrong[first - 1 : last] = np.unpackbits(bits, count=last - first + 1)
        for number, step in enumerate(snapshots.tolist()):
            self.keep_parameters(step, {name: array[number] for name, array in arrays.items()})
        self.steps_done = last

    def record(self) -> StepRecord:
        """Return the record of all steps so far, of which there is at least one."""
        return StepRecord.of_arrays(self.part(1))


def _arrays(
    first: int,
    last: int,
    snapshots: NDArray[np.int64],
    parameters: Arrays,
    losses: Array | None,
    wrong: NDArray[np.bool_] | None,
) -> dict[str, Array]:
    """Return the record of the steps from `first` to `last` as arrays for a file."""
    kept = {"steps": np.array([first, last]), "snapshots": snapshots, **parameters}
    if losses is not None and wrong is not None:
        kept |= {"losses": losses, "wrong": np.packbits(wrong)}
    return kept
