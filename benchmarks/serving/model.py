"""What every server is given: one trained network, and pictures with the answers they must have."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stepbox.data.builtin import load_dataset
from stepbox.data.dataset import scale_pixels
from stepbox.images.decode import encode_png
from stepbox.nn.activations import Array
from stepbox.run import train
from stepbox.store.models import ModelStore
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import Recipe

DATA = Path(os.environ.get("STEPBOX_DATA_DIR", "data")).resolve()
RECIPE = RECIPES["fashion-mnist-torch"].model_copy(update={"epochs": 2})
PICTURES = 100
BORDER = np.pad(np.zeros((26, 26), bool), 1, constant_values=True)
DARK = 100  # grey level; Stepbox inverts a picture whose border is lighter than 127


@dataclass(frozen=True)
class Served:
    """A published model and its pictures.

    Attributes
    ----------
    models_dir
        The folder of models, for Stepbox.
    weights
        Its safetensors file, for everyone else.
    pictures
        PNG files of the first test pictures whose ground is dark: nobody inverts them.
    images
        Their pixels, uint8, shape (n, 28, 28).
    probabilities
        What must be answered to each, shape (n, 10).
    """

    models_dir: Path
    weights: Path
    pictures: list[Path]
    images: Array
    probabilities: Array


def serve_model(folder: Path, recipe: Recipe = RECIPE) -> Served:
    """Train the network in a folder, once, and write the pictures beside it."""
    models = folder / "models"
    store = ModelStore(models)
    test_set = load_dataset(recipe.dataset, "test")
    if not store.ids():
        _train(store, recipe)
    card, network = store.load("latest")
    dark = test_set.images[:, BORDER].mean(axis=1) < DARK
    images = test_set.images[dark][:PICTURES]
    pictures = [folder / "pictures" / f"{index}.png" for index in range(PICTURES)]
    pictures[0].parent.mkdir(exist_ok=True)
    for path, image in zip(pictures, images, strict=True):
        path.write_bytes(encode_png(image))
    inputs = scale_pixels(images, card.recipe.pixel_scale, network.weights[0].dtype)
    return Served(
        models_dir=models,
        weights=models / card.id / "weights.safetensors",
        pictures=pictures,
        images=images,
        probabilities=network.probabilities(inputs),
    )


def _train(store: ModelStore, recipe: Recipe) -> None:
    model = train(recipe)
    store.stage(model.card.id, model.card, model.network, model.initial)
    store.publish(model.card.id, model.card.id)
