"""What the steps of a training see. All of it follows from the recipe and the data set."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stepbox.data.dataset import Dataset, scale_pixels
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import Array
from stepbox.training.augmentation import Augmenter
from stepbox.training.holdout import hold_out
from stepbox.training.recipe import Recipe
from stepbox.training.schedule import rate_factors
from stepbox.training.standardization import Standardization

LEAST_PORTION = 1000  # samples


class Course:
    """The samples of each step of a training, how they are varied, and the learning rates.

    A step is one update of the parameters, by a batch of samples. Steps are numbered from 1 over
    all epochs. The last batch of an epoch can be smaller.

    Attributes
    ----------
    recipe, train_set
        The recipe, and the samples of the training split.
    trained, held_out
        Indices of the samples to train on, and of those held out for validation.
    class_weights
        Factor of the loss of each class's samples, shape (classes,); None if it is 1.
    standardization
        How the inputs are standardized; None if they are not.
    portion
        Number of samples that are varied at a time: the first `portion` samples of an epoch, the
        next ones, and so on. It is a multiple of the batch size.
    """

    def __init__(
        self, recipe: Recipe, train_set: Dataset, augmenter: type[Augmenter] = Augmenter
    ) -> None:
        self.recipe = recipe
        self.train_set = train_set
        self.trained, self.held_out = hold_out(train_set.labels, recipe.validation, recipe.seed)
        if recipe.validation and not len(self.held_out):
            raise InvalidInputError.at("/validation", "is too small to hold out a sample")
        self.class_weights: Array | None = None
        if recipe.class_weights == "balanced":
            labels = train_set.labels[self.trained]
            self.class_weights = balanced_weights(labels, len(train_set.spec.classes))
        self.standardization: Standardization | None = None
        if recipe.standardize:
            self.standardization = Standardization.of(train_set, self.trained, recipe.pixel_scale)
        self.portion = -(-LEAST_PORTION // recipe.batch_size) * recipe.batch_size
        self._augment = augmenter(recipe.augmentation, recipe.seed, train_set.spec.shape)

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps of an epoch."""
        return -(-len(self.trained) // self.recipe.batch_size)

    @property
    def steps_per_portion(self) -> int:
        """Number of steps of a portion, if it is not the last of an epoch."""
        return self.portion // self.recipe.batch_size

    @property
    def portions_per_epoch(self) -> int:
        """Number of portions of an epoch."""
        return -(-len(self.trained) // self.portion)

    @property
    def steps(self) -> int:
        """Number of steps of the whole training, if it is not stopped early."""
        return self.recipe.epochs * self.steps_per_epoch

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the indices of the samples of an epoch, from 1, in their order."""
        return self.trained[visiting_order(self.recipe, epoch, len(self.trained))]

    def step_of(self, index: int, epoch: int) -> int:
        """Return the step of an epoch that sees a sample, by its index in the training set."""
        [place] = np.flatnonzero(self.order(epoch) == index)
        return (epoch - 1) * self.steps_per_epoch + int(place) // self.recipe.batch_size + 1

    def epoch_of(self, step: int) -> int:
        """Return the epoch of a step; both are numbered from 1."""
        return (step - 1) // self.steps_per_epoch + 1

    def varied(self, indices: NDArray[np.int64], epoch: int, first: int) -> NDArray[Any]:
        """Return samples of one portion, augmented as the recipe says.

        Parameters
        ----------
        indices
            Indices of the samples.
        epoch, first
            Their epoch, and the number of samples before them in this epoch.
        """
        offset = first % self.portion
        start = first - offset
        count = min(self.portion, len(self.trained) - start)
        return self._augment(self.train_set.take(indices), epoch, start, count, offset)

    def inputs(self, samples: NDArray[Any], dtype: DTypeLike) -> Array:
        """Return the network's inputs for samples: scaled and standardized, shape (n, features)."""
        inputs = scale_pixels(samples, self.recipe.pixel_scale, dtype)
        return inputs if self.standardization is None else self.standardization.apply(inputs)

    def weight_of(self, label: int) -> float:
        """Return the factor of the loss of a class's samples."""
        return 1.0 if self.class_weights is None else float(self.class_weights[label])

    def learning_rates(self, step: int, count: int) -> Array:
        """Return the learning rates of `count` steps from `step` on, shape (count,)."""
        recipe = self.recipe
        return recipe.learning_rate * rate_factors(recipe.schedule, step - 1, count, self.steps)


def balanced_weights(labels: NDArray[np.integer[Any]], classes: int) -> Array:
    """Return n / (k · n_c) for each class c, where the k classes that occur have n samples.

    So the weights of all samples of a class sum to n / k, for each class.
    """
    counts = np.bincount(labels, minlength=classes)
    weights: Array = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return weights


def visiting_order(recipe: Recipe, epoch: int, samples: int) -> NDArray[np.int64]:
    """Return the order in which an epoch visits the samples.

    Parameters
    ----------
    recipe
        Gives the seed, and whether to shuffle.
    epoch
        Number of the epoch, from 1.
    samples
        Number of samples to train on.

    Returns
    -------
    NDArray[np.int64]
        Indices, shape (samples,). The permutation depends only on seed and epoch, so checkpoints
        contain no state of a generator. It is the same for both engines.
    """
    if not recipe.shuffle:
        return np.arange(samples)
    return np.random.default_rng([recipe.seed, epoch]).permutation(samples)
