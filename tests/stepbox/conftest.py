import os
from functools import cache
from pathlib import Path

import pytest

from stepbox.data.builtin import load_dataset
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES


@pytest.fixture(scope="session")
def data_folder():
    return Path(os.environ.get("STEPBOX_DATA_DIR", "data"))


@pytest.fixture(scope="session")
def load(data_folder):
    """Return a function that loads a split once per session: load("mnist", "test")."""
    return cache(lambda name, split: load_dataset(name, split, data_folder))


@pytest.fixture(scope="session")
def few(load):
    """Return a function that takes the first `count` samples of MNIST's training set."""

    return lambda count: load("mnist", "train")[:count]


@pytest.fixture(scope="session")
def trained(load):
    """Return a function that trains a named recipe once; it returns the trainer and all events."""

    @cache
    def run(name, epochs):
        recipe = RECIPES[name].model_copy(update={"epochs": epochs})
        trainer = make_trainer(recipe, load(recipe.dataset, "train"))
        return trainer, list(train(trainer, load(recipe.dataset, "test")))

    return run
