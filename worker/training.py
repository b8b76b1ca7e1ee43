"""Run one job, from its claim to its published model."""

import logging
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

from jobs.claims import Claim
from jobs.connection import connect
from jobs.logs import about
from jobs.record import Status
from jobs.settings import Settings
from jobs.store import JobStore
from stepbox.data.builtin import load_dataset
from stepbox.errors import StepboxError
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.draft import describe
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.loop import make_trainer, train
from stepbox.training.report import HistoryEntry, LossEntry, Progress
from worker.checkpoints import Checkpoints
from worker.owner import dead_owners, this_process
from worker.reporter import JobCancelledError, LeaseLostError, Reporter, insist

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stores:
    """The stores that a worker reads and writes."""

    jobs: JobStore
    models: ModelStore
    checkpoints: CheckpointStore
    data_dir: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open the stores. The checkpoints are in a hidden subfolder of the models' folder."""
        return cls(
            JobStore(connect(settings)),
            ModelStore(settings.models_dir),
            CheckpointStore(settings.models_dir / ".checkpoints"),
            settings.data_dir,
        )


def run_next_job(stores: Stores, worker: str) -> None:
    """Claim the first queued job, if there is one, and run it to its end."""
    jobs = stores.jobs
    dead = insist(dead_owners, jobs)
    claim = insist(jobs.claim, this_process(), worker, dead, token_hex(8))
    if claim is None:
        log.info("no job is queued: a surplus token")
        return
    with about(claim.job, claim.request_id):
        log.info("job %s: claimed, attempt %s", claim.job, claim.fence)
        _run(stores, claim)


def _run(stores: Stores, claim: Claim) -> None:
    """Run a claimed job to its end."""
    jobs, models = stores.jobs, stores.models
    outcome: Status = "succeeded"
    problem = None
    with Reporter(jobs, claim) as reporter:
        try:
            model = claim.result
            if model is None or not (models.is_staged(model) or models.is_published(model)):
                model = _train_and_stage(stores, claim, reporter)
            # From the decision on, the labels do not change until the job has ended.
            models.publish(model, model, insist(jobs.get, claim.job).labels)
        except LeaseLostError:
            log.warning("job %s: lost to another worker", claim.job)
            return
        except JobCancelledError:
            outcome = "cancelled"
        except Exception as error:
            log.exception("job %s: failed", claim.job)
            outcome, problem = "failed", _problem(error)
    insist(jobs.finish, claim, outcome, problem)
    stores.checkpoints.drop(claim.job)
    log.info("job %s: %s", claim.job, outcome)


def _train_and_stage(stores: Stores, claim: Claim, reporter: Reporter) -> str:
    """Train the claimed job and stage its model; return the id of the model.

    Once Redis has stored the model's id, a later attempt only publishes this model. It trains again
    only if the model's files are gone.
    """
    recipe = claim.recipe
    assert recipe is not None  # the job is a training
    train_set = load_dataset(recipe.dataset, "train", stores.data_dir)
    test_set = load_dataset(recipe.dataset, "test", stores.data_dir)
    trainer = make_trainer(recipe, train_set)
    insist(stores.jobs.start, claim, trainer.device)
    untrained = trainer.network()
    checkpoints = Checkpoints(stores.checkpoints, claim, reporter)
    checkpoints.restore(trainer)
    for event in train(trainer, test_set):
        match event:
            case Progress():
                reporter.progress(event.model_dump())
                if checkpoints.due():
                    reporter.point(None, checkpoints.save(trainer))
            case LossEntry():
                reporter.loss(event.model_dump())
            case HistoryEntry():
                reporter.point(event.model_dump(), checkpoints.save(trainer))
    reporter.flush()
    # The record has the history and the losses of all attempts.
    record = insist(stores.jobs.get, claim.job)
    draft = describe(
        trainer, test_set, record.history, record.losses or (), id=new_model_id(), job=claim.job
    )
    stores.models.stage(draft.id, draft, trainer.network(), untrained)
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
        raise JobCancelledError if verdict == "cancel" else LeaseLostError
    return draft.id


def _problem(error: Exception) -> dict[str, Any]:
    """Say why a job failed, as a problem (RFC 9457). It names an unexpected error by type only."""
    if isinstance(error, (StepboxError, OSError, MemoryError)):
        detail = str(error) or "the worker ran out of memory"
    else:
        detail = f"an unexpected {type(error).__name__}; the worker's log has the details"
    return {"type": "about:blank", "title": "The training failed", "status": 500, "detail": detail}
