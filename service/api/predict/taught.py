"""POST /predict/taught: the steps of the training that changed the loss of a sample most."""

from itertools import islice
from typing import Any, Literal

import numpy as np
from flask import Response, request
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, Field

from service.api.parameters import BodyHeaders
from service.api.predict.answer import InputQuery, find_model
from service.api.predict.endpoint import REQUEST_BODY, TAG
from service.api.predict.explain import PictureFit, Values, describe_fit
from service.api.predict.preparation import Fields, prepare_images
from service.api.predict.turns import in_turn, with_memory_for
from service.api.readers.by_type import read_images
from service.api.readers.images import input_name
from service.api.samples import json_of
from service.backend import backend
from service.bodies.bounds import LAYERS_BYTES, Bound
from service.bodies.compression import decompress
from service.errors import problems
from service.server.client_disconnected import raise_if_disconnected
from stepbox.analysis.step_trace import loss_of
from stepbox.data.dataset import MOST_CLASSES
from stepbox.errors import InvalidInputError
from stepbox.store.card import Card, ModelId
from stepbox.training.effects import Effect, step_effects
from stepbox.training.evaluation import predict_logits

STRONGEST = 5  # steps in each direction
MOST_SAMPLES = 10  # of a batch

blueprint = APIBlueprint("taught", __name__, abp_tags=[TAG])


class TaughtQuery(InputQuery):
    """Query parameters: how to read the sample, and the class."""

    label: int | None = Field(
        None,
        ge=0,
        lt=MOST_CLASSES,
        description="Index of the class whose loss is meant. Without it, the predicted class.",
    )


class TaughtStep(BaseModel):
    """A step of a training, and what it did to the loss of the sample."""

    step: int = Field(description="Number of the step, from 1.")
    epoch: int
    batch_size: int = Field(description="Number of samples that the step saw.")
    samples: list[int] = Field(
        description=f"Indices in the training set of the first {MOST_SAMPLES} of them."
    )
    labels: list[int] = Field(description="Their classes.")
    loss_before: float = Field(description="The loss before the step, in nats.")
    loss_after: float = Field(description="The loss after the step.")
    change: float = Field(description="`loss_after` minus `loss_before`.")


class Taught(BaseModel):
    """The steps that changed the loss of a sample most, among those next to the snapshots.

    They are a sample of the training: its other steps may have changed the loss more.
    """

    model: ModelId
    label: int = Field(
        ge=0, le=MOST_CLASSES - 1, description="The class whose loss is meant: −log p."
    )
    label_from: Literal["request", "prediction"] = Field(
        description="Whether the request gave this class, or it is the predicted one."
    )
    predicted: int = Field(ge=0, le=MOST_CLASSES - 1, description="The class that is predicted.")
    loss: float = Field(ge=0, description="The loss of the trained network, in nats.")
    steps: int = Field(description="Number of all steps of the training.")
    steps_looked_at: int = Field(
        description="Number of the steps that were taken again: the first ones from each of the "
        "snapshots on."
    )
    snapshots: list[int] = Field(description="The steps of these snapshots.")
    lowered: list[TaughtStep] = Field(
        max_length=STRONGEST,
        description="The steps that lowered the loss most, the strongest first.",
    )
    raised: list[TaughtStep] = Field(
        max_length=STRONGEST,
        description="The steps that raised the loss most, the strongest first.",
    )
    seen: Values = Field(
        description="What the network saw, in the shape of the data set: pixels from 0 (dark) to "
        "255, or one number per column."
    )
    fit: PictureFit | None = Field(
        None,
        description="How the image was prepared. Missing if it was used as it is.",
    )
    ink: Literal[False] | None = Field(
        None,
        description="False if the image shows nothing: it is empty or nearly uniform. Missing "
        "otherwise.",
    )


@blueprint.post(
    "/predict/taught",
    responses={200: Taught, **problems(400, 404, 409, 413, 415, 422, 503)},
    openapi_extensions={"requestBody": REQUEST_BODY},
)
@Bound(body_bytes=None, memory_bytes=LAYERS_BYTES, decodes_images=True, decompresses=True)
def taught(query: TaughtQuery, header: BodyHeaders) -> Response:
    """Find the steps of the training that changed the loss of one sample most.

    The body is that of POST /predict, with a single sample. Only the steps next to the snapshots of
    the training are looked at, so the result is a sample of all steps. This takes up to a few
    seconds.
    """
    card, network = find_model(backend().models.load, query.model)
    if query.label is not None and query.label >= len(card.classes):
        raise InvalidInputError.at("/label", f"must be from 0 to {len(card.classes) - 1}")
    replay = backend().figures.replay(card.id)
    body = decompress(request.get_data(), header.encoding, backend().settings.max_body_bytes)
    with in_turn(body):
        fields = _prepare(card, query, body)
    with with_memory_for(network):
        scale = card.recipe.pixel_scale
        [logits] = predict_logits(network, fields.pixels, scale, raise_if_disconnected)
    predicted = int(logits.argmax())
    label = predicted if query.label is None else query.label
    with replay.lock, backend().figures.turn:
        found = step_effects(replay, fields.pixels[0], label)
    return json_of(
        {
            "model": card.id,
            "label": label,
            "label_from": "prediction" if query.label is None else "request",
            "predicted": predicted,
            "loss": loss_of(logits.astype(np.float64), label),
            "steps": found.steps,
            "steps_looked_at": len(found.effects),
            "snapshots": found.snapshots,
            "lowered": [_step(effect) for effect in found.lowered(STRONGEST)],
            "raised": [_step(effect) for effect in found.raised(STRONGEST)],
            **_sample(fields),
        }
    )


def _prepare(card: Card, query: TaughtQuery, body: bytes) -> Fields:
    """Read and prepare the only sample of a body."""
    spec = card.dataset
    content_type = request.headers.get("Content-Type", "")
    first = list(islice(read_images(content_type, body, spec, query.scale), 2))
    if len(first) > 1:
        raise InvalidInputError.at(f"/{input_name(spec)}", "must be a single sample here")
    return prepare_images(first, spec, query.invert, query.fit)


def _step(effect: Effect) -> dict[str, Any]:
    """Return the fields of `TaughtStep` for `json_of`."""
    return {
        "step": effect.step,
        "epoch": effect.epoch,
        "batch_size": len(effect.labels),
        "samples": effect.indices[:MOST_SAMPLES],
        "labels": effect.labels[:MOST_SAMPLES],
        "loss_before": effect.before,
        "loss_after": effect.after,
        "change": effect.change,
    }


def _sample(fields: Fields) -> dict[str, Any]:
    """Describe the sample, as `explain` does."""
    described: dict[str, Any] = {"seen": fields.pixels[0]}
    if fields.changed:
        described["fit"] = describe_fit(fields.changed[0])
    if fields.empty:
        described["ink"] = False
    return described
