"""A sweep as clients see it, and what is stored about it.

``jobs/lua/sweeps.lua`` says how the records of a sweep and of its trials belong together.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

from pydantic import BaseModel, Field

from jobs.record import Job, JobProblem, Status
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import ConflictError
from stepbox.training.labels import Notes, Tags, Title
from stepbox.training.recipe import Recipe
from stepbox.training.requirements import Requirements
from stepbox.training.sweep import Search, SweepProgress, Trial, best_of


class SweepLinks(BaseModel):
    """URLs of a sweep and its results."""

    self: str
    job: str = Field(description="The sweep as a job, for example to delete it.")
    events: str
    cancel: str
    winner: str = Field(description="What to POST to train the winner.")
    model: str | None


class Sweep(BaseModel):
    """A sweep: many trainings of a recipe, of which the best wins."""

    id: str
    status: Status = Field(
        description="`running` from its first trial on. `succeeded` when all trials have ended and "
        "the winner is trained, `failed` if no trial is complete or the winner cannot be trained."
    )
    recipe: Recipe = Field(description="The recipe whose fields the trials vary.")
    search: Search = Field(description="What it searches, and how.")
    progress: SweepProgress
    trials: list[Trial] | None = Field(description="All trials so far. Null in lists of sweeps.")
    best: Trial | None = Field(description="The best complete trial so far, the first of several.")
    winner: Trial | None = Field(
        description="The training of the best trial on all training samples, which makes the "
        "model. It also has a number, the next one. Null before it is submitted."
    )
    importance: dict[str, float] | None = Field(
        description="How much each parameter matters for being among the best trials, by PED-ANOVA "
        "of Optuna; the sum is 1. Null while fewer than 4 trials are complete, or if they do not "
        "differ."
    )
    model: str | None = Field(description="Id of the winner's model. Null before that exists.")
    priority: int = Field(description="Also that of its trials.")
    requires: Requirements = Field(description="What its trials require of their workers.")
    error: JobProblem | None = Field(description="Why it failed. Null if it did not fail.")
    request_id: str | None = Field(
        description="`X-Request-Id` of the request that submitted it, as in the logs."
    )
    submitted_by: str | None = Field(
        description="Owner of the sweep, its trials and its model. Null if nobody is."
    )
    webhook: str | None = Field(
        description="The URL that is told when the sweep has ended. Null if none is."
    )
    title: Title
    notes: Notes
    tags: Tags
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: SweepLinks

    @classmethod
    def of(cls, state: "State", *, whole: bool) -> Self:
        """Make the sweep that clients see; without ``whole``, it has no trials."""
        job, search = state.job, state.search
        winner = state.winner
        model = winner.model if winner else None
        woken = job.status == "queued" and job.started_at is not None
        url = f"/sweeps/{job.id}"
        importance = state.record.get("importance")
        return cls.model_validate(
            {
                **dict(job),
                "search": search,
                "status": "running" if woken else job.status,
                "progress": state.progress,
                "trials": state.trials if whole else None,
                "best": best_of(search, state.trials),
                "winner": winner,
                "importance": json.loads(importance) if importance else None,
                "model": model,
                "links": {
                    "self": url,
                    "job": f"/jobs/{job.id}",
                    "events": f"{url}/events",
                    "cancel": f"{url}/cancel",
                    "winner": f"{url}/winner",
                    "model": f"/models/{model}" if model else None,
                },
            },
            extra="ignore",
        )


class State(NamedTuple):
    """A sweep and its trials at one moment.

    Attributes
    ----------
    record
        The hash ``job:{id}``.
    all
        The trials, then the training of the winner if there is one, in the order of their numbers.
    """

    record: Mapping[str, str]
    all: Sequence[Trial]

    @property
    def job(self) -> Job:
        """The sweep as a job."""
        return Job.from_record(self.record, "", ())

    @property
    def search(self) -> Search:
        """What it searches."""
        return Search.model_validate_json(self.record["search"], extra="ignore")

    @property
    def recipe(self) -> Recipe:
        """The recipe whose fields the trials vary."""
        return Recipe.model_validate_json(self.record["recipe"], extra="ignore")

    @property
    def trials(self) -> list[Trial]:
        """The trials, without the training of the winner."""
        return [trial for trial in self.all if not trial.final]

    @property
    def winner(self) -> Trial | None:
        """The last training of the winner; None if there is none."""
        return self.all[-1] if self.all and self.all[-1].final else None

    @property
    def progress(self) -> SweepProgress:
        """How many trials have ended."""
        ended, total = sum(trial.ended for trial in self.trials), self.search.total
        return SweepProgress(trials_ended=ended, trials=total, fraction=ended / total)

    @property
    def ended(self) -> str:
        """How many ends of trials the record has counted, see ``park.lua``."""
        return self.record.get("ended", "0")

    def winner_recipe(self, spec: DatasetSpec) -> tuple[Recipe, Trial]:
        """Return what trains the winner on a data set, and the trial that has won.

        Raises
        ------
        InvalidInputError
            Its parameters make no valid recipe for all training samples.
        ConflictError
            No trial is complete.
        """
        best = best_of(self.search, self.trials)
        if best is None:
            raise ConflictError("no trial is complete, so there is no winner")
        recipe = self.search.winner_recipe(self.recipe, best.params, len(best.values))
        return recipe.fitted(spec), best
