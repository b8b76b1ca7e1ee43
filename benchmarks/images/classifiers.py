"""The networks that classify the images: in this process, or in a running service."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from benchmarks.serving.processes import ROOT
from stepbox.images.decode import Grey, decode_image
from stepbox.images.prepare import prepare
from stepbox.run import Model, load, train
from stepbox.training.presets import RECIPES

CACHE = ROOT / ".run" / "bench-images"


class Classifier(Protocol):
    """A network with its data set, and its accuracy on the data set's test images."""

    dataset: str
    accuracy: float

    def classify(self, file: bytes, **options: str) -> int:
        """Return the most probable label of an image file; the options are those of /predict."""


class Local(NamedTuple):
    """A model in this process."""

    model: Model
    dataset: str
    accuracy: float

    def classify(self, file: bytes, **options: str) -> int:
        """Return the most probable label of an image file."""
        return int(self.model.predict(file, **options).probabilities.argmax())


class Remote(NamedTuple):
    """A model of a running service."""

    url: str
    name: str
    dataset: str
    accuracy: float

    def classify(self, file: bytes, **options: str) -> int:
        """Return the most probable label of an image file."""
        query = urlencode({"model": self.name, "top": "1", **options})
        request = Request(f"{self.url}/predict?{query}", file, {"Content-Type": "image/png"})
        with urlopen(request) as answer:
            return int(json.load(answer)["predictions"][0]["index"])


@cache
def classifier(name: str, url: str | None = None) -> Classifier:
    """Return a model of a service, by id or alias, or the trained model of a recipe."""
    if url is None:
        model = trained(name)
        return Local(model, model.recipe.dataset, model.card.evaluation.accuracy)
    with urlopen(f"{url}/models/{name}") as answer:
        card = json.load(answer)
    return Remote(url, name, card["recipe"]["dataset"], card["evaluation"]["accuracy"])


def trained(name: str, folder: Path = CACHE) -> Model:
    """Load the model of a recipe; train it unless the folder has one of the same recipe."""
    path = folder / name
    if path.exists():
        model = load(path)
        if model.recipe == RECIPES[name]:
            return model
        shutil.rmtree(path)
    model = train(name)
    model.save(path)
    return model


def seen(model: Model, file: bytes) -> Grey:
    """Return the pixels that the network sees of an image file."""
    grey = decode_image(file, pointer="/image")
    return prepare(grey, model.card.dataset).pixels
