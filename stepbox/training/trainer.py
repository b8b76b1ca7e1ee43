"""The interface of an engine, and what engines share: sample order, state, and memory errors."""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox import memory
from stepbox.data.dataset import Dataset
from stepbox.errors import InvalidInputError, OutOfDeviceMemoryError
from stepbox.nn.activations import Array
from stepbox.nn.network import Network
from stepbox.training.augmentation import Augmenter
from stepbox.training.computer import ComputerReport
from stepbox.training.evaluation import EvaluationReport
from stepbox.training.holdout import hold_out
from stepbox.training.recipe import Recipe
from stepbox.training.schedule import rate_factors
from stepbox.training.standardization import Standardization

REPORT_EVERY = 1000  # samples between two yields, rounded up to whole batches


class Trainer(ABC):
    """One training of a recipe: its network, and how far it has come.

    To add an engine, implement the abstract methods. `NumpyTrainer` is the shorter example.

    Attributes
    ----------
    device
        The device that it trains on: ``cpu`` or ``cuda``.
    recipe, train_set
        The recipe, and the samples of the training split.
    trained, held_out
        Indices of the samples to train on, and of those held out for validation.
    class_weights
        Factor of the loss of each class's samples, shape (classes,); None if it is 1.
    epochs_done
        Number of complete epochs.
    samples_done
        Number of samples seen in the current epoch; 0 between epochs.
    loss_sum
        Sum of the loss of these samples, each before its update, in nats: the cross-entropy, times
        the weight of the class. Between epochs, the sum over the whole latest epoch.
    seconds
        Time spent training in the epoch that `loss_sum` covers.
    recent_loss_sum, recent_samples
        Sum of the loss, in nats, and number of the samples since the last call of
        `take_recent_loss`. The sum is nan if it is not known.
    standardization
        How the inputs are standardized; None if they are not.
    best_loss, best_epoch
        The lowest validation loss so far, in nats, and the first epoch that had it.
    evaluation
        The evaluation of the network after the latest epoch; None until `loop.train` evaluates it.
    """

    device: str

    def __init__(self, recipe: Recipe, train_set: Dataset, start: Network | None = None) -> None:
        memory.reset_peak()
        self.recipe = recipe
        self.train_set = train_set
        self._start = start
        self.trained, self.held_out = hold_out(train_set.labels, recipe.validation, recipe.seed)
        if recipe.validation and not len(self.held_out):
            raise InvalidInputError.at("/validation", "is too small to hold out a sample")
        self.class_weights: Array | None = None
        if recipe.class_weights == "balanced":
            labels = train_set.labels[self.trained]
            self.class_weights = balanced_weights(labels, len(train_set.spec.classes))
        self.epochs_done = 0
        self.samples_done = 0
        self.loss_sum = 0.0
        self.seconds = 0.0
        self.recent_loss_sum = 0.0
        self.recent_samples = 0
        self.best_loss, self.best_epoch = math.inf, 0
        self.evaluation: EvaluationReport | None = None
        self._augment = Augmenter(recipe.augmentation, recipe.seed, train_set.spec.shape)
        self.standardization: Standardization | None = None
        if recipe.standardize:
            self.standardization = Standardization.of(train_set, self.trained, recipe.pixel_scale)

    def started(self, drawn: Network) -> Network:
        """Return the network to start from: a random one, or the arrays of a model that fit it.

        A last layer for another number of classes stays the random one.
        """
        if self._start is None:
            if self.standardization is not None:
                self.standardization.set_fill(drawn)
            return drawn
        network = self._start.copy(np.float64)
        if self.standardization is not None:
            self.standardization.unfold(network)
        fresh, old = drawn.layers[-1], network.layers[-1]
        if [a.shape for a in fresh.arrays.values()] != [a.shape for a in old.arrays.values()]:
            network.layers[-1] = fresh
        return network.copy(drawn.dtype)

    @abstractmethod
    def train_samples(self, indices: NDArray[np.int64]) -> float:
        """Train on these samples in order, batch by batch; return the sum of losses in nats."""

    @abstractmethod
    def network(self) -> Network:
        """Return a NumPy copy of the network in its current state."""

    @abstractmethod
    def computer(self) -> ComputerReport:
        """Describe the processor and the instructions that the training runs on."""

    def peak_memory(self) -> int:
        """Return the peak memory of the training's process, in bytes."""
        return memory.peak()

    @abstractmethod
    def arrays(self) -> dict[str, Array]:
        """Return a copy of every array that a step changes."""

    @abstractmethod
    def set_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Restore the arrays that `arrays` returned."""

    def augmented_samples(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the next samples, augmented as the recipe says."""
        samples = self.train_set.take(indices)
        return self._augment(samples, self.epochs_done + 1, self.samples_done)

    def learning_rates(self, samples: int) -> Array:
        """Return the learning rate of each batch of the next samples, shape (batches,)."""
        recipe = self.recipe
        steps_an_epoch = -(-len(self.trained) // recipe.batch_size)
        step = self.epochs_done * steps_an_epoch + self.samples_done // recipe.batch_size
        count = -(-samples // recipe.batch_size)
        steps = recipe.epochs * steps_an_epoch
        return recipe.learning_rate * rate_factors(recipe.schedule, step, count, steps)

    @property
    def portion(self) -> int:
        """Number of samples between two yields of `train_epoch`; the last may follow earlier."""
        batch_size = self.recipe.batch_size
        return -(-REPORT_EVERY // batch_size) * batch_size

    def take_recent_loss(self) -> float | None:
        """Return the mean loss of the samples since the last call, in nats; None if unknown."""
        loss_sum, samples = self.recent_loss_sum, self.recent_samples
        self.recent_loss_sum, self.recent_samples = 0.0, 0
        return loss_sum / samples if samples and not math.isnan(loss_sum) else None

    def train_epoch(self) -> Iterator[tuple[int, float]]:
        """Train one epoch, or the rest of it if a state was restored in its middle.

        Yields
        ------
        samples
            Number of samples seen in this epoch. The first yield is before any training, the
            others follow after each `portion`. The caller may read the state then.
        loss_sum
            Sum of their loss, in nats.
        """
        if self.samples_done == 0:
            self.loss_sum = self.seconds = 0.0
        samples = len(self.trained)
        order = self.trained[visiting_order(self.recipe, self.epochs_done + 1, samples)]
        portion = self.portion
        yield self.samples_done, self.loss_sum
        while self.samples_done < samples:
            started = time.perf_counter()
            indices = order[self.samples_done : self.samples_done + portion]
            loss_sum = self.train_samples(indices)
            self.loss_sum += loss_sum
            self.samples_done += len(indices)
            self.recent_loss_sum += loss_sum
            self.recent_samples += len(indices)
            self.seconds += time.perf_counter() - started
            yield self.samples_done, self.loss_sum
        self.epochs_done += 1
        self.samples_done = 0

    def note_validation(self, loss: float) -> None:
        """Take note of the validation loss after the latest epoch."""
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, self.epochs_done

    @property
    def stopped_early(self) -> bool:
        """Whether the validation loss has not improved for as many epochs as the recipe allows."""
        patience = self.recipe.early_stopping
        return patience is not None and self.epochs_done - self.best_epoch >= patience

    def state(self) -> dict[str, Array]:
        """Return what another process needs to continue to the same weights, byte for byte."""
        return {
            **self.arrays(),
            "position": np.array([self.epochs_done, self.samples_done], np.int64),
            "totals": np.array([self.loss_sum, self.seconds], np.float64),
            "recent": np.array([self.recent_loss_sum, self.recent_samples], np.float64),
            "best": np.array([self.best_loss, self.best_epoch], np.float64),
        }

    def restore(self, state: Mapping[str, Array]) -> None:
        """Continue from what `state` returned for the same recipe and data set."""
        self.set_arrays(state)
        self.epochs_done, self.samples_done = (int(number) for number in state["position"])
        self.loss_sum, self.seconds = (float(number) for number in state["totals"])
        # Checkpoints of earlier versions do not have these.
        best_loss, best_epoch = state.get("best", (math.inf, 0))
        self.best_loss, self.best_epoch = float(best_loss), int(best_epoch)
        recent_loss_sum, recent_samples = state.get("recent", (math.nan, 0))
        self.recent_loss_sum, self.recent_samples = float(recent_loss_sum), int(recent_samples)


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


@contextmanager
def out_of_memory_explained(recipe: Recipe) -> Iterator[None]:
    """Turn a lack of memory, even one while loading a library, into an OutOfDeviceMemoryError."""
    try:
        with memory.loading_explained():
            yield
    except MemoryError as error:
        raise out_of_memory(recipe, "the training", "give it more memory") from error


def out_of_memory(recipe: Recipe, who: str, remedy: str) -> OutOfDeviceMemoryError:
    """Make the error that names the fields on which a training's memory depends."""
    name, value = recipe.network_field
    return OutOfDeviceMemoryError(
        f"{who} ran out of memory with batch_size {recipe.batch_size} and {name} {value}: "
        f"choose a smaller batch_size or smaller {name}, or {remedy}"
    )
