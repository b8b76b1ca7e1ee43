"""What is timed: each function makes something ready, and returns how to do it once."""

import os
from pathlib import Path

import numpy as np

from benchmarks.contender import Task
from stepbox.data.builtin import load_dataset
from stepbox.data.dataset import Dataset
from stepbox.training.loop import make_trainer
from stepbox.training.recipe import Recipe

DATA = Path(os.environ.get("STEPBOX_DATA_DIR", "data"))


def first_samples(recipe: Recipe, count: int) -> Dataset:
    """Load the first samples of a recipe's training set."""
    return load_dataset(recipe.dataset, "train")[:count]


def prepare_epoch(recipe: Recipe, samples: int) -> Task:
    """Make one of our epochs ready."""
    trainer = make_trainer(recipe, first_samples(recipe, samples))
    return lambda: list(trainer.train_epoch())


def prepare_baseline(recipe: Recipe, samples: int) -> Task:
    """Make an epoch in the source's way ready."""
    from benchmarks.baseline import DataLoaderTorch, PerSampleNumpy, torch

    torch.set_num_threads(1)
    if recipe.engine == "torch":
        return DataLoaderTorch(recipe, DATA, samples).train_epoch
    return PerSampleNumpy(recipe, first_samples(recipe, samples)).train_epoch


def prepare_product(dtype: str) -> Task:
    """Make a large matrix product ready: as near as one thread comes to the machine's peak."""
    matrix = np.ones((2048, 2048), dtype)
    return lambda: matrix @ matrix
