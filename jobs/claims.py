"""What workers do with jobs: claim them, report on them, and end them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, count
from typing import Any, Literal, cast

import redis.client

from jobs.claim import Claim, Verdict
from jobs.compact import pack
from jobs.connection import UnconfirmedError
from jobs.record import FINAL, Kind, PredictionTask, Status, Upload
from jobs.running import RunningJobs, flat, lease_score
from jobs.watch import Cause, Death
from stepbox.training.recipe import Recipe
from stepbox.training.requirements import Requirements

NO_FIELDS: Mapping[str, str] = {}
CONFIRM_MS = 2000  # less than the timeout of the connection
_reports = count(1)  # the numbers of this process's reports, which are in this order


class ClaimStore(RunningJobs):
    """Reads jobs, and changes those that a worker runs."""

    def _run_confirmed(
        self, script: str, *arguments: str | int | float, stored: Callable[[Any], bool]
    ) -> Any:
        """Run a script, and wait until enough replicas have what it has stored on their disks.

        Parameters
        ----------
        script, arguments
            As in `_run`.
        stored
            Tells from the answer of the script whether it has stored anything, now or at an earlier
            call. If not, nobody has to confirm the answer.

        Raises
        ------
        UnconfirmedError
            They do not in time. The script has run, and may be repeated.
        """
        replicas = self.redis.replicas
        if not replicas:
            return self._run(script, *arguments)
        with self.redis.pipeline(transaction=False) as pipeline:
            self._run(script, *arguments, pipeline=pipeline)
            # Redis waits for the writes of this connection, but a repeated script writes nothing.
            pipeline.set("jobs:awaited", "")
            # A replica that is asked whether it has written something to its disk answers for what
            # it wrote before it received the question. So ask only once it has received all.
            pipeline.wait(replicas, CONFIRM_MS // 2)
            pipeline.waitaof(1, replicas, CONFIRM_MS // 2)
            answer, _, _, (_, confirmed) = pipeline.execute()
        if confirmed < replicas and stored(answer):
            raise UnconfirmedError(
                f"{confirmed} of {replicas} replicas of Redis have it on their disks after "
                f"{CONFIRM_MS / 1000:g} s",
                answer,
            )
        return answer

    def claim(
        self,
        owner: Mapping[str, Any],
        worker: str,
        dead: Iterable[Death] = (),
        call: str = "",
    ) -> Claim | None:
        """Claim the next job of a worker; return None if no job is queued that it may run.

        The last heartbeat of the worker says which jobs it may run (see `reap`). A worker that is
        draining may run none.

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
        score = lease_score(owner)
        answer = self._run("claim", json.dumps(owner), worker, call, score, *flat(dead))
        if answer is None:
            return None
        id, fence = answer
        record = cast(dict[str, str], self.redis.hgetall(f"job:{id}"))
        recipe, upload = record.get("recipe"), record.get("upload")
        prediction = record.get("prediction")
        requires = record.get("requires", "{}")
        return Claim(
            id,
            fence,
            kind=cast(Kind, record.get("kind", "train")),
            recipe=Recipe.model_validate_json(recipe) if recipe else None,
            requires=Requirements.model_validate_json(requires, extra="ignore"),
            upload=Upload.model_validate_json(upload) if upload else None,
            prediction=PredictionTask.model_validate_json(prediction) if prediction else None,
            result=record.get("model") or record.get("staged"),
            checkpoint=record.get("checkpoint"),
            request_id=record.get("request_id"),
            submitted_by=record.get("submitted_by"),
            reproduces=record.get("reproduces"),
            sweep=record.get("sweep"),
            is_trial="sweep" in record and "final" not in record,
        )

    def give_back(self, claim: Claim, cause: Cause = "store", refusal: str = "") -> None:
        """Requeue a claimed job that this worker cannot run.

        Parameters
        ----------
        claim
            The claim of the job.
        cause
            ``store``: the worker cannot use the store. ``process``: the job requires another
            device.
        refusal
            Why the store has refused something. This counts as a death of the job. Empty if the
            store does not answer, which does not.
        """
        self._run("release", claim.job, claim.fence, cause, refusal)

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
        frames: Iterable[Mapping[str, Any]] = (),
    ) -> Verdict:
        """Renew the lease, store what is given, and return the verdict."""
        return self.report_points(claim, [(epoch, checkpoint)], progress, losses, frames)

    def report_points(
        self,
        claim: Claim,
        points: Sequence[tuple[Mapping[str, Any] | None, str | None]],
        progress: Mapping[str, Any] | None = None,
        losses: Iterable[Mapping[str, Any]] = (),
        frames: Iterable[Mapping[str, Any]] = (),
    ) -> Verdict:
        """Report several epochs and checkpoints, in their order, and return the last verdict.

        They reach Redis in one piece, which it writes to the disk at once. So many short epochs
        take no longer than one.

        Parameters
        ----------
        claim
            The claim of the job.
        points
            An epoch and a checkpoint each, both of which may be None.
        progress
            Stored after them.
        losses, frames
            Stored before them.
        """
        if len(points) == 1:
            return self._report(None, claim, progress, *points[0], losses, frames)
        with self.redis.pipeline(transaction=False) as pipeline:
            for epoch, checkpoint in points[:-1]:
                self._report(pipeline, claim, None, epoch, checkpoint, losses, frames)
                losses = frames = ()
            self._report(pipeline, claim, progress, *points[-1], losses, frames)
            verdict: Verdict = pipeline.execute()[-1]
        return verdict

    def _report(
        self,
        pipeline: redis.client.Pipeline | None,
        claim: Claim,
        progress: Mapping[str, Any] | None,
        epoch: Mapping[str, Any] | None,
        checkpoint: str | None,
        losses: Iterable[Mapping[str, Any]],
        frames: Iterable[Mapping[str, Any]],
    ) -> Verdict:
        """Report one epoch and checkpoint; a pipeline has the verdict only once it is executed."""
        whole = json.dumps(progress) if progress else ""
        short = pack("progress", progress) if progress and claim.kind == "train" else whole
        packed = [pack("loss", loss) for loss in losses]
        verdict: Verdict = self._run(
            "report",
            claim.job,
            claim.fence,
            next(_reports),
            whole,
            short,
            pack("epoch", epoch) if epoch else "",
            checkpoint or "",
            len(packed),
            *packed,
            *(pack("frame", frame) for frame in frames),
            pipeline=pipeline,
        )
        return verdict

    def decide(
        self, claim: Claim, model: str, *, peak_memory: int, better_than_guessing: bool | None
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
            Whether the model is better than guessing; None if that cannot be told.
        """
        fields: dict[str, str | int] = {"model": model, "peak_memory": peak_memory}
        if better_than_guessing is not None:
            fields["better_than_guessing"] = int(better_than_guessing)
        return self._decide(claim, *chain.from_iterable(fields.items()))

    def decide_import(self, claim: Claim, dataset: str, *, staged: str) -> Verdict:
        """Decide which staged data set this job will publish, and return the verdict.

        Parameters
        ----------
        claim
            The claim of the job.
        dataset
            Id of the data set.
        staged
            The name under which it is staged.
        """
        return self._decide(claim, "dataset", dataset, "staged", staged)

    def decide_prediction(self, claim: Claim, *, staged: str) -> Verdict:
        """Decide which staged prediction this job will publish, and return the verdict."""
        return self._decide(claim, "staged", staged)

    def _decide(self, claim: Claim, *fields: str | int) -> Verdict:
        # From the confirmed decision on, each later attempt publishes this result. So a replica
        # that takes over may repeat the end of a job, but with no other result.
        verdict: Verdict = self._run_confirmed(
            "decide", claim.job, claim.fence, *fields, stored=lambda verdict: verdict == "go on"
        )
        return verdict

    def finish(
        self,
        claim: Claim,
        status: Status,
        problem: Mapping[str, Any] | None = None,
        fields: Mapping[str, str] = NO_FIELDS,
    ) -> Literal["finished", "lost"]:
        """End a running job; return "lost" if the claim is no longer valid.

        Parameters
        ----------
        claim
            The claim of the job.
        status
            A final one.
        problem
            Why it failed.
        fields
            Stored in the record.
        """
        assert status in FINAL
        reason = json.dumps(problem) if problem else ""
        stored = chain.from_iterable(fields.items())
        outcome: Literal["finished", "lost"] = self._run(
            "finish", claim.job, claim.fence, status, reason, *stored
        )
        return outcome

    def request_id(self, id: str) -> str | None:
        """Return the id of the request that submitted a job."""
        return cast(str | None, self.redis.hget(f"job:{id}", "request_id"))
