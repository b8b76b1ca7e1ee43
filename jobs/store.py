"""Jobs in Redis: every change of a record is one Lua script in ``jobs/lua``."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from secrets import token_hex
from typing import Any, Literal, cast

from jobs.compact import pack
from jobs.measures import Measures
from jobs.queue import QUEUE
from jobs.reader import JobReader
from jobs.record import FINAL, Job, Status
from jobs.watch import Death, Look
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError, StepboxError
from stepbox.training.recipe import Recipe

IDEMPOTENCY_KEPT_S = 24 * 3600
WORKER_ALIVE_S = 5

Verdict = Literal["go on", "cancel", "lost"]


class QueueFullError(StepboxError):
    """As many jobs wait as may wait at once."""


@dataclass(frozen=True)
class Claim:
    """The right to run a job, valid while no later claim has a higher fence."""

    job: str
    fence: str
    recipe: Recipe
    model: str | None  # decided by an earlier attempt, still to be published
    checkpoint: str | None  # reached by an earlier attempt
    request_id: str | None  # of the request that submitted the job


class JobStore(JobReader):
    """All that can be done with jobs."""

    # -- what clients do ------------------------------------------------------------------

    def submit(
        self,
        recipe: Recipe,
        *,
        samples: int,
        queue_limit: int,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> Job:
        """Create a job, or find the one that the same idempotency key created.

        Parameters
        ----------
        recipe
            What is to be trained.
        samples
            Training images of one epoch.
        queue_limit
            Jobs that may wait at once.
        idempotency_key
            Chosen by the client, remembered for a day.
        request_id
            Of the request that asks for it; the job's log lines will bear it.

        Raises
        ------
        QueueFullError
            As many jobs wait already.
        InvalidInputError
            The key came before with another recipe.
        """
        fields = recipe.model_dump_json()
        progress = {
            "epoch": 0,
            "epochs": recipe.epochs,
            "samples": 0,
            "samples_total": recipe.epochs * samples,
            "fraction": 0.0,
            "eta_seconds": None,
        }
        outcome, id = self._run(
            "submit",
            token_hex(8),
            fields,
            json.dumps(progress),
            queue_limit,
            idempotency_key or "",
            hashlib.sha256(fields.encode()).hexdigest(),
            IDEMPOTENCY_KEPT_S,
            request_id or "",
        )
        if outcome == "full":
            raise QueueFullError(f"{queue_limit} jobs are waiting already; try again later")
        if outcome == "differs":
            raise InvalidInputError.at(
                "/Idempotency-Key", f"was used before, with another body, for job {id}"
            )
        return self.get(id)

    def cancel(self, id: str) -> Job:
        """Cancel a waiting job at once, or tell a running one to stop.

        Raises
        ------
        NotFoundError
            There is no such job.
        ConflictError
            It is over.
        """
        outcome = self._run("cancel", id)
        if outcome == "unknown":
            raise NotFoundError(f"no job has the id {id!r}")
        job = self.get(id)
        if outcome == "over":
            raise ConflictError(f"job {id} is over: it has {job.status}")
        return job

    def delete(self, id: str) -> None:
        """Forget a job that is over, and its events; its model stays.

        Raises
        ------
        NotFoundError
            There is no such job.
        ConflictError
            It waits or runs.
        """
        outcome = self._run("delete", id)
        if outcome == "unknown":
            raise NotFoundError(f"no job has the id {id!r}")
        if outcome != "deleted":
            raise ConflictError(f"job {id} is {outcome}: cancel it, then delete it once it is over")

    def queue_length(self) -> int:
        """Count the jobs that wait."""
        return self.redis.zcard("jobs:queued")

    def workers(self) -> list[dict[str, Any]]:
        """List the workers that were heard of in the last seconds, as they describe themselves."""
        return [json.loads(description) for description in self._run("workers", WORKER_ALIVE_S)]

    def measure(self) -> Measures:
        """Take the measures of the queue and of what has been counted, all at one moment."""
        return Measures.from_answer(self._run("measure", WORKER_ALIVE_S))

    # -- what workers do ------------------------------------------------------------------

    def claim(
        self,
        owner: Mapping[str, Any],
        worker: str,
        dead: Iterable[Death] = (),
        call: str = "",
    ) -> Claim | None:
        """Take the first waiting job, or None where none waits.

        Parameters
        ----------
        owner, worker
            The process that takes it, and its worker's name.
        dead
            The jobs whose owner is known to be dead: they wait again first.
        call
            Names this call, where it may be repeated because its reply was lost: it then gives the
            job that it took.
        """
        answer = self._run("claim", json.dumps(owner), worker, call, *_flat(dead))
        if answer is None:
            return None
        id, fence = answer
        recipe, model, checkpoint, request_id = cast(
            tuple[str, str | None, str | None, str | None],
            self.redis.hmget(f"job:{id}", ["recipe", "model", "checkpoint", "request_id"]),
        )
        return Claim(id, fence, Recipe.model_validate_json(recipe), model, checkpoint, request_id)

    def start(self, claim: Claim, device: str) -> Verdict:
        """Note where the training runs."""
        return cast(Verdict, self._run("start", claim.job, claim.fence, device))

    def report(
        self,
        claim: Claim,
        progress: Mapping[str, Any] | None = None,
        epoch: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
    ) -> Verdict:
        """Renew the lease, and store the progress, an epoch and a checkpoint where given."""
        return cast(
            Verdict,
            self._run(
                "report",
                claim.job,
                claim.fence,
                json.dumps(progress) if progress else "",
                pack("progress", progress) if progress else "",
                pack("epoch", epoch) if epoch else "",
                checkpoint or "",
            ),
        )

    def decide(self, claim: Claim, model: str, peak_memory: int) -> Verdict:
        """Fix the model that this job will publish, before it becomes visible.

        Parameters
        ----------
        claim, model
            The job, and the id of its model.
        peak_memory
            Most bytes that the training held at once.
        """
        return cast(Verdict, self._run("decide", claim.job, claim.fence, model, peak_memory))

    def finish(
        self, claim: Claim, status: Status, problem: Mapping[str, Any] | None = None
    ) -> Literal["finished", "lost"]:
        """End a running job."""
        assert status in FINAL
        return cast(
            Literal["finished", "lost"],
            self._run(
                "finish",
                claim.job,
                claim.fence,
                status,
                json.dumps(problem) if problem else "",
            ),
        )

    def request_id(self, id: str) -> str | None:
        """Tell which request submitted a job."""
        return cast(str | None, self.redis.hget(f"job:{id}", "request_id"))

    def owners(self) -> list[tuple[str, str, dict[str, Any]]]:
        """List (job, fence, owner) of the running jobs."""
        return [(id, fence, json.loads(owner)) for id, fence, owner in self._running("owner")]

    def beats(self) -> list[tuple[str, str, str]]:
        """List (job, fence, beat) of the running jobs; each report raises the beat."""
        return self._running("beat", "0")

    def _running(self, field: str, default: str = "") -> list[tuple[str, str, str]]:
        ids = cast(list[str], self.redis.zrange("jobs:leases", 0, -1))
        with self.redis.pipeline() as pipeline:
            for id in ids:
                pipeline.hmget(f"job:{id}", ["fence", field])
            answers = pipeline.execute()
        return [
            (id, fence, value or default)
            for id, (fence, value) in zip(ids, answers, strict=True)
            if fence and (value or default)
        ]

    def reap(self, worker: str, description: Mapping[str, Any], dead: Iterable[Death]) -> Look:
        """Requeue jobs whose owner is gone; return what there is to do then.

        Parameters
        ----------
        worker, description
            Who reaps, and what it says of itself to ``GET /system``.
        dead
            The jobs whose owner is known to be dead, or silent.
        """
        about = json.dumps(description)
        return Look(*self._run("reap", QUEUE, worker, about, *_flat(dead)))


def _flat(dead: Iterable[Death]) -> Iterator[str]:
    return chain.from_iterable(Death(*death) for death in dead)
