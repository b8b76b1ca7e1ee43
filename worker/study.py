"""What Optuna decides about a sweep: parameters, pruning and importance.

Its study is made anew for each decision, of what the records say about the trials. So each decision
is a function of the records and of a seed, whichever process makes it.
"""

import json
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import BasePruner, MedianPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from stepbox.training.domains import Choices, IntegerRange, Range
from stepbox.training.sweep import REDUCTION, Search, Trial, rungs

LEAST_COMPLETE = 4  # complete trials, for the importance of parameters

STATES = {
    "queued": TrialState.RUNNING,
    "running": TrialState.RUNNING,
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "cancelled": TrialState.FAIL,
}

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def choose(search: Search, trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    """Choose the parameters of the next trial.

    Parameters
    ----------
    search
        What the sweep searches.
    trials
        All trials so far, in the order of their numbers.
    seed
        The seed of the sweep.
    """
    number = len(trials)
    if search.sampler == "grid":
        return search.space.grid_point(number)
    own_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    sampler: BaseSampler = (
        RandomSampler(own_seed)
        if search.sampler == "random"
        else TPESampler(seed=own_seed, constant_liar=search.parallel > 1)
    )
    trial = _study(search, trials, sampler).ask()

    def ask(name: str, domain: Range | Choices) -> Any:
        if isinstance(domain, Choices):
            texts = [json.dumps(choice) for choice in domain.choices]
            return json.loads(trial.suggest_categorical(name, texts))
        if isinstance(domain, IntegerRange):
            step = {} if domain.log else {"step": domain.step}
            return trial.suggest_int(name, domain.low, domain.high, log=domain.log, **step)
        bounds = (domain.low, domain.high)
        return trial.suggest_float(name, *bounds, log=domain.log, step=domain.step)

    return search.space.sample(ask)


def is_pruned(search: Search, trials: Sequence[Trial], number: int, epoch: int) -> bool:
    """Tell whether a trial should end after an epoch.

    Parameters
    ----------
    search
        What the sweep searches.
    trials
        All trials so far, in the order of their numbers.
    number
        Number of the trial, which runs.
    epoch
        The epoch that it has just finished.
    """
    values = trials[number].values[:epoch]
    own = trials[number].model_copy(update={"state": "running", "values": values})
    study = _study(search, [*trials[:number], own, *trials[number + 1 :]], asking=number)
    pruner: BasePruner = (
        MedianPruner()
        if search.pruner == "median"
        else SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION)
    )
    return pruner.prune(study, study.get_trials(deepcopy=False)[number])


def importance(search: Search, trials: Sequence[Trial]) -> dict[str, float] | None:
    """Return how much each parameter matters; None if that cannot be told.

    Parameters
    ----------
    search
        What the sweep searches.
    trials
        All trials so far, in the order of their numbers.
    """
    values = [trial.value for trial in trials if trial.value is not None]
    if len(values) < LEAST_COMPLETE or len(set(values)) == 1:
        return None
    study = _study(search, trials)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few trials have the layers that not all have
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {name: float(share) for name, share in found.items()} or None


def _study(
    search: Search,
    trials: Sequence[Trial],
    sampler: BaseSampler | None = None,
    asking: int | None = None,
) -> optuna.Study:
    """Make the study of all trials; `asking` is the number of the one that may be pruned."""
    less = search.metric == "validation_loss"
    direction = StudyDirection.MINIMIZE if less else StudyDirection.MAXIMIZE
    study = optuna.create_study(sampler=sampler or RandomSampler(0), direction=direction)
    study.add_trials(_frozen(search, trial, asks=trial.number == asking) for trial in trials)
    return study


def _frozen(search: Search, trial: Trial, *, asks: bool) -> FrozenTrial:
    domains = {name: search.space.domain(name) for name in trial.params}
    values = dict(enumerate(trial.values, 1))
    passed = rungs(len(values) - 1 if asks else len(values))
    return create_trial(
        state=STATES[trial.state],
        value=trial.value,
        params={
            name: json.dumps(value) if isinstance(domains[name], Choices) else value
            for name, value in trial.params.items()
        },
        distributions={name: _distribution(domain) for name, domain in domains.items()},
        intermediate_values=values,
        # What the pruner itself would have stored, in a study that lasts.
        system_attrs={f"completed_rung_{rung}": values[step] for rung, step in enumerate(passed)},
    )


def _distribution(domain: Range | Choices) -> BaseDistribution:
    if isinstance(domain, Choices):
        return CategoricalDistribution([json.dumps(choice) for choice in domain.choices])
    if isinstance(domain, IntegerRange):
        return IntDistribution(
            domain.low, domain.high, log=domain.log, step=1 if domain.log else domain.step
        )
    return FloatDistribution(domain.low, domain.high, log=domain.log, step=domain.step)
