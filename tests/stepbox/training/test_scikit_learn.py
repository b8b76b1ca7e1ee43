"""The hand-written engine on two small data sets that scikit-learn contains."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import StratifiedKFold

from stepbox.data.dataset import Dataset, DatasetSpec, SplitSpec
from stepbox.training.evaluation import evaluate
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES


def mean_accuracy(samples, labels, recipe):
    """Return the mean test accuracy of five folds."""
    accuracies = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(samples, labels):
        spec = DatasetSpec(
            name="folds",
            kind="vectors" if samples.ndim == 2 else "images",
            shape=samples.shape[1:],
            classes=tuple(map(str, np.unique(labels))),
            train=SplitSpec(samples=len(train)),
            test=SplitSpec(samples=len(test)),
        )
        trainer = make_trainer(recipe.fitted(spec), Dataset(spec, samples[train], labels[train]))
        for _ in range(recipe.epochs):
            list(trainer.train_epoch())
        held_back = Dataset(spec, samples[test], labels[test])
        accuracies.append(
            evaluate(trainer.network(), held_back, trainer.recipe.pixel_scale).accuracy
        )
    return np.mean(accuracies)


# Usual values: one hidden layer of ReLU, and a rate that decreases to 0.
RECIPE = RECIPES["mnist-numpy"].changed(
    activation="relu",
    initialization="he",
    hidden_sizes=(64,),
    learning_rate=0.02,
    schedule="cosine",
    shuffle=True,
    standardize=True,
    epochs=30,
)


@pytest.mark.parametrize("kind", ["images", "vectors"])
def test_digits(kind):
    digits = load_digits()
    if kind == "images":
        samples = (digits.images * (255 / 16)).round().astype(np.uint8)
    else:
        samples = digits.data

    assert mean_accuracy(samples, digits.target, RECIPE) >= 0.97


def test_iris():
    iris = load_iris()
    # It has few samples, so more epochs. The mean validation loss within the folds chose tanh.
    recipe = RECIPE.changed(
        hidden_sizes=(16,), epochs=100, activation="tanh", initialization="default"
    )

    assert mean_accuracy(iris.data, iris.target, recipe) >= 0.96
