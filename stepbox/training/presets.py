"""The named recipes.

`mnist-numpy-published` and `fashion-mnist-torch` are the source's (docs/explanation/source.md).
"""

from typing import Any

from stepbox.data.plane import GeneratedData
from stepbox.training.recipe import Recipe

_NUMPY = Recipe(
    name="mnist-numpy",
    engine="numpy",
    dataset="mnist",
    hidden_sizes=(32, 32),
    activation="sigmoid",
    epochs=3,
    learning_rate=0.03,
    batch_size=1,
    seed=80085,
    shuffle=False,
    pixel_scale="unit",
    gradient="exact",
)
_NUMPY_BEST = _NUMPY.changed(
    name="mnist-numpy-best",
    hidden_sizes=(512, 128),
    activation="relu",
    epochs=26,
    learning_rate=0.005,
    seed=0,
    shuffle=True,
    initialization="he",
    schedule="cosine",
    augmentation="distort",
    single_precision=True,
)
_TORCH = Recipe(
    name="fashion-mnist-torch",
    engine="torch",
    dataset="fashion-mnist",
    hidden_sizes=(256, 128, 64),
    activation="relu",
    epochs=60,
    learning_rate=0.01,
    batch_size=64,
    seed=0,
    shuffle=True,
    pixel_scale="unit",
    gradient="exact",
)

_TORCH_BEST = _TORCH.changed(
    name="fashion-mnist-torch-best",
    activation="gelu",
    epochs=120,
    learning_rate=0.004,
    batch_size=256,
    optimizer="adamw",
    weight_decay=0.1,
    schedule="one-cycle",
    dropout=0.1,
    normalization="batch",
    standardize=True,
    augmentation="mirror-shift",
)


def _five_convolutions(channels: int) -> list[dict[str, Any]]:
    """Return convolutions for images of 28 × 28; the first one has this many channels."""
    return [
        {"type": "convolution", "channels": channels, "kernel": 5, "padding": 2},
        {"type": "max-pool", "size": 2},
        {"type": "convolution", "channels": 2 * channels, "kernel": 3, "padding": 1},
        {"type": "convolution", "channels": 2 * channels, "kernel": 3, "padding": 1},
        {"type": "max-pool", "size": 2},
        {"type": "convolution", "channels": 4 * channels, "kernel": 3, "padding": 1},
        {"type": "convolution", "channels": 4 * channels, "kernel": 3, "padding": 1},
        {"type": "max-pool", "size": 3, "stride": 2},
    ]


_TORCH_CONVOLUTION = _TORCH_BEST.changed(
    name="mnist-torch-convolution",
    dataset="mnist",
    layers=_five_convolutions(24),
    activation="relu",
    epochs=24,
    learning_rate=0.01,
    batch_size=128,
    weight_decay=0.05,
    dropout=0.0,
    augmentation="affine",
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _NUMPY,
        _NUMPY.changed(
            name="mnist-numpy-published",
            learning_rate=0.003,
            pixel_scale="raw",
            gradient="published",
        ),
        _NUMPY_BEST,
        _NUMPY_BEST.changed(
            name="mnist-numpy-convolution",
            layers=[
                {"type": "convolution", "channels": 24, "kernel": 5},
                {"type": "max-pool", "size": 2},
                {"type": "convolution", "channels": 48, "kernel": 5},
                {"type": "max-pool", "size": 2},
                {"type": "dense", "neurons": 256},
            ],
            epochs=32,
        ),
        _NUMPY_BEST.changed(name="mnist-numpy-record", hidden_sizes=(1024, 1024, 512), epochs=100),
        _TORCH,
        _TORCH_BEST,
        _TORCH_CONVOLUTION,
        _TORCH_CONVOLUTION.changed(
            name="fashion-mnist-torch-convolution",
            dataset="fashion-mnist",
            layers=_five_convolutions(32),
            epochs=24,
            augmentation="mirror-shift",
        ),
        _NUMPY.changed(
            name="playground",
            dataset=GeneratedData(generate="spiral", noise=0.05).name,
            hidden_sizes=(8, 8),
            activation="tanh",
            epochs=300,
            learning_rate=0.1,
            batch_size=5,
            seed=0,
            shuffle=True,
            pixel_scale="raw",
            standardize=True,
        ),
    )
}

DEFAULT_RECIPE = "mnist-numpy"
