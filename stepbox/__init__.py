"""Stepbox: small neural networks, trained by formulas that you can read.

    >>> import stepbox
    >>> run = stepbox.train("mnist-numpy", epochs=1, hidden_sizes=[16], progress=False)
    >>> run.history[-1].test_accuracy > 0.8
    True

Each name below is imported when it is first used, so ``import stepbox`` is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

_MODULES = {
    "Dataset": "stepbox.data.dataset",
    "DatasetSpec": "stepbox.data.dataset",
    "DATASETS": "stepbox.data.builtin",
    "load_dataset": "stepbox.data.builtin",
    "Model": "stepbox.run",
    "Prediction": "stepbox.run",
    "load": "stepbox.run",
    "train": "stepbox.run",
    "Network": "stepbox.nn.network",
    "RECIPES": "stepbox.training.presets",
    "Recipe": "stepbox.training.recipe",
}

__all__ = [
    "DATASETS",
    "RECIPES",
    "Dataset",
    "DatasetSpec",
    "Model",
    "Network",
    "Prediction",
    "Recipe",
    "__version__",
    "load",
    "load_dataset",
    "train",
]

if TYPE_CHECKING:
    from stepbox.data.builtin import DATASETS, load_dataset
    from stepbox.data.dataset import Dataset, DatasetSpec
    from stepbox.nn.network import Network
    from stepbox.run import Model, Prediction, load, train
    from stepbox.training.presets import RECIPES
    from stepbox.training.recipe import Recipe


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'stepbox' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
