"""The result of a training without faults, for comparison."""

import json
import os
from functools import cache
from pathlib import Path

from stepbox.data.builtin import DATASETS
from stepbox.run import train
from stepbox.store.weights import encode_weights
from stepbox.training.request import TrainRequest
from tests.processes import ROOT

DATA = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data"))


def reference(**fields):
    """Train a recipe in this process; return the SHA-256 of its weights file and its card."""
    return _trained(json.dumps(fields))


@cache
def _trained(body):
    request = TrainRequest.model_validate_json(body)
    recipe = request.resolve(DATASETS[request.wanted_dataset])
    model = train(recipe, data=DATA, progress=False)
    _, described = encode_weights(model.network)
    return described.sha256, model.card
