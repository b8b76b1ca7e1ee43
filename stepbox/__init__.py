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
    "stepbox.client": {"AsyncClient", "Client"},
    "stepbox.data.builtin": {"DATASETS", "load_dataset"},
    "stepbox.data.dataset": {"Dataset", "DatasetSpec"},
    "stepbox.exporting.formats": {"export"},
    "stepbox.nn.network": {"Network"},
    "stepbox.run": {"Model", "Prediction", "load", "train"},
    "stepbox.tracing": {"taught", "trace"},
    "stepbox.training.presets": {"RECIPES"},
    "stepbox.training.recipe": {"Recipe"},
}

__all__ = [
    "DATASETS",
    "RECIPES",
    "AsyncClient",
    "Client",
    "Dataset",
    "DatasetSpec",
    "Model",
    "Network",
    "Prediction",
    "Recipe",
    "__version__",
    "export",
    "load",
    "load_dataset",
    "taught",
    "trace",
    "train",
]

if TYPE_CHECKING:
    from stepbox.client import AsyncClient, Client
    from stepbox.data.builtin import DATASETS, load_dataset
    from stepbox.data.dataset import Dataset, DatasetSpec
    from stepbox.exporting.formats import export
    from stepbox.nn.network import Network
    from stepbox.run import Model, Prediction, load, train
    from stepbox.tracing import taught, trace
    from stepbox.training.presets import RECIPES
    from stepbox.training.recipe import Recipe


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'stepbox' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
