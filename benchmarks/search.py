"""Compare changes to a recipe on a validation split, never on the test set.

    python -m benchmarks.search mnist-numpy-best [change ...]

It holds out a sixth of the training images, and evaluates on them. Each change is a name in
`CHANGES`. If none is named, it tries all changes to the recipe, and the recipe as it is.
Each run takes minutes.
"""

import argparse
import time
from typing import Any

from stepbox.data.builtin import load_dataset
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import Recipe, RecipeName
from stepbox.training.report import HistoryEntry

VALIDATION = 1 / 6  # as many images as in the test sets

Changes = dict[str, dict[str, Any]]

CHANGES: dict[RecipeName, Changes] = {
    "mnist-numpy-best": {
        "as it is": {},
        "slower": {"learning_rate": 0.0025},
        "faster": {"learning_rate": 0.01},
        "narrower": {"hidden_sizes": (256, 128)},
        "one layer": {"hidden_sizes": (512,)},
        "plain images": {"augmentation": "none"},
        "tanh": {"activation": "tanh", "initialization": "default"},
    },
    "mnist-numpy-convolution": {
        "as it is": {},
        "slower": {"learning_rate": 0.0025},
        "faster": {"learning_rate": 0.01},
        "narrower, longer": {
            "layers": [
                {"type": "convolution", "channels": 16, "kernel": 5},
                {"type": "max-pool", "size": 2},
                {"type": "convolution", "channels": 32, "kernel": 5},
                {"type": "max-pool", "size": 2},
                {"type": "dense", "neurons": 128},
            ],
            "epochs": 45,
        },
    },
    "mnist-numpy-record": {
        "as it is": {},
        "shorter": {"epochs": 50},
        "longer": {"epochs": 120},
        "two layers": {"hidden_sizes": (1024, 256)},
    },
    "mnist-torch-convolution": {
        "as it is": {},
        "shorter": {"epochs": 12},
        "distorted": {"augmentation": "distort"},
    },
    "fashion-mnist-torch-convolution": {
        "as it is": {},
        "dropout": {"dropout": 0.1},
        "longer": {"epochs": 40},
    },
    "fashion-mnist-torch-best": {
        "as it is": {},
        "slower": {"learning_rate": 0.002},
        "faster": {"learning_rate": 0.008},
        "shorter": {"epochs": 80},
        "faster, shorter": {"learning_rate": 0.008, "dropout": 0.05, "epochs": 80},
        "less dropout": {"dropout": 0.05},
        "more dropout": {"dropout": 0.15},
        "less decay": {"weight_decay": 0.05},
        "more decay": {"weight_decay": 0.2},
        "smaller batches": {"batch_size": 128},
        "relu": {"activation": "relu"},
        "plain images": {"augmentation": "none"},
    },
}


def validate(recipe: Recipe) -> HistoryEntry:
    """Train a recipe, and return the last epoch's figures."""
    train_set = load_dataset(recipe.dataset, "train")
    # The loop evaluates on the test set, too; one sample of the training set takes its place.
    *_, last = train(make_trainer(recipe, train_set), train_set[:1])
    assert isinstance(last, HistoryEntry)
    return last


def main() -> None:
    """Print a line for each change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=CHANGES)
    parser.add_argument("changes", nargs="*")
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    known = CHANGES[arguments.recipe]
    if unknown := set(arguments.changes) - known.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in arguments.changes or known:
        change = known[name] | ({} if arguments.seed is None else {"seed": arguments.seed})
        started = time.process_time()
        last = validate(RECIPES[arguments.recipe].changed(validation=VALIDATION, **change))
        print(
            f"{arguments.recipe}, {name} {change}: validation "
            f"accuracy {last.validation_accuracy:.2%}, "
            f"loss {last.validation_loss:.4f}, train loss {last.train_loss:.4f}, "
            f"{time.process_time() - started:.0f} s of one core",
            flush=True,
        )


if __name__ == "__main__":
    main()
