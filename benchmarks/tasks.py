"""The tasks of the benchmarks: each function prepares a task, and returns a function to run it."""

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
    """Prepare an epoch with Stepbox's engine."""
    trainer = make_trainer(recipe, first_samples(recipe, samples))
    return lambda: list(trainer.train_epoch())


def prepare_baseline(recipe: Recipe, samples: int) -> Task:
    """Prepare an epoch as the source trains it."""
    from benchmarks.baseline import DataLoaderTorch, PerSampleNumpy, torch

    torch.set_num_threads(1)
    if recipe.engine == "torch":
        return DataLoaderTorch(recipe, DATA, samples).train_epoch
    return PerSampleNumpy(recipe, first_samples(recipe, samples)).train_epoch


def prepare_convolution_baseline(recipe: Recipe, samples: int, kind: str) -> Task:
    """Prepare an epoch of a convolutional network, one sample at a time: `im2col` or `torch`."""
    from benchmarks.convolution import PerSampleIm2col, PerSampleTorch, torch

    torch.set_num_threads(1)
    baseline = PerSampleTorch if kind == "torch" else PerSampleIm2col
    return baseline(recipe, first_samples(recipe, samples)).train_epoch


def prepare_product(dtype: str) -> Task:
    """Prepare a large matrix product, whose speed is close to the peak of one thread."""
    matrix = np.ones((2048, 2048), dtype)
    return lambda: matrix @ matrix
