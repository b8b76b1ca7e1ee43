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

import numpy as np

from stepbox.data.dataset import Dataset
from stepbox.errors import DivergedError
from stepbox.memory import out_of_memory_explained
from stepbox.nn.losses import cross_entropy
from stepbox.training.evaluation import assess, predict_logits
from stepbox.training.recipe import Recipe
from stepbox.training.report import HistoryEntry, Progress
from stepbox.training.trainer import Trainer


def make_trainer(recipe: Recipe, train_set: Dataset, *, compiled: bool = True) -> Trainer:
    """Make the recipe's engine ready to train; torch is imported only if the recipe needs it.

    Parameters
    ----------
    recipe, train_set
        What to train, and on which samples.
    compiled
        False runs the readable definition instead of its compiled form (engine ``numpy``).
    """
    with out_of_memory_explained(recipe):
        if recipe.engine == "torch":
            from stepbox.training.torch_trainer import make_torch_trainer

            return make_torch_trainer(recipe, train_set)
        from stepbox.training.numpy_trainer import NumpyTrainer

        return NumpyTrainer(recipe, train_set, compiled=compiled)


def train(trainer: Trainer, test_set: Dataset) -> Iterator[Progress | HistoryEntry]:
    """Train to the recipe's last epoch, or go on from a restored state.

    Parameters
    ----------
    trainer
        Untrained, or restored to where it was.
    test_set
        What each epoch's network is evaluated on.

    Yields
    ------
    Progress | HistoryEntry
        The entry of epoch 0 first, if nothing was trained yet; then Progress about every thousand
        samples, and an entry at the end of each epoch. The trainer's state may be taken at each
        of them, and `Trainer.evaluation` is that of the last entry.

    Raises
    ------
    DivergedError
        The loss is no longer finite.
    OutOfDeviceMemoryError
        The memory of the GPU or of the host is too small.
    """
    with out_of_memory_explained(trainer.recipe):
        yield from _train(trainer, test_set)


def _train(trainer: Trainer, test_set: Dataset) -> Iterator[Progress | HistoryEntry]:
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


def _finished_epoch(trainer: Trainer, epoch: int, test_set: Dataset) -> HistoryEntry:
    with np.errstate(over="ignore", invalid="ignore"):  # the check below reports it
        logits = predict_logits(trainer.network(), test_set.images, trainer.recipe.pixel_scale)
        loss = cross_entropy(logits.astype(np.float64), test_set.labels).mean()
    if not math.isfinite(loss):
        raise _diverged(epoch, trainer.recipe)
    trainer.evaluation = evaluation = assess(logits, test_set.labels)
    return HistoryEntry(
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
