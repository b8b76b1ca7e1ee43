"""A training from the first epoch to the last, as a stream of what a watcher wants to know.

On a CPU the same recipe, its seed included, gives the same weights, byte for byte, in any process
and after any interruption, given the same versions of NumPy, SciPy, Numba and torch and the same
kind of processor (its vector width decides in which order sums are formed). The number of cores
does not matter: each sum is formed by one thread. Cards name all that this depends on. On CUDA
sums may be formed in any order, and nothing is promised.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stepbox.data.dataset import Dataset
from stepbox.errors import DivergedError
from stepbox.memory import out_of_memory_explained
from stepbox.training.evaluation import evaluate
from stepbox.training.recipe import Recipe
from stepbox.training.trainer import Trainer


@dataclass(frozen=True)
class Progress:
    """How far a training has come.

    Attributes
    ----------
    epoch, epochs
        The epoch under way, from 1, and how many there will be.
    samples, samples_total
        Samples seen, and to be seen, over the whole training.
    fraction
        Their ratio, 0..1.
    eta_seconds
        Time left at the pace so far; None before there is one.
    """

    epoch: int
    epochs: int
    samples: int
    samples_total: int
    fraction: float
    eta_seconds: float | None


@dataclass(frozen=True)
class Epoch:
    """The figures at the end of an epoch.

    Attributes
    ----------
    epoch
        From 1; 0 is the untrained network.
    train_loss
        Mean over the epoch of each sample's loss as seen before its update, nats; None for 0.
    test_loss, test_accuracy
        Mean loss in nats and share of right answers, 0..1, on the test set.
    seconds
        Time spent training, without the evaluation.
    """

    epoch: int
    train_loss: float | None
    test_loss: float
    test_accuracy: float
    seconds: float


def make_trainer(recipe: Recipe, train_set: Dataset) -> Trainer:
    """Make the recipe's engine ready to train; torch is imported only where it is asked for."""
    with out_of_memory_explained(recipe):
        if recipe.engine == "torch":
            from stepbox.training.torch_trainer import make_torch_trainer

            return make_torch_trainer(recipe, train_set)
        from stepbox.training.numpy_trainer import NumpyTrainer

        return NumpyTrainer(recipe, train_set)


def train(trainer: Trainer, test_set: Dataset) -> Iterator[Progress | Epoch]:
    """Train to the recipe's last epoch, or go on from a restored state.

    Parameters
    ----------
    trainer
        Untrained, or restored to where it was.
    test_set
        What each epoch's network is evaluated on.

    Yields
    ------
    Progress | Epoch
        Epoch 0 first where nothing was trained yet, then Progress about every
        thousand samples and an Epoch at the end of each. The trainer's state may
        be taken at each of them.

    Raises
    ------
    DivergedError
        The loss is no longer finite.
    OutOfDeviceMemoryError
        The memory of the GPU or of the host is too small.
    """
    with out_of_memory_explained(trainer.recipe):
        yield from _train(trainer, test_set)


def _train(trainer: Trainer, test_set: Dataset) -> Iterator[Progress | Epoch]:
    recipe = trainer.recipe
    samples_an_epoch = len(trainer.train_set.labels)
    samples_total = recipe.epochs * samples_an_epoch
    started = time.perf_counter()
    samples_before = trainer.epochs_done * samples_an_epoch + trainer.samples_done
    if samples_before == 0:
        yield _finished_epoch(trainer, 0, test_set)
    for epoch in range(trainer.epochs_done + 1, recipe.epochs + 1):
        for samples_of_epoch, loss_sum in trainer.train_epoch():
            if not math.isfinite(loss_sum):
                raise _diverged(epoch, recipe)
            samples = (epoch - 1) * samples_an_epoch + samples_of_epoch
            pace = (samples - samples_before) / (time.perf_counter() - started)
            yield Progress(
                epoch=epoch,
                epochs=recipe.epochs,
                samples=samples,
                samples_total=samples_total,
                fraction=samples / samples_total,
                eta_seconds=(samples_total - samples) / pace if pace else None,
            )
        yield _finished_epoch(trainer, epoch, test_set)


def _finished_epoch(trainer: Trainer, epoch: int, test_set: Dataset) -> Epoch:
    with np.errstate(over="ignore", invalid="ignore"):  # seen just below
        evaluation = evaluate(trainer.network(), test_set, trainer.recipe.pixel_scale)
    if not math.isfinite(evaluation.loss):
        raise _diverged(epoch, trainer.recipe)
    return Epoch(
        epoch=epoch,
        train_loss=trainer.loss_sum / len(trainer.train_set.labels) if epoch else None,
        test_loss=evaluation.loss,
        test_accuracy=evaluation.accuracy,
        seconds=trainer.seconds,
    )


def _diverged(epoch: int, recipe: Recipe) -> DivergedError:
    return DivergedError(
        f"the loss became infinite in epoch {epoch} with learning_rate {recipe.learning_rate}: "
        "choose a smaller learning_rate"
    )
