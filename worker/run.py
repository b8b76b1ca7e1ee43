"""Run one job, from its claim to its end."""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from secrets import token_hex
from typing import Any

from jobs.claim import Claim
from jobs.logs import about
from jobs.record import Kind, Status
from jobs.routing import NEW_KINDS, class_of
from jobs.watch import Cause
from stepbox.errors import InvalidInputError, StepboxError, UnavailableError
from stepbox.memory import loading_explained
from worker.availability import store_answers
from worker.device import device_is_lost, lose_device
from worker.owner import dead_owners, this_process
from worker.reporter import (
    JobCancelledError,
    JobParkedError,
    LeaseLostError,
    Reporter,
    TrialPrunedError,
    insist,
)
from worker.reproducing import reproduce
from worker.stores import Stores
from worker.tokens import announce
from worker.training import WrongDeviceError, train_and_publish
from worker.trial import run_trial

log = logging.getLogger(__name__)


def _import(stores: Stores, claim: Claim, reporter: Reporter) -> None:
    """Run an import. Only now load its modules: the readers are a third of all that a worker loads.

    So a worker that only trains takes less memory.
    """
    with loading_explained():
        from worker.importing import import_and_publish

    import_and_publish(stores, claim, reporter)


def _predict(stores: Stores, claim: Claim, reporter: Reporter) -> None:
    """Run a prediction. Only now load what writes its files."""
    with loading_explained():
        from worker.predicting import predict_and_publish

    predict_and_publish(stores, claim, reporter)


def _sweep(stores: Stores, claim: Claim, reporter: Reporter) -> Mapping[str, str]:
    """Advance a sweep. Only now load its modules: a worker that only trains needs no Optuna."""
    with loading_explained():
        from worker.sweep import advance

    return advance(stores, claim, reporter)


def _train(stores: Stores, claim: Claim, reporter: Reporter) -> Mapping[str, str] | None:
    """Run a training, a trial of a sweep, or the training of a model again."""
    if claim.reproduces is not None:
        return reproduce(stores, claim, reporter)
    run = run_trial if claim.is_trial else train_and_publish
    run(stores, claim, reporter)
    return None


# What they return are further fields of the record.
RUN: Mapping[Kind, Callable[[Stores, Claim, Reporter], Mapping[str, str] | None]] = {
    "train": _train,
    "import": _import,
    "predict": _predict,
    "sweep": _sweep,
}
FAILURES: Mapping[Kind, str] = {
    "train": "The training failed",
    "import": "The import failed",
    "predict": "The prediction failed",
    "sweep": "The sweep failed",
}


def run_next_job(stores: Stores, worker: str) -> None:
    """Claim the next job of this worker, if there is one, and run it to its end."""
    jobs = stores.jobs
    if device_is_lost() or not store_answers(stores):
        return  # another token comes
    dead = insist(dead_owners, jobs)
    claim = insist(jobs.claim, this_process(), worker, dead, token_hex(8))
    if claim is None:
        log.info("no job is queued that this worker may run: a surplus token")
        return
    with about(claim.job, claim.request_id):
        log.info("job %s: claimed, attempt %s", claim.job, claim.fence)
        _run(stores, claim)


def _run(stores: Stores, claim: Claim) -> None:
    """Run a claimed job to its end."""
    outcome: Status = "succeeded"
    problem = None
    fields: Mapping[str, str] = {}
    given_back: tuple[Cause, str] | None = None
    with Reporter(stores.jobs, claim) as reporter:
        try:
            fields = RUN[claim.kind](stores, claim, reporter) or {}
        except LeaseLostError:
            log.warning("job %s: lost to another worker", claim.job)
            return
        except JobParkedError:
            log.info("job %s: waits for its trials", claim.job)
            return
        except JobCancelledError:
            outcome = "cancelled"
        except TrialPrunedError:
            outcome, fields = "cancelled", {"pruned": "1"}
        except UnavailableError as error:
            log.warning("job %s: given back, because %s", claim.job, error.why)
            given_back = "store", error.why if error.refused else ""
        except WrongDeviceError as error:
            log.warning("job %s: given back, because %s", claim.job, error)
            lose_device()
            given_back = "process", ""
        except InvalidInputError as error:  # what the user gave is wrong, not the worker
            log.info("job %s: failed: %s", claim.job, error)
            outcome, problem = "failed", _problem(claim.kind, 422, _faults(error))
        except Exception as error:
            log.exception("job %s: failed", claim.job)
            outcome, problem = "failed", _problem(claim.kind, 500, _detail(error))
    if given_back:
        insist(stores.jobs.give_back, claim, *given_back)
        return
    if insist(stores.jobs.finish, claim, outcome, problem, fields) == "lost":
        log.warning("job %s: lost to another worker", claim.job)
        return
    with suppress(OSError, UnavailableError):  # the sweep removes what is left
        stores.drop(claim.job)
    log.info("job %s: %s", claim.job, outcome)
    if claim.sweep:
        announce(class_of(claim.requires, NEW_KINDS))  # its sweep may wait for it


def _faults(error: InvalidInputError) -> str:
    """Name all faults, each with its place if it has one."""
    return "; ".join(
        f"{pointer}: {detail}" if pointer else detail for pointer, detail in error.faults
    )


def _detail(error: Exception) -> str:
    """Say why a job failed; an unexpected error is named by its type only."""
    if isinstance(error, (StepboxError, OSError, MemoryError)):
        return str(error) or "the worker ran out of memory"
    return f"an unexpected {type(error).__name__}; the worker's log has the details"


def _problem(kind: Kind, status: int, detail: str) -> dict[str, Any]:
    """Describe a failure as a problem (RFC 9457)."""
    return {"type": "about:blank", "title": FAILURES[kind], "status": status, "detail": detail}
