"""The way of a prediction: the bytes of a request in, the bytes of its answer out.

Nothing here knows Flask: the same function serves its view and the fast way before it.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import Field

from service.api.parameters import Parameters
from service.api.predict.explain import MOST_EXPLAINED, explain
from service.api.predict.images import JSON, NPY, NotQuickError, read_pictures, read_prepared
from service.metrics.counts import count_predictions
from service.server.leaving import stop_if_left
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.images.prepare import Fit, Invert
from stepbox.nn.activations import Array
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network
from stepbox.store.card import Card
from stepbox.store.models import LATEST, ModelStore
from stepbox.training.evaluation import BLOCK, predict_logits

QUICK_BYTES = 65_536  # of a body; what is read and answered within some milliseconds
QUICK_CARE_BYTES = 4_096  # where each picture takes more: it is explained, or fitted as MNIST's


TURN_S = 2.0  # at most to wait for: no body, however long it takes, holds up the others
_turn = Lock()


@contextmanager
def in_turn(body: bytes) -> Iterator[None]:
    """Let large bodies be predicted one after the other, unless one takes long.

    Of threads that compute in Python at once each waits for the others at every image: in turn
    they take half the time.
    """
    held = len(body) > QUICK_BYTES and _turn.acquire(timeout=TURN_S)
    try:
        yield
    finally:
        if held:
            _turn.release()


class PredictQuery(Parameters):
    """How to predict."""

    model: str = Field(
        "latest", max_length=100, description="Id or alias of a model; `latest` is the newest."
    )
    invert: Invert = Field(
        "auto",
        description="Exchange light and dark: the data sets are light on dark, so `auto` does it "
        "where the mean of the border is over 127.",
    )
    fit: Fit = Field(
        "none",
        description="`mnist` crops a picture to its ink, scales it to 20 pixels and centres it "
        "by its mass, as MNIST was made.",
    )
    explain: bool = Field(
        False,
        description="Tell for each picture what the network saw, how sure it is and why; for at "
        f"most {MOST_EXPLAINED} pictures.",
    )
    top: int | None = Field(
        None,
        ge=1,
        le=10,
        description="Give only this many classes, the most probable first, in place of the whole "
        "distribution.",
    )


class Answer(NamedTuple):
    """The body of an answer, and its content type."""

    body: bytes
    content_type: str


def predict_body(
    models: ModelStore,
    query: PredictQuery,
    content_type: str,
    body: bytes,
    accept: str = "",
    quick: bool = False,
) -> Answer:
    """Predict the pictures in a body: the whole way of a prediction, bytes in and bytes out.

    Parameters
    ----------
    models
        Where the model is looked for.
    query
        How to predict.
    content_type, accept
        The headers of these names.
    body
        The request's body.
    quick
        Raise NotQuickError where the pictures are of a kind whose reading may take long, or the
        network is not in memory.

    Raises
    ------
    NotFoundError, ConflictError, DamagedModelError
        There is no such model, none at all, or its files are damaged.
    InvalidInputError, pydantic.ValidationError, werkzeug.exceptions.HTTPException
        As `service.api.predict.images.read_pictures`, or too many pictures are to be explained.
    """
    if quick and (query.explain or query.fit == "mnist") and len(body) > QUICK_CARE_BYTES:
        raise NotQuickError
    card, network = load_model(models, query.model, quick)
    explanations: list[dict[str, Any]] = []
    pixels: NDArray[Any]
    if query.explain:
        prepared = read_prepared(content_type, body, query.invert, query.fit, quick)
        if len(prepared) > MOST_EXPLAINED:
            raise InvalidInputError.at(
                "/explain", f"at most {MOST_EXPLAINED} pictures are explained"
            )
        explanations = explain(network, prepared, card.recipe.pixel_scale)
        pixels = np.stack([picture.pixels for picture in prepared])
    else:
        pixels = read_pictures(content_type, body, query.invert, query.fit, quick)
    classified = classify(card, network, pixels)
    if accept.partition(",")[0].strip() == NPY:
        return Answer(_npy(classified.probabilities), NPY)
    return Answer(_json(card, classified, query.top, explanations), JSON)


def load_model(models: ModelStore, reference: str, quick: bool = False) -> tuple[Card, Network]:
    """Load a model; that there is none at all yet is a conflict.

    Where it has to be quick, NotQuickError says that the network is not in memory.
    """
    try:
        if not quick:
            return models.load(reference)
        if loaded := models.loaded(reference):
            return loaded
        raise NotQuickError
    except NotFoundError as error:
        if reference in LATEST:
            raise ConflictError(f"{error}: train one first") from None
        raise


class Classified(NamedTuple):
    """What a network says of n pictures.

    Attributes
    ----------
    logits, probabilities
        Shape (n, 10), float64.
    best
        The most probable class of each.
    """

    logits: Array
    probabilities: Array
    best: list[int]


def classify(card: Card, network: Network, pixels: NDArray[Any]) -> Classified:
    """Let a network tell what pixels, shape (n, 28, 28), show, and count what it says."""
    blocks = []
    for start in range(0, len(pixels), BLOCK):
        stop_if_left()
        block = pixels[start : start + BLOCK]
        blocks.append(predict_logits(network, block, card.recipe.pixel_scale).astype(np.float64))
    logits = np.concatenate(blocks)
    probabilities = softmax(logits)
    best = probabilities.argmax(axis=1).tolist()
    count_predictions(card.id, best)
    return Classified(logits, probabilities, best)


def _json(
    card: Card, classified: Classified, top: int | None, explanations: list[dict[str, Any]]
) -> bytes:
    classes = card.classes
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
    for prediction, explanation in zip(predictions, explanations, strict=False):
        prediction.update(explanation)
    return orjson.dumps({"model": card.id, "classes": classes, "predictions": predictions})


def _npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
