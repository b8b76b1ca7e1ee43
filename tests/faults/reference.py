"""What an undisturbed training comes to, to compare disturbed ones with."""

import os
from functools import cache
from pathlib import Path

from stepbox.data.builtin import load_dataset
from stepbox.store.weights import encode_weights
from stepbox.training.loop import make_trainer, train
from stepbox.training.request import TrainRequest
from tests.processes import ROOT

DATA = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data"))


@cache
def reference(**fields):
    """Train a recipe in this process; returns the SHA-256 of its weights file, and its losses."""
    recipe = TrainRequest.model_validate(fields).resolve()
    trainer = make_trainer(recipe, load_dataset(DATA, recipe.dataset, "train"))
    test_set = load_dataset(DATA, recipe.dataset, "test")
    losses = [event.test_loss for event in train(trainer, test_set) if hasattr(event, "test_loss")]
    _, described = encode_weights(trainer.network())
    return described.sha256, losses
