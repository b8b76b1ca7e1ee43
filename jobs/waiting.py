"""Why a queued job waits."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from jobs.routing import FIRST_CLASS, needs_in_words, schema_of
from stepbox.training.requirements import Requirements

Code = Literal[
    "no-worker",
    "worker-too-old",
    "no-such-worker",
    "draining",
    "stalled",
    "owner-cap",
    "workers-busy",
]


class WaitingFor(BaseModel):
    """What a queued job waits for."""

    code: Code = Field(
        description="`no-worker`: no worker is alive. `worker-too-old`: all are of an earlier "
        "version, which does not understand the job. `no-such-worker`: none has what it requires. "
        "`draining`: those that may run it take no more jobs. `stalled`: nor do the others that "
        "may run it, because they wait for the store or have stalled. `owner-cap`: its owner runs "
        "as many jobs as it may. `workers-busy`: it starts when a worker is free and it is its "
        "turn."
    )
    detail: str = Field(description="The same as a sentence, with the details.")


class QueueView(NamedTuple):
    """What queued jobs wait for, at one moment.

    Attributes
    ----------
    workers
        The descriptions of the workers that are alive, and whether each is draining. Those of
        version 0.2.0 do not say which classes they take.
    running
        Number of running jobs of each owner that has any; the owner of jobs without one is ''.
    """

    workers: Sequence[Mapping[str, Any]]
    running: Mapping[str, int]

    def why(self, record: Mapping[str, str]) -> WaitingFor:
        """Say what the queued job with this record waits for."""
        return _why_it_waits(
            record.get("class", FIRST_CLASS),
            Requirements.model_validate_json(record.get("requires", "{}"), extra="ignore"),
            self.workers,
            self.running.get(record.get("submitted_by", ""), 0),
        )


def _why_it_waits(
    job_class: str,
    requires: Requirements,
    workers: Sequence[Mapping[str, Any]],
    owner_running: int,
) -> WaitingFor:
    if not workers:
        return WaitingFor(code="no-worker", detail="no worker is alive")
    able = [one for one in workers if job_class in one.get("classes", [FIRST_CLASS])]
    if not able:
        return _no_able_worker(job_class, requires, workers)
    staying = [one for one in able if not one["draining"]]
    if not staying:
        return WaitingFor(
            code="draining", detail="all workers that may run it are draining: they take no jobs"
        )
    taking = [one for one in staying if not one.get("stalled")]
    if not taking:
        faults = "; ".join(f"{one['name']} {one['stalled']}" for one in staying)
        return WaitingFor(code="stalled", detail=f"no worker that may run it takes jobs: {faults}")
    most = [one.get("owner_running", 0) for one in taking]
    if all(0 < limit <= owner_running for limit in most):
        running = "1 job" if owner_running == 1 else f"{owner_running} jobs"
        return WaitingFor(
            code="owner-cap",
            detail=f"its owner already runs {running}, which is the most (STEPBOX_OWNER_RUNNING)",
        )
    return WaitingFor(
        code="workers-busy", detail="it starts when a worker is free and it is its turn"
    )


def _no_able_worker(
    job_class: str, requires: Requirements, workers: Sequence[Mapping[str, Any]]
) -> WaitingFor:
    """Say why no worker that is alive may run a job."""
    needed, newest = schema_of(job_class), max(one.get("schema", 1) for one in workers)
    if newest < needed:
        return WaitingFor(
            code="worker-too-old",
            detail=f"needs a worker that reads version {needed} of job records, and those that are "
            f"alive read up to version {newest}: upgrade a worker",
        )
    return WaitingFor(
        code="no-such-worker",
        detail=f"needs a worker with {needs_in_words(requires)}, and none that is alive has that",
    )
