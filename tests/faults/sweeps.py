"""Sweeps for storms, and their results without faults, for comparison."""

import json
from functools import cache
from typing import Any, NamedTuple

from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.data.dataset import Dataset
from stepbox.run import train
from stepbox.training.loop import make_trainer
from stepbox.training.loop import train as train_epochs
from stepbox.training.recipe import Recipe
from stepbox.training.report import HistoryEntry, LossEntry
from stepbox.training.sweep import Search, SweepRequest, Trial, best_of
from tests.faults.reference import DATA, Reference, reference_of
from worker.study import choose, is_pruned

RATES = {"low": 0.01, "high": 0.5, "log": True}
SIZES = {"count": {"low": 1, "high": 3}, "size": {"low": 2, "high": 8, "log": True}}
ACTIVATIONS = {"choices": ["tanh", "sigmoid"]}
DENSE = {"type": "dense", "neurons": 4}
PLANE: dict[str, Any] = {
    **{"recipe": "playground", "hidden_sizes": [4], "epochs": 6, "validation": 0.2},
    **{"space": {"learning_rate": RATES, "hidden_sizes": SIZES}, "trials": 6},
}
# Only the last ones depend on more than the request: on which trials end first.
SWEEPS: list[dict[str, Any]] = [
    {**PLANE, "seed": 1, "pruner": "asha"},
    {**PLANE, "seed": 2, "sampler": "random", "metric": "validation_accuracy"},
    {
        "epochs": 2,
        "hidden_sizes": [2],
        "seed": 3,
        "space": {"learning_rate": RATES, "activation": ACTIVATIONS},
        "trials": 4,
        "pruner": "asha",
    },
    {**PLANE, "seed": 4, "pruner": "median", "trials": 9},
    {
        **PLANE,
        "seed": 5,
        "space": {
            "learning_rate": {"low": 0.1, "high": 0.3, "step": 0.1},
            "activation": ACTIVATIONS,
        },
        "sampler": "grid",
        "parallel": 3,
    },
    {**PLANE, "seed": 6, "sampler": "random", "pruner": "median", "trials": 9},
    {**PLANE, "seed": 7, "sampler": "random", "parallel": 2, "early_stopping": 1},
    {**PLANE, "seed": 8, "space": {"layers": {"choices": [[], [DENSE], [DENSE, DENSE]]}}},
    {**PLANE, "seed": 9, "parallel": 2},
    {**PLANE, "seed": 10, "parallel": 3, "pruner": "asha"},
]


class UndisturbedTrial(NamedTuple):
    """What a trial is without faults.

    Attributes
    ----------
    seen
        What the sweep shows of it at its end.
    history, losses
        What it reports.
    """

    seen: Trial
    history: list[HistoryEntry]
    losses: list[LossEntry]


class UndisturbedSweep(NamedTuple):
    """What a sweep is without faults: its trials, and the training of the winner."""

    trials: list[UndisturbedTrial]
    winner: Reference


def is_sweep(fields: dict[str, Any]) -> bool:
    """Tell whether the fields of a request are those of a sweep."""
    return "space" in fields


def undisturbed(fields: dict[str, Any]) -> UndisturbedSweep | None:
    """Search in this process, without workers; None if the request does not settle the result."""
    search = SweepRequest.model_validate_json(json.dumps(fields)).search
    if search.parallel > 1 and (search.sampler == "tpe" or search.pruner != "none"):
        return None
    return _searched(json.dumps(fields))


@cache
def _searched(body: str) -> UndisturbedSweep:
    request = SweepRequest.model_validate_json(body)
    wanted, search = request.wanted_dataset, request.search
    name = wanted if isinstance(wanted, str) else wanted.name
    train_set = load_dataset(name, "train", DATA)
    recipe = request.resolve(DATASETS.get(name, train_set.spec)).changed(dataset=name)
    trials: list[UndisturbedTrial] = []
    for _ in range(search.total):
        trials.append(_tried(search, recipe, [trial.seen for trial in trials], train_set))
    best = best_of(search, [trial.seen for trial in trials])
    assert best is not None
    winner = search.winner_recipe(recipe, best.params, len(best.values))
    return UndisturbedSweep(trials, reference_of(train(winner, data=DATA, progress=False)))


def _tried(
    search: Search, recipe: Recipe, before: list[Trial], train_set: Dataset
) -> UndisturbedTrial:
    """Train the next trial, after those before."""
    params = choose(search, before, recipe.seed)
    own = search.trial_recipe(recipe, params)
    trial = Trial(number=len(before), job="", params=params, state="running", values=())
    history: list[HistoryEntry] = []
    losses: list[LossEntry] = []
    state = "complete"
    for event in train_epochs(make_trainer(own, train_set), None):
        match event:
            case LossEntry():
                losses.append(event)
            case HistoryEntry():
                history.append(event)
                values = tuple(getattr(entry, search.metric) for entry in history[1:])
                trial = trial.model_copy(update={"values": values})
                asks = search.pruner != "none" and 0 < event.epoch < own.epochs
                if asks and is_pruned(search, [*before, trial], trial.number, event.epoch):
                    state = "pruned"
                    break
    return UndisturbedTrial(trial.model_copy(update={"state": state}), history, losses)
