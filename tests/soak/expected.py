"""What a history should contain: the results of the same requests without faults."""

import json
from collections.abc import Mapping
from typing import Any

from stepbox.store.card import CardDraft
from tests.faults.reference import Reference, reference
from tests.faults.sweeps import UndisturbedTrial, is_sweep, undisturbed
from tests.soak.history import Expected, ExpectedTrial, view_of_trial


def expect(fields: Mapping[str, Any]) -> Expected | None:
    """Train or search without faults; None if the fields do not settle the result."""
    if not is_sweep(fields):
        return _expected(reference(**fields))
    sweep = undisturbed(fields)
    if sweep is None:
        return None
    trials = [
        ExpectedTrial(view_of_trial(json.loads(trial.seen.model_dump_json())), *_points(trial))
        for trial in sweep.trials
    ]
    return _expected(sweep.winner)._replace(trials=trials)


def _expected(training: Reference) -> Expected:
    return Expected(training.weights, training.steps, *_points(training.card))


def _points(training: CardDraft | UndisturbedTrial) -> tuple[list[Any], list[Any]]:
    """Return the figures of the epochs and within them."""
    return (
        [[entry.epoch, entry.train_loss] for entry in training.history],
        [[entry.samples, entry.train_loss] for entry in training.losses],
    )
