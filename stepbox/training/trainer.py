"""The interface of an engine, and what engines share: sample order, state, and memory errors."""

import math
import time
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox import memory
from stepbox.analysis.inspection import Predictions
from stepbox.data.dataset import Dataset
from stepbox.errors import OutOfDeviceMemoryError
from stepbox.nn.activations import Array
from stepbox.nn.network import Network
from stepbox.training.augmentation_loops import CompiledAugmenter
from stepbox.training.computer import ComputerReport
from stepbox.training.course import Course
from stepbox.training.evaluation import EvaluationReport
from stepbox.training.recipe import Recipe
from stepbox.training.step_record import Recorder


class Trainer(Course, ABC):
    """One training of a recipe: its course, its network, and how far it has come.

    To add an engine, implement the abstract methods. `NumpyTrainer` is the shorter example.

    Attributes
    ----------
    device
        The device that it trains on: ``cpu`` or ``cuda``.
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
    best_loss, best_epoch
        The lowest validation loss so far, in nats, and the first epoch that had it.
    evaluation
        The evaluation of the network after the latest epoch; None until `loop.train` evaluates it.
    predictions, predicted_epoch
        What the network predicted for the test set in the latest evaluation, and the epoch after
        which it did; None and 0 until there is one.
    recorder
        Keeps a record of the steps; None keeps nothing.
    frame_steps
        The steps after which `train_epoch` also stops, in order.
    """

    device: str

    def __init__(self, recipe: Recipe, train_set: Dataset, start: Network | None = None) -> None:
        memory.reset_peak()
        super().__init__(recipe, train_set, CompiledAugmenter)
        self._start = start
        self.epochs_done = 0
        self.samples_done = 0
        self.loss_sum = 0.0
        self.seconds = 0.0
        self.recent_loss_sum = 0.0
        self.recent_samples = 0
        self.best_loss, self.best_epoch = math.inf, 0
        self.evaluation: EvaluationReport | None = None
        self.predictions: Predictions | None = None
        self.predicted_epoch = 0
        self.recorder: Recorder | None = None
        self.frame_steps: tuple[int, ...] = ()

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
    def train_samples(self, indices: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
        """Train on these samples in order, batch by batch.

        Parameters
        ----------
        indices
            Indices of the samples, shape (n,): at most a portion.

        Returns
        -------
        losses
            Shape (n,), float64: the loss of each sample before its update, in nats: the
            cross-entropy, times the weight of the class.
        wrong
            Shape (n,): whether it was classified wrongly.
        """

    @abstractmethod
    def parameters(self) -> dict[str, Array]:
        """Return the parameters, named as in `Network.named_arrays`.

        They are those of `network`, except that a standardization of the inputs is not folded in.
        They may change with the next step.
        """

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

    @property
    def next_step(self) -> int:
        """Number of the next step, whenever `train_epoch` stops."""
        steps_of_epoch = -(-self.samples_done // self.recipe.batch_size)
        return self.epochs_done * self.steps_per_epoch + steps_of_epoch + 1

    def next_samples(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return the samples of the next portion, augmented as the recipe says."""
        return self.varied(indices, self.epochs_done + 1, self.samples_done)

    def next_rates(self, samples: int) -> Array:
        """Return the learning rate of each batch of the next samples, shape (batches,)."""
        return self.learning_rates(self.next_step, -(-samples // self.recipe.batch_size))

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
            others follow after each `portion`, and after each of the `frame_steps`. The caller may
            read the state then.
        loss_sum
            Sum of their loss, in nats.
        """
        if self.samples_done == 0:
            self.loss_sum = self.seconds = 0.0
        samples = len(self.trained)
        order = self.order(self.epochs_done + 1)
        # It has room for the epochs of the recipe.
        recorder = self.recorder if self.epochs_done < self.recipe.epochs else None
        yield self.samples_done, self.loss_sum
        while self.samples_done < samples:
            started = time.perf_counter()
            indices = order[self.samples_done : self._next_stop()]
            step = self.next_step
            if recorder is not None and not self.within_portion and recorder.due(step):
                with np.errstate(over="ignore", invalid="ignore"):  # the loss shows a divergence
                    recorder.keep_parameters(step, self.parameters())
            losses, wrong = self.train_samples(indices)
            if recorder is not None:
                recorder.keep_losses(losses, wrong)
            loss_sum = float(losses.sum())
            self.loss_sum += loss_sum
            self.samples_done += len(indices)
            self.recent_loss_sum += loss_sum
            self.recent_samples += len(indices)
            self.seconds += time.perf_counter() - started
            yield self.samples_done, self.loss_sum
        self.epochs_done += 1
        self.samples_done = 0

    @property
    def within_portion(self) -> bool:
        """Whether `train_epoch` has stopped before the end of a portion, for a frame."""
        return self.samples_done % self.portion != 0 and self.samples_done < len(self.trained)

    def _next_stop(self) -> int:
        """Return the number of samples of this epoch after which to stop next, or more."""
        stop = (self.samples_done // self.portion + 1) * self.portion
        following = bisect_left(self.frame_steps, self.next_step)
        for step in self.frame_steps[following : following + 1]:
            step_of_epoch = step - self.epochs_done * self.steps_per_epoch
            stop = min(stop, step_of_epoch * self.recipe.batch_size)
        return stop

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
        """Continue from what `state` returned for the same recipe and data set.

        The state does not contain the record of the steps. It goes on if the recorder has all steps
        so far; otherwise nothing is kept.
        """
        self.set_arrays(state)
        self.epochs_done, self.samples_done = (int(number) for number in state["position"])
        self.loss_sum, self.seconds = (float(number) for number in state["totals"])
        # Checkpoints of earlier versions do not have these.
        best_loss, best_epoch = state.get("best", (math.inf, 0))
        self.best_loss, self.best_epoch = float(best_loss), int(best_epoch)
        recent_loss_sum, recent_samples = state.get("recent", (math.nan, 0))
        self.recent_loss_sum, self.recent_samples = float(recent_loss_sum), int(recent_samples)
        if self.recorder is not None and self.recorder.steps_done != self.next_step - 1:
            self.recorder = None


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
