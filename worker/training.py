"""One job, from its claim to its model."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Self

from jobs.connection import connect
from jobs.logs import about
from jobs.record import Status
from jobs.settings import Settings
from jobs.store import Claim, JobStore
from stepbox.data.builtin import load_dataset
from stepbox.errors import StepboxError
from stepbox.store.card import CardDraft, ComputerReport, Cost
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.evaluation import evaluate
from stepbox.training.loop import Epoch, Progress, make_trainer, train
from worker.checkpoints import Checkpoints
from worker.owner import dead_owners, this_process
from worker.reporter import JobCancelledError, LeaseLostError, Reporter, insist

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stores:
    """Where a worker reads and writes."""

    jobs: JobStore
    models: ModelStore
    checkpoints: CheckpointStore
    data_dir: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Open them where the settings say; the checkpoints lie beside the models."""
        return cls(
            JobStore(connect(settings)),
            ModelStore(settings.models_dir),
            CheckpointStore(settings.models_dir / ".checkpoints"),
            settings.data_dir,
        )


def run_next_job(stores: Stores, worker: str) -> None:
    """Take the oldest waiting job, if any, and run it to its end."""
    jobs = stores.jobs
    dead = insist(dead_owners, jobs)
    claim = insist(jobs.claim, this_process(), worker, dead, token_hex(8))
    if claim is None:
        log.info("no job waits: a surplus token")
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
            model = claim.model
            if model is None or not (models.is_staged(model) or models.is_published(model)):
                model = _train_and_stage(stores, claim, reporter)
            models.publish(model, model)
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
    """Train what was claimed; returns the id of the model that is staged to be published.

    From the decision on no other attempt publishes another model for this job, and whoever takes
    it over only has to publish this one.
    """
    recipe = claim.recipe
    train_set = load_dataset(stores.data_dir, recipe.dataset, "train")
    test_set = load_dataset(stores.data_dir, recipe.dataset, "test")
    trainer = make_trainer(recipe, train_set)
    insist(stores.jobs.start, claim, trainer.device)
    untrained = trainer.network()
    checkpoints = Checkpoints(stores.checkpoints, claim, reporter)
    checkpoints.restore(trainer)
    for event in train(trainer, test_set):
        match event:
            case Progress():
                reporter.progress(asdict(event))
                if checkpoints.due():
                    reporter.point(None, checkpoints.save(trainer))
            case Epoch():
                reporter.point(asdict(event), checkpoints.save(trainer))
    network = trainer.network()
    evaluation = evaluate(network, test_set, recipe.pixel_scale)
    reporter.flush()
    record = insist(stores.jobs.get, claim.job)  # the one truth about the history, of all attempts
    peak_memory = trainer.peak_memory()
    draft = CardDraft(
        id=new_model_id(),
        job=claim.job,
        recipe=recipe,
        history=record.history,
        evaluation=evaluation,
        device=trainer.device,
        computer=ComputerReport.model_validate(trainer.computer()),
        cost=Cost(peak_memory=peak_memory, samples_per_second=record.samples_per_second),
    )
    stores.models.stage(draft.id, draft, network, untrained)
    verdict = insist(stores.jobs.decide, claim, draft.id, peak_memory)
    if verdict != "go on":
        stores.models.discard(draft.id)
        raise JobCancelledError if verdict == "cancel" else LeaseLostError
    return draft.id


def _problem(error: Exception) -> dict[str, Any]:
    """Say in a problem why a job failed; unexpected errors are told by their kind alone."""
    if isinstance(error, (StepboxError, OSError, MemoryError)):
        detail = str(error) or "the worker ran out of memory"
    else:
        detail = f"an unexpected {type(error).__name__}; the worker's log has the details"
    return {
        "type": "about:blank",
        "title": "The training failed",
        "status": 500,
        "detail": detail,
    }
