"""Predict the images of a request, and write the body of the response."""

import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import Field

from service.api.parameters import Parameters
from service.api.predict.activations import (
    MOST_IMAGES,
    MOST_OFF_LETTERS,
    describe_layers,
    most_with_activations,
    read_off,
)
from service.api.predict.explain import (
    MOST_EXPLAINED,
    describe_fit,
    explain,
    most_occluded,
    occlusions,
)
from service.api.predict.preparation import TakesLongError, prepare_images
from service.api.predict.turns import is_large, with_memory_for
from service.api.readers.by_type import JSON, NPY, read_images
from service.api.readers.images import Images
from service.metrics.counts import count_predictions
from service.server.client_disconnected import raise_if_disconnected
from service.server.quick import QuickAnswer
from stepbox.data.dataset import MOST_CLASSES, PixelScale
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.images.field import Invert
from stepbox.images.prepare import Fit
from stepbox.nn.activations import Array
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network
from stepbox.store.card import Card
from stepbox.store.models import ModelStore
from stepbox.store.reader import LATEST
from stepbox.training.evaluation import predict_logits

T = TypeVar("T")

QUICK_PRODUCTS = 2**25  # multiplications of a quick answer: a few milliseconds


class InputQuery(Parameters):
    """Which model to ask, and how to read and prepare the samples."""

    model: str = Field(
        "latest", max_length=100, description="Id or alias of a model; `latest` is the newest."
    )
    invert: Invert = Field(
        "auto",
        description="Exchange light and dark. `auto` does it only if the `background` of the "
        "model's data set is dark, as in the built-in ones, and the background of the image is "
        "lighter than what it shows.",
    )
    fit: Fit = Field(
        "auto",
        description="`auto` uses an image that has the form of the data set (its size, and a dark "
        "border if the data set's `background` is dark) as it is, and prepares any other image as "
        "the data set was made. `none` scales the whole image, as images of uploaded data sets "
        "were. Only for grey images of 28×28 pixels: `mnist` finds the strokes of a digit, and "
        "gives them the width, size and place that they have in MNIST; `fashion-mnist` trims, "
        "scales and centers a product.",
    )
    scale: PixelScale | None = Field(
        None,
        description="Which number is white: 1 (`unit`) or 255 (`raw`). It is needed if the largest "
        "number is not 0 and at most 1. A JSON body can have it as a member.",
    )


class PredictQuery(InputQuery):
    """How to predict."""

    explain: bool = Field(
        False,
        description="Add what the network saw, how sure it is and why, for at most "
        f"{MOST_EXPLAINED} images.",
    )
    activations: bool = Field(
        False,
        description="Add the activations of each layer, and what each neuron of the last hidden "
        f"layer adds to each logit, for at most {MOST_IMAGES} images.",
    )
    occlusion: bool = Field(
        False,
        description="Add how much the probability of the predicted class drops while a part of the "
        f"image is covered, for at most {MOST_IMAGES} images.",
    )
    off: str | None = Field(
        None,
        max_length=MOST_OFF_LETTERS,
        description="Neurons to switch off, such as `1.17,2.3`: the number of a hidden layer, from "
        "1, and the index of a neuron, from 0. Their activation is 0. In a convolution or a "
        "max-pooling layer, the index is that of a channel, whose whole feature map is 0.",
    )
    top: int | None = Field(
        None,
        ge=1,
        le=MOST_CLASSES,
        description="Return only this many classes, the most probable first, instead of the whole "
        "distribution; at most as many as the model has.",
    )


def predict_body(
    models: ModelStore, query: PredictQuery, content_type: str, body: bytes, accept: str = ""
) -> QuickAnswer:
    """Predict the images in a body.

    Parameters
    ----------
    models
        The models to choose from.
    query
        How to predict.
    content_type, accept
        The request headers of these names.
    body
        The request's body.

    Raises
    ------
    NotFoundError, ConflictError, DamagedModelError
        The model does not exist, `latest` finds none, or the model's files are damaged.
    InvalidInputError, pydantic.ValidationError, werkzeug.exceptions.HTTPException
        The images are invalid (see `service.api.readers.by_type.read_images`), or too many to be
        explained.
    """
    model = find_model(models.load, query.model)
    images = read_images(content_type, body, model[0].dataset, query.scale)
    return predict_images(model, query, images, accept)


def find_model(find: Callable[[str], T], reference: str) -> T:
    """Find a model with a method of `ModelStore`. Raise ConflictError if `latest` finds none."""
    try:
        return find(reference)
    except NotFoundError as error:
        if LATEST.fullmatch(reference):
            raise ConflictError(f"{error}: train one first") from None
        raise


def predict_images(
    model: tuple[Card, Network],
    query: PredictQuery,
    images: Images,
    accept: str,
    *,
    quick: bool = False,
) -> QuickAnswer:
    """Predict images, and write the body of the response.

    If `quick`, raise TakesLongError if an image must be more than inverted, or if the network needs
    more than a few milliseconds or much memory.
    """
    card, network = model
    if query.top is not None and query.top > len(card.classes):
        raise InvalidInputError.at("/top", f"must be from 1 to {len(card.classes)} for this model")
    off = None if query.off is None else read_off(query.off, card.layers)
    if off:
        network = network.without((layer - 1, neuron) for layer, neuron in off)
    if query.explain:
        images = _at_most(MOST_EXPLAINED, images, "/explain", "can be explained")
    if query.activations:
        most = most_with_activations(card.layers)
        images = _at_most(most, images, "/activations", "of this model can have activations")
    spec = card.dataset
    if query.occlusion:
        most = most_occluded(network, spec)
        images = _at_most(most, images, "/occlusion", "of this model can be covered")
    fields = prepare_images(images, spec, query.invert, query.fit, quick=quick)
    if quick and (is_large(network) or network.products * len(fields.pixels) > QUICK_PRODUCTS):
        raise TakesLongError
    classified = classify(card, network, fields.pixels)
    if accept.partition(",")[0].strip() == NPY:
        return QuickAnswer(_npy(classified.probabilities), NPY)
    additions: dict[int, dict[str, Any]] = defaultdict(dict)
    scale = card.recipe.pixel_scale
    with with_memory_for(network):
        found: list[Iterable[dict[str, Any]]] = []
        if query.explain:
            found.append(explain(network, fields, spec, scale, classified.probabilities))
        if query.activations:
            found.append(describe_layers(network, card.layers, fields, scale))
        if query.occlusion:
            found.append(occlusions(network, fields, spec, scale, classified.best))
        for one_each in found:
            for index, addition in enumerate(one_each):
                additions[index] |= addition
    for index, prepared in fields.changed.items():
        additions[index]["fit"] = describe_fit(prepared)
    for index in fields.empty:
        additions[index]["ink"] = False
    answer = {
        "model": card.id,
        "classes": card.classes,
        **({"columns": spec.columns} if query.explain and spec.columns else {}),
        "predictions": _predictions(card.classes, classified, query.top, additions),
    }
    if off is not None:
        answer["off"] = [f"{layer}.{neuron}" for layer, neuron in off]
    return QuickAnswer(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), JSON)


def _at_most(most: int, images: Images, pointer: str, what: str) -> Images:
    """Return the images as a list. Raise InvalidInputError if there are more than `most`."""
    first = list(islice(images, most + 1))
    if len(first) > most:
        raise InvalidInputError.at(pointer, f"at most {most} images {what}")
    return first


class Classified(NamedTuple):
    """The outputs of a network for n images.

    Attributes
    ----------
    logits, probabilities
        Shape (n, classes), float64.
    best
        The most probable class of each image.
    """

    logits: Array
    probabilities: Array
    best: list[int]


def classify(card: Card, network: Network, pixels: NDArray[Any]) -> Classified:
    """Run a network on samples, shape (n, *shape), and count the predictions."""
    scale = card.recipe.pixel_scale
    with with_memory_for(network):
        logits = predict_logits(network, pixels, scale, raise_if_disconnected)
    logits = logits.astype(np.float64, copy=False)
    probabilities = softmax(logits)
    best = probabilities.argmax(axis=1).tolist()
    count_predictions(card.id, len(card.classes), best)
    return Classified(logits, probabilities, best)


def _predictions(
    classes: Sequence[str],
    classified: Classified,
    top: int | None,
    additions: Mapping[int, dict[str, Any]],
) -> list[dict[str, Any]]:
    rows = classified.probabilities.tolist()
    predictions: list[dict[str, Any]]
    if top is None:
        predictions = [
            {
                "index": index,
                "label": classes[index],
                "probability": row[index],
                "probabilities": row,
                "logits": row_logits,
            }
            for index, row, row_logits in zip(
                classified.best, rows, classified.logits.tolist(), strict=True
            )
        ]
    else:
        order = np.argsort(-classified.probabilities, axis=1, kind="stable")[:, :top].tolist()
        ranked = [
            [
                {"index": index, "label": classes[index], "probability": row[index]}
                for index in indices
            ]
            for indices, row in zip(order, rows, strict=True)
        ]
        predictions = [{**entries[0], "top": entries} for entries in ranked]
    for index, addition in additions.items():
        predictions[index].update(addition)
    return predictions


def _npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
