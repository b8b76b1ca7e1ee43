"""Advance a sweep: submit the trials that may run now, and wait for their ends without a worker.

A sweep is claimed anew whenever one of its trials has ended. What to do next follows from the
records only, so a worker may be killed at any point.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.claim import Claim
from jobs.routing import NEW_KINDS, class_of
from jobs.sweep import State
from jobs.sweeps import Sweeps
from stepbox.errors import StepboxError
from stepbox.training.recipe import Recipe
from stepbox.training.sweep import Trial
from worker.reporter import JobParkedError, Reporter, insist, obey
from worker.stores import Stores
from worker.study import choose, importance
from worker.tokens import announce


def advance(stores: Stores, claim: Claim, reporter: Reporter) -> Mapping[str, str]:
    """Do what the claimed sweep needs now. When it has succeeded, return the last fields of it.

    Raises
    ------
    JobParkedError
        It waits for its trials.
    StepboxError
        No trial is complete, or the winner could not be trained.
    InvalidInputError
        The parameters of the winner make no valid recipe for all training samples.
    """
    sweeps = Sweeps(stores.jobs)
    recipe = claim.recipe
    assert recipe is not None  # the job is a sweep
    spec = stores.datasets.spec(recipe.dataset)

    def submit(state: State, trial: Recipe, params: dict[str, Any], *, final: bool) -> None:
        obey(insist(sweeps.submit_trial, claim, state, trial, spec, params, final=final))
        announce(class_of(claim.requires, NEW_KINDS))

    while True:
        state = insist(sweeps.get, claim.job)
        search, trials = state.search, state.trials
        running = sum(not trial.ended for trial in state.all)
        reporter.progress(state.progress.model_dump())
        if len(trials) < search.total and running < search.parallel:
            params = choose(search, trials, recipe.seed)
            submit(state, search.trial_recipe(recipe, params), params, final=False)
        elif running:
            reporter.flush()
            if obey(insist(sweeps.park, claim, state, _figures(state))) == "parked":
                raise JobParkedError
        elif not any(trial.value is not None for trial in trials):
            raise StepboxError(_why_none(stores, trials))
        elif search.final and state.winner is None:
            trial, best = state.winner_recipe(spec)
            submit(state, trial, dict(best.params), final=True)
        elif state.winner is not None and state.winner.state != "complete":
            how = "was cancelled" if state.winner.state == "cancelled" else "failed"
            raise StepboxError(f"the training of the winner, job {state.winner.job}, {how}")
        else:
            return _figures(state)


def _figures(state: State) -> Mapping[str, str]:
    """Return what the record keeps about the trials as a whole."""
    return {"importance": json.dumps(importance(state.search, state.trials))}


def _why_none(stores: Stores, trials: Sequence[Trial]) -> str:
    """Say why a sweep has no winner."""
    states = Counter(trial.state for trial in trials)
    counts = ", ".join(f"{number} {state}" for state, number in states.items())
    failed = next((trial.job for trial in trials if trial.state == "failed"), None)
    error = insist(stores.jobs.get, failed).error if failed else None
    why = f"; job {failed}: {error.detail}" if error else ""
    return f"no trial is complete: {counts}{why}"
