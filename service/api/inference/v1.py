"""The views of version 1 of the protocol, which KServe and TensorFlow Serving share."""

import orjson
from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field
from werkzeug.exceptions import MethodNotAllowed

from service.api.inference.schemas import VERSION
from service.api.models import ModelPath
from service.api.parameters import BodyHeaders
from service.api.predict.answer import classify, find_model
from service.api.predict.preparation import prepare_images
from service.api.predict.turns import in_turn
from service.api.readers.by_type import JSON
from service.api.readers.images import Sent
from service.api.readers.json_images import read_json
from service.backend import backend
from service.bodies.bounds import Bound
from service.bodies.compression import decompress
from service.errors import problems

blueprint = APIBlueprint(
    "protocol_v1",
    __name__,
    abp_tags=[
        Tag(
            name="Inference Protocol, version 1",
            description="As supported by KServe and TensorFlow Serving.",
        )
    ],
)


class ModelNames(BaseModel):
    """The models that can be used."""

    models: list[str] = Field(description="Their ids, newest first.")


class StatusMessage(BaseModel):
    """The error of a version, which is always `OK` here."""

    error_code: str
    error_message: str


class VersionStatus(BaseModel):
    """The state of a version."""

    version: str
    state: str
    status: StatusMessage


class ModelStatus(BaseModel):
    """A model that can be used."""

    name: str = Field(description="Id of the model, even if the request named an alias.")
    ready: bool = Field(description="For clients of KServe.")
    model_version_status: list[VersionStatus] = Field(
        description="For clients of TensorFlow Serving."
    )


class InstancePredictions(BaseModel):
    """The predictions, in the order of the instances."""

    predictions: list[list[float]] = Field(description="The probability of each class.")


@blueprint.get("/v1/models", responses={200: ModelNames})
def model_names() -> Response:
    """List the models that can be used, newest first."""
    return jsonify(models=[id for id, damage in backend().models.states() if not damage])


@blueprint.get("/v1/models/<ref>", responses={200: ModelStatus, **problems(404, 409)})
def model_status(path: ModelPath) -> Response:
    """Confirm that a model can be used."""
    if path.ref.endswith(":predict"):  # the path of the operation below
        raise MethodNotAllowed(["POST"])
    card, _ = find_model(backend().models.load, path.ref)
    status = {"error_code": "OK", "error_message": ""}
    return jsonify(
        name=card.id,
        ready=True,
        model_version_status=[{"version": VERSION, "state": "AVAILABLE", "status": status}],
    )


@blueprint.post(
    "/v1/models/<string:ref>:predict",  # with a converter, flask-openapi3 finds the end of the name
    responses={200: InstancePredictions, **problems(400, 404, 409, 413, 415, 422)},
    openapi_extensions={
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Instances"}}},
        }
    },
)
@Bound(body_bytes=None, decodes_images=True, decompresses=True)
def predict_instances(path: ModelPath, header: BodyHeaders) -> Response:
    """Return the probabilities of images (numbers, or files in base64) or of vectors.

    Images are prepared as `/predict` does by default.
    """
    card, network = find_model(backend().models.load, path.ref)
    body = decompress(request.get_data(), header.encoding, backend().settings.max_body_bytes)
    with in_turn(body):
        images = read_json(Sent(body, card.dataset), "instances", others=("signature_name",))
        fields = prepare_images(images, card.dataset)
        classified = classify(card, network, fields.pixels)
    predictions = classified.probabilities.tolist()
    return Response(orjson.dumps({"predictions": predictions}), content_type=JSON)
