"""The batches of single steps of a training, in any order."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stepbox.nn.activations import Array
from stepbox.training.course import Course

MOST_NUMBERS = 2**16  # of the inputs that are prepared at a time


class Batch(NamedTuple):
    """What a step sees.

    Attributes
    ----------
    indices
        Indices of the batch's samples in the training set, shape (n,).
    samples
        These samples as they were used for training, after augmentation, shape (n, *shape).
    inputs
        The network's inputs, shape (n, features).
    labels
        Their classes, shape (n,).
    rate
        Learning rate η of the step, in the dtype of the inputs.
    """

    indices: NDArray[np.int64]
    samples: NDArray[Any]
    inputs: Array
    labels: NDArray[np.int64]
    rate: float


class Batches:
    """Prepares the batches of steps: block by block, because steps are mostly taken in order.

    Parameters
    ----------
    course
        What the steps of the training see.
    dtype
        Float type of the inputs.
    """

    def __init__(self, course: Course, dtype: DTypeLike) -> None:
        self._course = course
        self._dtype = dtype
        features = course.train_set.spec.features
        steps = MOST_NUMBERS // (features * course.recipe.batch_size)
        self._steps_per_block = min(max(1, steps), course.steps_per_portion)
        self._epoch, self._order = 0, np.empty(0, np.int64)
        self._first, self._block = 0, list[Batch]()

    def of(self, step: int) -> Batch:
        """Return the batch of a step."""
        if not self._first <= step < self._first + len(self._block):
            self._prepare(step)
        return self._block[step - self._first]

    def _prepare(self, step: int) -> None:
        """Prepare the block that a step is in. A block is a portion, or a part of one."""
        course = self._course
        size = course.recipe.batch_size
        epochs, number = divmod(step - 1, course.steps_per_epoch)
        if self._epoch != epochs + 1:
            self._epoch, self._order = epochs + 1, course.order(epochs + 1)
        in_portion = number % course.steps_per_portion
        first = (number - in_portion % self._steps_per_block) * size
        last = (number - in_portion + course.steps_per_portion) * size  # where the portion ends
        indices = self._order[first : min(last, first + self._steps_per_block * size)]
        samples = course.varied(indices, self._epoch, first)
        inputs = course.inputs(samples, self._dtype)
        labels = course.train_set.labels[indices].astype(np.int64)
        self._first = step - (number - first // size)
        rates = course.learning_rates(self._first, -(-len(indices) // size)).astype(self._dtype)
        batches = [slice(start, start + size) for start in range(0, len(indices), size)]
        self._block = [
            Batch(indices[batch], samples[batch], inputs[batch], labels[batch], rate)
            for batch, rate in zip(batches, rates, strict=True)
        ]
