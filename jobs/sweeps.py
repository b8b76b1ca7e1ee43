"""Sweeps: jobs that submit other jobs, their trials, and wait for them without a worker."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from secrets import token_hex
from typing import Any, Literal, Unpack, cast

from jobs.archive import View
from jobs.claim import Claim, Verdict
from jobs.record import Job, Status, history_key
from jobs.routing import NEW_KINDS
from jobs.store import JobStore, routed, stored
from jobs.submission import Submission, first_progress
from jobs.sweep import State, Sweep
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import ConflictError, NotFoundError
from stepbox.training.labels import Labels
from stepbox.training.recipe import Recipe
from stepbox.training.requirements import Requirements
from stepbox.training.sweep import Search, SweepProgress, Trial, TrialState

STATES: Mapping[Status, TrialState] = {
    "queued": "queued",
    "running": "running",
    "succeeded": "complete",
    "failed": "failed",
    "cancelled": "cancelled",
}
COPIED = ("submitted_by", "priority", "request_id", "class", "schema", "requires")


class Sweeps:
    """Reads and changes sweeps.

    Parameters
    ----------
    jobs
        All jobs, or those of one owner.
    """

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    def submit(
        self,
        recipe: Recipe,
        search: Search,
        *,
        requires: Requirements,
        labels: Labels,
        **submission: Unpack[Submission],
    ) -> Job:
        """Create a sweep, or return the job that the same idempotency key created before.

        Parameters
        ----------
        recipe
            The recipe whose fields the trials vary.
        search
            What to search.
        requires
            What the trials require of their workers.
        labels
            What people wrote about the sweep.
        submission
            See `Submission`.

        Raises
        ------
        QueueFullError, InvalidInputError, UnconfirmedError
            As in `JobStore.submit`.
        """
        asked = {"recipe": recipe.model_dump_json(), "search": search.model_dump_json()}
        others = f"{labels.model_dump_json()}{requires.model_dump_json()}"
        return self._jobs._submit(
            token_hex(8),
            SweepProgress(trials_ended=0, trials=search.total, fraction=0),
            {"kind": "sweep", **asked, **stored(dict(labels)), **routed(requires, NEW_KINDS)},
            "".join(asked.values()) + others,
            **submission,
        )

    def get(self, id: str) -> State:
        """Read a sweep; raise NotFoundError if no sweep has this id."""
        for state in self._read({id: None}):
            return state._replace(all=self._up_to_date(state))
        raise NotFoundError(f"no sweep has the id {id!r}")

    def search(self, id: str) -> Search:
        """Return what an unfinished sweep searches; raise NotFoundError if it is not in Redis."""
        found = self._jobs.redis.hget(f"job:{id}", "search")
        if found is None:
            raise NotFoundError(f"no sweep has the id {id!r}")
        return Search.model_validate_json(found, extra="ignore")

    def page(self, *, limit: int, after: str | None) -> tuple[list[Sweep], str | None]:
        """List sweeps without their trials, newest first; see `Sweep.of`.

        Trials that still run count as they began. Only one sweep is in memory: it may be large.

        Parameters
        ----------
        limit
            Maximum number of sweeps to list.
        after
            The cursor that the previous page returned.

        Returns
        -------
        tuple
            The sweeps, and the cursor for the next page, or None if this is the last page.
        """
        found: list[Sweep] = []
        before = cursor = after
        while True:
            entries = cast(
                list[tuple[str, float]],
                self._jobs.redis.zrange(
                    *("jobs:sweeps", f"({before}" if before else "+inf", "-inf"),
                    desc=True,
                    withscores=True,
                    byscore=True,
                    offset=0,
                    num=limit + 1,
                ),
            )
            for state in self._read({id: int(sequence) for id, sequence in entries}):
                if len(found) == limit:  # there is one more
                    return found, cursor
                cursor = state.record["sequence"]
                found.append(Sweep.of(state, whole=False))
            if len(entries) <= limit:
                return found, None
            before = str(int(entries[-1][1]))

    def _read(self, ids: Mapping[str, int | None]) -> Iterator[State]:
        """Read one sweep after the other, without those that do not exist or belong to others."""
        owner = self._jobs._owner

        def is_seen(its: Mapping[str, str]) -> bool:
            return its.get("kind") == "sweep" and owner in (None, its.get("submitted_by"))

        def read(view: View, id: str) -> State | None:
            record = cast(dict[str, str], self._jobs.redis.hgetall(f"job:{id}"))
            entries: list[str] = []
            if is_seen(record):
                with self._jobs.redis.pipeline() as pipeline:  # in one transaction
                    pipeline.hgetall(f"job:{id}")
                    pipeline.lrange(history_key(id), 0, -1)
                    record, entries = pipeline.execute()
            if not record:
                for job in self._jobs.archive.read(view, {id: ids[id]}).values():
                    record, entries = job.record, job.history
            trials = [_trial(number, entry) for number, entry in enumerate(entries)]
            return State(record, trials) if is_seen(record) else None

        for id in ids:
            state = self._jobs.archive.settled(partial(read, id=id))
            if state is not None:
                yield state

    def _up_to_date(self, state: State) -> list[Trial]:
        """Return the trials of a sweep, with the states and the values of those that still run."""
        unended = dict.fromkeys(trial.job for trial in state.all if not trial.ended)
        jobs = {job.id: job for job in self._jobs._read(unended)} if unended else {}
        return [
            _current(trial, jobs.get(trial.job), state.search) if trial.job in unended else trial
            for trial in state.all
        ]

    def submit_trial(
        self,
        claim: Claim,
        state: State,
        recipe: Recipe,
        spec: DatasetSpec,
        params: Mapping[str, Any],
        *,
        final: bool = False,
    ) -> Verdict:
        """Create the next trial of a claimed sweep, or the training of its winner.

        Parameters
        ----------
        claim
            The claim of the sweep.
        state
            The sweep as it was read. If it has more trials by now, none is created.
        recipe, spec
            What to train, on which data set.
        params
            The parameters.
        final
            Whether this trains the winner.
        """
        fields = _fields(state, recipe, params, final=final)
        progress = first_progress(recipe, recipe.trained_samples(spec)).model_dump_json()
        verdict: Verdict = self._jobs._run(
            *("trial", claim.job, claim.fence, len(state.all), token_hex(8), progress),
            *chain.from_iterable(fields.items()),
        )
        return verdict

    def submit_winner(self, id: str, spec: DatasetSpec) -> Job:
        """Create the training of the winner of a sweep that has ended.

        If there is one that has not failed or been cancelled, return it.

        Parameters
        ----------
        id
            Id of the sweep.
        spec
            Its data set.

        Raises
        ------
        NotFoundError
            No sweep has this id.
        ConflictError
            The sweep has not ended, or none of its trials is complete.
        InvalidInputError
            The parameters of the winner make no valid recipe for all training samples.
        """
        while True:
            state = self.get(id)
            winner = state.winner
            if winner is not None and winner.state not in ("failed", "cancelled"):
                return self._jobs.get(winner.job)
            recipe, best = state.winner_recipe(spec)
            job = token_hex(8)
            fields = _fields(state, recipe, best.params, final=True)
            progress = first_progress(recipe, recipe.trained_samples(spec)).model_dump_json()
            outcome = self._jobs._run_confirmed(
                *("winner", id, len(state.all), job, progress),
                *chain.from_iterable(fields.items()),
                stored=lambda outcome: outcome == "created",
            )
            if outcome == "created":
                return self._jobs.get(job)
            if outcome in ("queued", "running"):
                raise ConflictError(f"sweep {id} has not ended: its winner is not known")
            if outcome == "unknown":  # archived
                self._jobs.archive.restore(id)

    def park(
        self, claim: Claim, state: State, fields: Mapping[str, str]
    ) -> Literal["parked", "again", "cancel", "lost"]:
        """Let a claimed sweep wait for its trials, unless one has ended since it was read.

        Parameters
        ----------
        claim
            The claim of the sweep, which ends.
        state
            The sweep as it was read.
        fields
            Stored in the record.
        """
        outcome: Literal["parked", "again", "cancel", "lost"] = self._jobs._run(
            "park", claim.job, claim.fence, state.ended, *chain.from_iterable(fields.items())
        )
        return outcome


def _trial(number: int, entry: str) -> Trial:
    return Trial.model_validate({"number": number, **json.loads(entry)})


def _current(trial: Trial, job: Job | None, search: Search) -> Trial:
    """Return what a trial is now; a job that was deleted had been cancelled."""
    if job is None:
        return trial.model_copy(update={"state": "cancelled"})
    values = [getattr(entry, search.metric) for entry in job.history if entry.epoch > 0]
    return trial.model_copy(
        update={
            "state": "pruned" if job.pruned else STATES[job.status],
            "values": tuple(value for value in values if value is not None),
            "model": job.model,
        }
    )


def _fields(
    state: State, recipe: Recipe, params: Mapping[str, Any], *, final: bool
) -> dict[str, str]:
    """Return the record of a trial; the training of the winner has the labels of the sweep."""
    record = state.record
    copied = (*COPIED, "title", "notes", "tags") if final else COPIED
    return {
        "kind": "train",
        "recipe": recipe.model_dump_json(),
        "sweep": record["id"],
        "trial": str(len(state.all)),
        "params": json.dumps(params),
        **({"final": "1"} if final else {}),
        **{name: record[name] for name in copied if name in record},
    }
