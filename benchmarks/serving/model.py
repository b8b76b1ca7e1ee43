"""The input of every server: one trained network, and images with the expected answers."""

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
NETWORKS = {
    "dense": RECIPES["fashion-mnist-torch"].changed(epochs=2),
    "convolution": RECIPES["mnist-torch-convolution"].changed(
        layers=[
            {"type": "convolution", "channels": 16, "kernel": 5},
            {"type": "max-pool", "size": 2},
            {"type": "convolution", "channels": 32, "kernel": 5},
            {"type": "max-pool", "size": 2},
        ],
        epochs=1,
        augmentation="none",
    ),
}
IMAGES = 100
BORDER = np.pad(np.zeros((26, 26), bool), 1, constant_values=True)
DARK = 100  # grey level; Stepbox inverts an image if the mean of its border is above 127


@dataclass(frozen=True)
class Served:
    """A published model and its images.

    Attributes
    ----------
    models_dir
        Folder of models, for Stepbox.
    weights
        The safetensors file, for the other servers.
    image_files
        PNG files of the first test images with a dark border; Stepbox inverts none of them.
    images
        The pixels of these images, uint8, shape (n, 28, 28).
    probabilities
        The expected answer to each image, shape (n, 10).
    """

    models_dir: Path
    weights: Path
    image_files: list[Path]
    images: Array
    probabilities: Array


def serve_model(folder: Path, recipe: Recipe) -> Served:
    """Train the network, unless the folder has one, and write the image files."""
    models = folder / "models"
    store = ModelStore(models)
    test_set = load_dataset(recipe.dataset, "test")
    if not store.ids():
        _train(store, recipe)
    card, network = store.load("latest")
    dark = test_set.samples[:, BORDER].mean(axis=1) < DARK
    images = test_set.samples[dark][:IMAGES]
    image_files = [folder / "image_files" / f"{index}.png" for index in range(IMAGES)]
    image_files[0].parent.mkdir(exist_ok=True)
    for path, image in zip(image_files, images, strict=True):
        path.write_bytes(encode_png(image))
    inputs = scale_pixels(images, card.recipe.pixel_scale, network.dtype)
    return Served(
        models_dir=models,
        weights=models / card.id / "weights.safetensors",
        image_files=image_files,
        images=images,
        probabilities=network.probabilities(inputs),
    )


def _train(store: ModelStore, recipe: Recipe) -> None:
    model = train(recipe)
    store.stage(model.card.id, model.card, model.network, model.initial)
    store.publish(model.card.id, model.card.id)
