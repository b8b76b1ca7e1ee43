"""The result of a training without faults, for comparison."""

import json
import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

from stepbox.data.builtin import DATASETS
from stepbox.run import train
from stepbox.store.card import CardDraft
from stepbox.store.steps import encode_steps
from stepbox.store.weights import encode_weights
from stepbox.training.request import TrainRequest
from tests.processes import ROOT

DATA = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data"))


class Reference(NamedTuple):
    """The SHA-256 of the files of weights and of steps, and the card."""

    weights: str
    steps: str
    card: CardDraft


def reference(**fields):
    """Train a recipe in this process; return a `Reference`."""
    return _trained(json.dumps(fields))


@cache
def _trained(body):
    request = TrainRequest.model_validate_json(body)
    recipe = request.resolve(DATASETS[request.wanted_dataset])
    return reference_of(train(recipe, data=DATA, progress=False))


def reference_of(model):
    """Return the `Reference` of a trained model."""
    _, described = encode_weights(model.network)
    return Reference(described.sha256, encode_steps(model.steps)[1].sha256, model.card)
