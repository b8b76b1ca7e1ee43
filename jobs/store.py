"""Change jobs in Redis. Each kind of change is one Lua script in ``jobs/lua``."""

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
from jobs.watch import Death, QueueState
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError, StepboxError
from stepbox.training.labels import Labels
from stepbox.training.recipe import Recipe

NO_LABELS = Labels()
IDEMPOTENCY_KEPT_S = 24 * 3600
WORKER_ALIVE_S = 5  # a worker whose last heartbeat is older counts as gone

# What a worker must do: go on, stop a cancelled job, or stop because it has lost the job.
Verdict = Literal["go on", "cancel", "lost"]
Labeling = Literal["changed", "unknown", "publishing", "other"]  # see jobs/lua/label.lua


class QueueFullError(StepboxError):
    """The queue is full."""


@dataclass(frozen=True)
class Claim:
    """The right to run a job.

    Each claim of a job increases its fence by one. A claim ends when its job ends or is requeued.

    Attributes
    ----------
    job
        Id of the job.
    fence
        Number of the claim.
    recipe
        What to train.
    model
        Id of the model that an earlier attempt decided to publish; None if there is none.
    checkpoint
        Name of the last checkpoint of the earlier attempts; None if there is none.
    request_id
        Id of the request that submitted the job; None for jobs of earlier versions.
    """

    job: str
    fence: str
    recipe: Recipe
    model: str | None
    checkpoint: str | None
    request_id: str | None


class JobStore(JobReader):
    """Reads and changes jobs."""

    # -- used by the API ------------------------------------------------------------------

    def submit(
        self,
        recipe: Recipe,
        *,
        samples: int,
        queue_limit: int,
        idempotency_key: str | None = None,
        request_id: str | None = None,
        labels: Labels = NO_LABELS,
        only_first: bool = False,
    ) -> Job:
        """Create a job, or return the job that the same idempotency key created before.

        Parameters
        ----------
        recipe
            What to train.
        samples
            Number of training images in one epoch.
        queue_limit
            Maximum number of queued jobs.
        idempotency_key
            Key chosen by the client; it is stored for a day.
        request_id
            Id of the request that submits the job; the log lines of the job name it.
        labels
            What people wrote about the job.
        only_first
            Create the job only if this Redis has never had a job, not even one that was deleted.

        Raises
        ------
        ConflictError
            ``only_first``, and there has been a job.
        QueueFullError
            ``queue_limit`` jobs are already queued.
        InvalidInputError
            The key was used before with another recipe or other labels.
        """
        fields = recipe.model_dump_json()
        # Earlier versions had no labels, and their keys are still valid for a day.
        asked = fields if labels == NO_LABELS else fields + labels.model_dump_json()
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
            hashlib.sha256(asked.encode()).hexdigest(),
            IDEMPOTENCY_KEPT_S,
            request_id or "",
            int(only_first),
            *_stored(dict(labels)),
        )
        if outcome == "late":
            raise ConflictError("there has been a job before")
        if outcome == "full":
            raise QueueFullError(f"{queue_limit} jobs are already queued; try again later")
        if outcome == "differs":
            raise InvalidInputError.at(
                "/Idempotency-Key", f"was already used with another body, for job {id}"
            )
        return self.get(id)

    def label(self, id: str, changes: Mapping[str, Any], model: str | None) -> Labeling:
        """Change labels of a job, unless it has another model or is publishing one.

        Parameters
        ----------
        id
            Id of the job.
        changes
            Some of the fields of `Labels`.
        model
            Id of the job's model; None if it has none.
        """
        return cast(Labeling, self._run("label", id, model or "", *_stored(changes)))

    def cancel(self, id: str) -> Job:
        """Cancel a queued job at once, or tell a running job to stop.

        A job that is about to publish its model, or has published it, continues.

        Raises
        ------
        NotFoundError
            No job has this id.
        ConflictError
            The job has already finished.
        """
        outcome = self._run("cancel", id)
        job = self.get(id)
        if outcome == "over":
            raise ConflictError(f"job {id} has already finished: its status is {job.status}")
        return job

    def delete(self, id: str) -> None:
        """Delete a finished job and its events, but not its model.

        Raises
        ------
        NotFoundError
            No job has this id.
        ConflictError
            The job is queued or running.
        """
        outcome = self._run("delete", id)
        if outcome == "unknown":
            raise NotFoundError(f"no job has the id {id!r}")
        if outcome != "deleted":
            raise ConflictError(f"job {id} is {outcome}: cancel it, and delete it once it ends")

    def queue_length(self) -> int:
        """Return the number of queued jobs."""
        return self.redis.zcard("jobs:queued")

    def workers(self) -> list[dict[str, Any]]:
        """List the descriptions of the workers with a heartbeat in the last 5 seconds."""
        return [json.loads(description) for description in self._run("workers", WORKER_ALIVE_S)]

    def measure(self) -> Measures:
        """Read the state of the queue and all counters in one transaction."""
        return Measures.from_answer(self._run("measure", WORKER_ALIVE_S))

    # -- used by workers ------------------------------------------------------------------

    def claim(
        self,
        owner: Mapping[str, Any],
        worker: str,
        dead: Iterable[Death] = (),
        call: str = "",
    ) -> Claim | None:
        """Claim the first queued job; return None if no job is queued.

        Parameters
        ----------
        owner
            The process that claims the job.
        worker
            Name of its worker.
        dead
            Running jobs whose owner is dead. They are requeued before the claim.
        call
            Unique name of this call. If its reply is lost, repeat the call with the same name: it
            then returns the job that the first call claimed.
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
        """Store the device that the training runs on, and return the verdict."""
        return cast(Verdict, self._run("start", claim.job, claim.fence, device))

    def report(
        self,
        claim: Claim,
        progress: Mapping[str, Any] | None = None,
        epoch: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
        losses: Iterable[Mapping[str, Any]] = (),
    ) -> Verdict:
        """Renew the lease, store what is given, and return the verdict."""
        verdict: Verdict = self._run(
            "report",
            claim.job,
            claim.fence,
            json.dumps(progress) if progress else "",
            pack("progress", progress) if progress else "",
            pack("epoch", epoch) if epoch else "",
            checkpoint or "",
            *(pack("loss", loss) for loss in losses),
        )
        return verdict

    def decide(
        self, claim: Claim, model: str, *, peak_memory: int, better_than_guessing: bool
    ) -> Verdict:
        """Decide which staged model this job will publish, and return the verdict.

        After "go on", every later attempt publishes this model, unless its files are gone.

        Parameters
        ----------
        claim
            The claim of the job.
        model
            Id of the staged model.
        peak_memory
            Peak memory of the training, in bytes.
        better_than_guessing
            Whether the model is better than guessing.
        """
        return cast(
            Verdict,
            self._run(
                "decide", claim.job, claim.fence, model, peak_memory, int(better_than_guessing)
            ),
        )

    def finish(
        self, claim: Claim, status: Status, problem: Mapping[str, Any] | None = None
    ) -> Literal["finished", "lost"]:
        """End a running job; return "lost" if the claim is no longer valid."""
        assert status in FINAL
        reason = json.dumps(problem) if problem else ""
        outcome: Literal["finished", "lost"] = self._run(
            "finish", claim.job, claim.fence, status, reason
        )
        return outcome

    def request_id(self, id: str) -> str | None:
        """Return the id of the request that submitted a job."""
        return cast(str | None, self.redis.hget(f"job:{id}", "request_id"))

    def owners(self) -> list[tuple[str, str, dict[str, Any]]]:
        """List (job, fence, owner) for each running job."""
        return [(id, fence, json.loads(owner)) for id, fence, owner in self._running("owner")]

    def beats(self) -> list[tuple[str, str, str]]:
        """List (job, fence, beat) for each running job; each report increases the beat by one."""
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

    def reap(
        self, worker: str, description: Mapping[str, Any], dead: Iterable[Death]
    ) -> QueueState:
        """Store a worker's heartbeat, and requeue lost jobs.

        Parameters
        ----------
        worker
            Name of the worker.
        description
            The worker's entry in ``GET /system``.
        dead
            Running jobs whose owner is dead, or whose lease has expired.
        """
        about = json.dumps(description)
        return QueueState(*self._run("reap", QUEUE, worker, about, *_flat(dead)))


def _stored(labels: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names and values of labels as a job's record has them."""
    for name, value in labels.items():
        yield name
        yield json.dumps(value) if name == "tags" else value or ""


def _flat(dead: Iterable[Death]) -> Iterator[str]:
    return chain.from_iterable(Death(*death) for death in dead)
