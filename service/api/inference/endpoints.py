"""The views of the Open Inference Protocol, version 2."""

from collections.abc import Callable
from typing import Any

import numpy as np
from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag

from service.api.inference import schemas
from service.api.inference.tensors import OUTPUTS, datatypes, read_inference, write_inference
from service.api.models import ModelPath
from service.api.parameters import BINARY
from service.api.predict.answer import classify, find_model
from service.api.predict.preparation import prepare_images
from service.api.predict.turns import in_turn
from service.api.readers.by_type import JSON
from service.api.readers.images import input_name
from service.backend import backend
from service.bodies.bounds import Bound
from service.bodies.compression import decompress
from service.bodies.json_body import parse_object
from service.errors import problems
from stepbox import __version__

OCTETS = "application/octet-stream"

blueprint = APIBlueprint(
    "inference_protocol",
    __name__,
    abp_tags=[
        Tag(
            name="Open Inference Protocol",
            description="Version 2, as supported by KServe and Triton.",
        )
    ],
)


View = Callable[..., Response]


def with_or_without_version(
    add: Callable[..., Callable[[View], View]], rule: str, **description: Any
) -> Callable[[View], View]:
    """Add a view under two paths: that of a model, and that of the model's only version."""

    def decorate(view: View) -> View:
        for model in ("/v2/models/<ref>", f"/v2/models/<ref>/versions/{schemas.VERSION}"):
            add(model + rule, **description)(view)
        return view

    return decorate


@blueprint.get("/v2", responses={200: schemas.ServerMetadata})
def server_metadata() -> Response:
    """Return the server's name, its version and the supported extensions."""
    return jsonify(name="stepbox", version=__version__, extensions=["binary_tensor_data"])


@blueprint.get("/v2/health/live", responses={200: schemas.ServerLive})
def server_live() -> Response:
    """Confirm that the process responds. This checks nothing else."""
    return jsonify(live=True)


@blueprint.get("/v2/health/ready", responses={200: schemas.ServerReady, **problems(409)})
def server_ready() -> Response:
    """Confirm that there is a model. `/readyz` also checks what training needs."""
    find_model(backend().models.load, "latest")
    return jsonify(ready=True)


@with_or_without_version(
    blueprint.get, "", responses={200: schemas.ModelMetadata, **problems(404, 409)}
)
def model_metadata(path: ModelPath) -> Response:
    """Return the names, types and shapes of a model's input and outputs."""
    card, _ = find_model(backend().models.load, path.ref)
    spec = card.dataset
    return jsonify(
        name=card.id,
        versions=[schemas.VERSION],
        platform="stepbox_safetensors",
        inputs=[
            {"name": input_name(spec), "datatype": datatypes(spec)[0], "shape": [-1, *spec.shape]}
        ],
        outputs=[
            {"name": name, "datatype": "FP32", "shape": [-1, len(card.classes)]} for name in OUTPUTS
        ],
    )


@with_or_without_version(
    blueprint.get, "/ready", responses={200: schemas.ModelReady, **problems(404, 409)}
)
def model_ready(path: ModelPath) -> Response:
    """Confirm that a model can be used for inference."""
    card, _ = find_model(backend().models.load, path.ref)
    return jsonify(name=card.id, ready=True)


@blueprint.post(
    "/v2/repository/index",
    responses={200: schemas.RepositoryIndex, **problems(400, 413, 422)},
    openapi_extensions={
        "requestBody": {
            "required": False,
            "content": {JSON: {"schema": schemas.IndexRequest.model_json_schema()}},
        }
    },
)
def repository_index() -> Response:
    """List all models, newest first, including damaged ones.

    This does not read the weights. If damaged weights have the right size, the damage appears here
    only after a request that reads them, such as `/ready`.
    """
    data = request.get_data()
    asked = schemas.IndexRequest.model_validate(parse_object(data) if data else {})
    return jsonify(
        [
            {
                "name": model_id,
                "version": schemas.VERSION,
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
    responses={
        200: {
            "description": "The outputs, in the requested order. Binary outputs follow the JSON, "
            "in the same order.",
            "content": {
                JSON: {"schema": {"$ref": "#/components/schemas/InferenceResponse"}},
                OCTETS: BINARY,
            },
            "headers": {
                schemas.HEAD_LENGTH: {
                    "schema": {"type": "integer"},
                    "description": "Length of the JSON in bytes, if binary outputs follow it.",
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
                OCTETS: BINARY,
            },
        }
    },
)
@Bound(body_bytes=None, decodes_images=True, decompresses=True)
def infer(path: ModelPath, header: schemas.InferHeaders) -> Response:
    """Return the probabilities and logits of samples, which are sent as JSON or as binary data.

    Numbers must be like those of the data set: unlike `/predict`, this neither inverts nor fits
    them. Image
    files (BYTES) are prepared as `/predict` does by default.
    """
    card, network = find_model(backend().models.load, path.ref)
    body = decompress(request.get_data(), header.encoding, backend().settings.max_body_bytes)
    with in_turn(body):
        asked, images = read_inference(body, header.head_length, card.dataset)
        # Numbers are used as they are; image files have any size and any colors.
        if not isinstance(images, np.ndarray):
            images = prepare_images(images, card.dataset).pixels
        classified = classify(card, network, images)
    written, head_length = write_inference(card.id, asked, classified)
    response = Response(written, content_type=JSON)
    if head_length is not None:
        response.content_type = OCTETS
        response.headers[schemas.HEAD_LENGTH] = str(head_length)
    return response
