"""The Open Inference Protocol, version 2: the models as other servers' clients ask for them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag

from service.api.inference.schemas import (
    HEAD_LENGTH,
    VERSION,
    IndexRequest,
    InferHeaders,
    ModelMetadata,
    ModelReady,
    RepositoryIndex,
    ServerLive,
    ServerMetadata,
    ServerReady,
)
from service.api.inference.tensors import read_inference, write_inference
from service.api.models import ModelPath
from service.api.predict.answer import classify, in_turn, load_model
from service.api.predict.images import JSON
from service.backend import backend
from service.bodies.compression import unpack
from service.bodies.json_body import parse_object
from service.errors import problems
from stepbox import __version__
from stepbox.images.prepare import FIELD

EXTENSIONS = ["binary_tensor_data"]
OCTETS = "application/octet-stream"
PLATFORM = "stepbox_safetensors"
OUTPUTS = ("probabilities", "logits")

blueprint = APIBlueprint(
    "inference_protocol",
    __name__,
    abp_tags=[
        Tag(
            name="Open Inference Protocol",
            description="Version 2 of it, as KServe and Triton speak it. A problem's member "
            "`error` is the message that its clients show.",
        )
    ],
)


View = Callable[..., Response]


def with_or_without_version(
    add: Callable[..., Callable[[View], View]], rule: str, **description: Any
) -> Callable[[View], View]:
    """Add a view under a model's path, and under that of its one version."""

    def decorate(view: View) -> View:
        for model in ("/v2/models/<ref>", f"/v2/models/<ref>/versions/{VERSION}"):
            add(model + rule, **description)(view)
        return view

    return decorate


@blueprint.get("/v2", summary="What this server is", responses={200: ServerMetadata})
def server_metadata() -> Response:
    """Name the server, its version and the extensions of the protocol that it knows."""
    return jsonify(name="stepbox", version=__version__, extensions=EXTENSIONS)


@blueprint.get("/v2/health/live", summary="Is the server live?", responses={200: ServerLive})
def server_live() -> Response:
    """Say that the process answers, whatever it depends on."""
    return jsonify(live=True)


@blueprint.get(
    "/v2/health/ready",
    summary="Is the server ready?",
    responses={200: ServerReady, **problems(409)},
)
def server_ready() -> Response:
    """Say whether there is a model to infer with; training needs more, which /readyz tells."""
    load_model(backend().models, "latest")
    return jsonify(ready=True)


@with_or_without_version(
    blueprint.get,
    "",
    summary="What a model takes and gives",
    responses={200: ModelMetadata, **problems(404, 409)},
)
def model_metadata(path: ModelPath) -> Response:
    """Describe a model's input and outputs."""
    card, _ = load_model(backend().models, path.ref)
    return jsonify(
        name=card.id,
        versions=[VERSION],
        platform=PLATFORM,
        inputs=[{"name": "images", "datatype": "UINT8", "shape": [-1, FIELD, FIELD]}],
        outputs=[
            {"name": name, "datatype": "FP32", "shape": [-1, len(card.classes)]} for name in OUTPUTS
        ],
    )


@with_or_without_version(
    blueprint.get,
    "/ready",
    summary="Is a model ready?",
    responses={200: ModelReady, **problems(404, 409)},
)
def model_ready(path: ModelPath) -> Response:
    """Say whether a model can be inferred with."""
    card, _ = load_model(backend().models, path.ref)
    return jsonify(name=card.id, ready=True)


@blueprint.post(
    "/v2/repository/index",
    summary="List models with their states",
    responses={200: RepositoryIndex, **problems(400, 413, 422)},
    openapi_extensions={
        "requestBody": {
            "required": False,
            "content": {JSON: {"schema": IndexRequest.model_json_schema()}},
        }
    },
)
def repository_index() -> Response:
    """List all models, newest first, damaged ones too; an empty body asks for all.

    No weights are read for it: damage that does not change their size is known here once a model
    was asked for, by `/ready`, say.
    """
    data = request.get_data()
    asked = IndexRequest.model_validate(parse_object(data)) if data else IndexRequest()
    return jsonify(
        [
            {
                "name": model_id,
                "version": VERSION,
                "state": "UNAVAILABLE" if damage else "READY",
                "reason": damage or "",
            }
            for model_id, damage in backend().models.states()
            if not (asked.ready and damage)
        ]
    )


@with_or_without_version(
    blueprint.post,
    "/infer",
    summary="Infer",
    responses={
        200: {
            "description": "The outputs, in the order asked for; where some come as bytes, these "
            "follow the JSON in the same order.",
            "content": {
                JSON: {"schema": {"$ref": "#/components/schemas/InferenceResponse"}},
                OCTETS: {"schema": {"type": "string", "format": "binary"}},
            },
            "headers": {
                HEAD_LENGTH: {
                    "schema": {"type": "integer"},
                    "description": "Bytes of the JSON, where bytes follow it.",
                }
            },
        },
        **problems(400, 404, 409, 413, 415, 422),
    },
    openapi_extensions={
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"$ref": "#/components/schemas/InferenceRequest"}},
                OCTETS: {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
def infer(path: ModelPath, header: InferHeaders) -> Response:
    """Give the probabilities and logits of pictures, sent as JSON or as bytes after it.

    The pixels are taken as they are: light on dark, neither inverted nor fitted as `/predict` may.
    """
    card, network = load_model(backend().models, path.ref)
    body = unpack(request.get_data(), header.encoding, backend().settings.max_body_bytes)
    with in_turn(body):
        asked, pixels = read_inference(body, header.head_length)
        classified = classify(card, network, pixels)
    outputs = dict(zip(OUTPUTS, (classified.probabilities, classified.logits), strict=True))
    written = write_inference(
        card.id, asked, {name: values.astype(np.float32) for name, values in outputs.items()}
    )
    response = Response(written.body, content_type=JSON)
    if written.head_length is not None:
        response.content_type = OCTETS
        response.headers[HEAD_LENGTH] = str(written.head_length)
    return response
