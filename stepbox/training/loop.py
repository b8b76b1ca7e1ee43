"""The loop over the epochs of a training, which yields events.

On a CPU, the same recipe with the same seed gives the same weights, byte for byte, in any process
and after any interruption. This requires the same versions of NumPy, SciPy, Numba and torch, and
the same kind of processor, because its vector width determines the order of sums. The number of
cores does not matter: a fixed number of threads computes each sum. A model's card names all of
these except the version of SciPy. On CUDA, the order of sums can vary, and so can the last bits of
the weights.
"""

import math
import time
from collections.abc import Iterator
from importlib.util import find_spec
from typing import assert_never

import numpy as np

from stepbox.analysis.inspection import Predictions
from stepbox.data.dataset import Dataset
from stepbox.errors import DivergedError, StepboxError
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network
from stepbox.training.evaluation import assess, dataset_logits, loss_and_accuracy
from stepbox.training.frames import frame_steps, make_frame
from stepbox.training.recipe import Recipe
from stepbox.training.report import Frame, HistoryEntry, LossEntry, Progress
from stepbox.training.step_record import Recorder
from stepbox.training.trainer import Trainer, out_of_memory_explained

MOST_LOSSES = 600  # of a training: enough for a smooth curve, and 50 kB in a model's card


def make_trainer(
    recipe: Recipe, train_set: Dataset, start: Network | None = None, *, compiled: bool = True
) -> Trainer:
    """Make the trainer of a recipe's engine. Torch is imported only if the recipe needs it.

    Parameters
    ----------
    recipe, train_set
        The recipe, and the training samples.
    start
        The network of the model that the recipe continues; see `Recipe.check_start`.
    compiled
        False runs the readable definition instead of its compiled form (engine ``numpy``).

    Raises
    ------
    StepboxError
        The engine is ``torch``, and PyTorch is not installed.
    OutOfDeviceMemoryError
        The GPU or the host has too little memory.
    """
    with out_of_memory_explained(recipe):
        trainer = _trainer_of_engine(recipe, train_set, start, compiled=compiled)
        trainer.recorder = Recorder.of(trainer, trainer.parameters())
        trainer.frame_steps = frame_steps(trainer)
        return trainer


def _trainer_of_engine(
    recipe: Recipe, train_set: Dataset, start: Network | None, *, compiled: bool
) -> Trainer:
    if recipe.engine == "torch":
        if find_spec("torch") is None:
            raise StepboxError("the engine 'torch' needs PyTorch: pip install '.[torch]'")
        from stepbox.training.torch_trainer import make_torch_trainer

        return make_torch_trainer(recipe, train_set, start)
    if recipe.engine == "numpy":
        from stepbox.training.numpy_trainer import NumpyTrainer

        return NumpyTrainer(recipe, train_set, start, compiled=compiled)
    assert_never(recipe.engine)


def train(
    trainer: Trainer, test_set: Dataset | None
) -> Iterator[Progress | LossEntry | Frame | HistoryEntry]:
    """Train to the recipe's last epoch, or until `Trainer.stopped_early`.

    It starts at the beginning, or from a restored state. The result is the network after the last
    epoch that it trained, not the one with the lowest validation loss.

    Parameters
    ----------
    trainer
        Untrained, or with a restored state.
    test_set
        The samples on which the network is evaluated after each epoch. With None, it is evaluated
        only on those held out for validation, and there are no frames.

    Yields
    ------
    Progress | LossEntry | Frame | HistoryEntry
        First the entry of epoch 0, if nothing was trained before; then a Progress about every
        thousand samples, and an entry at the end of each epoch. A LossEntry comes before every
        n-th Progress, and before the last. The smallest n is chosen for which a training has at
        most `MOST_LOSSES`; up to 10 epochs of 60,000 samples, it is 1. A Frame comes after each of
        the `Trainer.frame_steps`, and at the end of a training that stopped early. After each
        event, the caller may read the trainer's state. `Trainer.evaluation` is that of the latest
        entry, if there is a test set.

    Raises
    ------
    DivergedError
        The loss or a parameter is no longer finite.
    OutOfDeviceMemoryError
        The GPU or the host has too little memory.
    """
    recipe = trainer.recipe
    if test_set is None:
        trainer.frame_steps = ()
    with out_of_memory_explained(recipe):
        samples_an_epoch = len(trainer.trained)
        samples_total = recipe.epochs * samples_an_epoch
        reports_an_epoch = trainer.portions_per_epoch
        spacing = -(-recipe.epochs * reports_an_epoch // MOST_LOSSES)  # in reports
        started = time.perf_counter()
        samples_before = trainer.epochs_done * samples_an_epoch + trainer.samples_done
        if samples_before == 0:
            yield _finished_epoch(trainer, 0, test_set)
        for epoch in range(trainer.epochs_done + 1, recipe.epochs + 1):
            if trainer.stopped_early:
                if trainer.frame_steps:
                    yield _frame(trainer, epoch, test_set)  # the last state always has one
                return
            for samples_of_epoch, loss_sum in trainer.train_epoch():
                if not math.isfinite(loss_sum):
                    raise _diverged(epoch, recipe)
                # The start of an epoch is the end of the epoch before, which had its frame.
                is_new = samples_of_epoch > 0 or epoch == 1
                if is_new and trainer.next_step - 1 in trainer.frame_steps:
                    yield _frame(trainer, epoch, test_set)
                if trainer.within_portion:
                    continue
                samples = (epoch - 1) * samples_an_epoch + samples_of_epoch
                report = (epoch - 1) * reports_an_epoch + -(-samples_of_epoch // trainer.portion)
                if report % spacing == 0 or samples == samples_total:
                    loss = trainer.take_recent_loss()
                    if loss is not None:
                        yield LossEntry(samples=samples, train_loss=loss)
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


def _frame(trainer: Trainer, epoch: int, test_set: Dataset | None) -> Frame:
    assert test_set is not None  # otherwise there are no frames
    frame = make_frame(trainer, trainer.network(), test_set, trainer.next_step - 1)
    if frame is None:
        raise _diverged(epoch, trainer.recipe)
    return frame


def _finished_epoch(trainer: Trainer, epoch: int, test_set: Dataset | None) -> HistoryEntry:
    logits, loss, evaluation = None, 0.0, None
    with np.errstate(over="ignore", invalid="ignore"):  # the check below reports it
        network = trainer.network()
        if test_set is not None:
            logits = dataset_logits(network, test_set, trainer.recipe.pixel_scale)
            logits = logits.astype(np.float64)
            loss = cross_entropy(logits, test_set.labels).mean()
        validation_loss, validation_accuracy = _validated(trainer, network)
    # ReLU turns what is not a number into 0, so the loss alone may not show it.
    finite = all(np.isfinite(array).all() for array in network.named_arrays().values())
    if not (finite and math.isfinite(loss) and math.isfinite(validation_loss or 0)):
        raise _diverged(epoch, trainer.recipe)
    if validation_loss is not None:
        trainer.note_validation(validation_loss)
    if test_set is not None and logits is not None:
        trainer.predictions, trainer.predicted_epoch = Predictions.of(logits), epoch
        evaluation = assess(logits, test_set.labels, trainer.predictions)
        trainer.evaluation = evaluation
    return HistoryEntry(
        epoch=epoch,
        train_loss=trainer.loss_sum / len(trainer.trained) if epoch else None,
        test_loss=evaluation and evaluation.loss,
        test_accuracy=evaluation and evaluation.accuracy,
        seconds=trainer.seconds,
        validation_loss=validation_loss,
        validation_accuracy=validation_accuracy,
        test_balanced_accuracy=evaluation and evaluation.balanced_accuracy,
        test_macro_f1=evaluation and evaluation.macro_f1,
        test_top5_accuracy=evaluation and evaluation.top5_accuracy,
    )


def _validated(trainer: Trainer, network: Network) -> tuple[float, float] | tuple[None, None]:
    """Return the mean cross-entropy and the accuracy on the samples held out, if there are any."""
    held_out = trainer.held_out
    if not len(held_out):
        return None, None
    return loss_and_accuracy(network, trainer.train_set, trainer.recipe.pixel_scale, held_out)


def _diverged(epoch: int, recipe: Recipe) -> DivergedError:
    return DivergedError(
        f"the training diverged in epoch {epoch} with learning_rate {recipe.learning_rate}: "
        "choose a smaller learning_rate"
    )
