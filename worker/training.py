"""Run a training: from its recipe to its published model."""

from collections.abc import Callable

from jobs.claim import Claim
from stepbox.data.dataset import Dataset
from stepbox.errors import InvalidInputError, NotFoundError, StepboxError
from stepbox.nn.network import Network
from stepbox.store.draft import describe
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.loop import make_trainer, train
from stepbox.training.recipe import Recipe
from stepbox.training.report import Frame, HistoryEntry, LossEntry, Progress
from stepbox.training.trainer import Trainer
from worker.checkpoints import Checkpoints
from worker.reporter import Reporter, insist, obey
from worker.stores import Stores


class WrongDeviceError(StepboxError):
    """The worker trains on another device than the job requires, and than it has found."""


def train_and_publish(stores: Stores, claim: Claim, reporter: Reporter) -> None:
    """Run the claimed training, and make its model visible."""
    models, model = stores.models, claim.result
    if model is None or not (models.is_staged(model) or models.is_published(model)):
        model = _train_and_stage(stores, claim, reporter)
    # From the decision on, the labels do not change until the job has ended.
    models.publish(model, model, insist(stores.jobs.get, claim.job).labels)


def prepare(stores: Stores, claim: Claim) -> Trainer:
    """Make the trainer of a claimed training, on the device that it requires."""
    recipe = claim.recipe
    assert recipe is not None  # the job is a training
    train_set = stores.datasets.load(recipe.dataset, "train")
    trainer = make_trainer(recipe, train_set, _start(stores.models, recipe))
    wanted = claim.requires.device
    if wanted is not None and trainer.device != wanted:
        raise WrongDeviceError(f"it requires {wanted}, but trains on {trainer.device} here")
    insist(stores.jobs.start, claim, trainer.device)
    return trainer


def run_epochs(
    trainer: Trainer,
    test_set: Dataset | None,
    checkpoints: Checkpoints,
    reporter: Reporter,
    after_epoch: Callable[[], None] = lambda: None,
) -> None:
    """Train from the last checkpoint to the end, and report everything.

    Parameters
    ----------
    trainer
        Untrained.
    test_set
        See `stepbox.training.loop.train`.
    checkpoints, reporter
        Those of the attempt.
    after_epoch
        Called after each epoch, and for that of the checkpoint; it may end the training by an
        error.
    """
    checkpoints.restore(trainer)
    after_epoch()
    for event in train(trainer, test_set):
        match event:
            case Progress():
                reporter.progress(event.model_dump())
                if checkpoints.due():
                    checkpoints.save(trainer)
            case LossEntry():
                reporter.loss(event.model_dump())
            case Frame():
                reporter.frame(event.model_dump())
            case HistoryEntry():
                checkpoints.save(trainer, event)
                after_epoch()
    checkpoints.wait()
    reporter.flush()


def _train_and_stage(stores: Stores, claim: Claim, reporter: Reporter) -> str:
    """Train the claimed job and stage its model; return the id of the model.

    Once Redis has stored the model's id, a later attempt only publishes this model. It trains again
    only if the model's files are gone.
    """
    recipe = claim.recipe
    assert recipe is not None  # the job is a training
    trainer = prepare(stores, claim)
    test_set = stores.datasets.load(recipe.dataset, "test")
    untrained = trainer.network()
    with Checkpoints(stores.checkpoints, claim, reporter) as checkpoints:
        run_epochs(trainer, test_set, checkpoints, reporter)
    # The record has the history and the losses of all attempts.
    record = insist(stores.jobs.get, claim.job)
    draft = describe(
        trainer,
        test_set,
        record.history,
        record.losses or (),
        id=new_model_id(),
        job=claim.job,
        submitted_by=record.submitted_by,
    )
    steps = None if trainer.recorder is None else trainer.recorder.record()
    stores.models.stage(draft.id, draft, trainer.network(), untrained, steps)
    assert draft.cost is not None  # `describe` measures it
    verdict = insist(
        stores.jobs.decide,
        claim,
        draft.id,
        peak_memory=draft.cost.peak_memory,
        better_than_guessing=draft.evaluation.better_than_guessing,
    )
    if verdict != "go on":
        stores.models.discard(draft.id)
    obey(verdict)
    return draft.id


def _start(models: ModelStore, recipe: Recipe) -> Network | None:
    """Return the network of the model that a recipe continues, if it does."""
    if recipe.from_model is None:
        return None
    try:
        return models.load(recipe.from_model)[1]
    except NotFoundError as error:  # deleted since the job was accepted
        raise InvalidInputError.at("/from_model", str(error)) from None
