"""The card of a finished training's model."""

from collections.abc import Sequence

from stepbox.data.dataset import Dataset
from stepbox.store.card import CardDraft, Cost
from stepbox.training.evaluation import evaluate
from stepbox.training.report import HistoryEntry, LossEntry
from stepbox.training.trainer import Trainer


def describe(
    trainer: Trainer,
    test_set: Dataset,
    history: Sequence[HistoryEntry],
    losses: Sequence[LossEntry],
    *,
    id: str,
    job: str,
    submitted_by: str | None = None,
) -> CardDraft:
    """Make the card of a finished training's model.

    Parameters
    ----------
    trainer
        The trainer, at the end of its last epoch.
    test_set
        The samples for the evaluation; not used if the trainer has an evaluation.
    history
        The entries of all epochs, including those of earlier attempts.
    losses
        The train losses within the epochs, likewise.
    id, job
        Ids of the model, and of the job that trained it.
    submitted_by
        The owner of both; None if nobody is.
    """
    recipe = trainer.recipe
    evaluation = trainer.evaluation or evaluate(trainer.network(), test_set, recipe.pixel_scale)
    seconds = sum(entry.seconds for entry in history)
    samples = sum(entry.epoch > 0 for entry in history) * len(trainer.trained)
    return CardDraft(
        id=id,
        job=job,
        submitted_by=submitted_by,
        recipe=recipe,
        dataset=trainer.train_set.spec,
        history=tuple(history),
        losses=tuple(losses),
        evaluation=evaluation,
        device=trainer.device,
        computer=trainer.computer(),
        cost=Cost(
            peak_memory=trainer.peak_memory(),
            samples_per_second=samples / seconds if seconds else None,
        ),
    )
