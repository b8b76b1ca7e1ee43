"""POST /predict."""

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, RootModel

from service.api.parameters import BINARY, BodyHeaders
from service.api.predict.answer import PredictQuery, predict_body
from service.api.predict.explain import Explanation
from service.api.predict.turns import in_turn
from service.api.readers.by_type import CSV, IMAGE_TYPES, JSON, MULTIPART, NPY, NPZ
from service.backend import backend
from service.bodies.bounds import Bound
from service.bodies.compression import decompress
from service.errors import problems
from stepbox.data.dataset import MOST_CLASSES

TAG = Tag(name="predicting", description="Class probabilities of samples.")

blueprint = APIBlueprint("predict", __name__, abp_tags=[TAG])


class ClassProbability(BaseModel):
    """A class and its probability."""

    index: int = Field(ge=0, le=MOST_CLASSES - 1)
    label: str
    probability: float = Field(ge=0, le=1)


class Prediction(Explanation, ClassProbability):
    """The prediction for one sample."""

    probabilities: list[float] = Field(
        min_length=1,
        max_length=MOST_CLASSES,
        description="The softmax distribution over all classes.",
    )
    logits: list[float] = Field(
        min_length=1, max_length=MOST_CLASSES, description="The inputs of the softmax."
    )


class TopPrediction(Explanation, ClassProbability):
    """The most probable classes of one sample."""

    top: list[ClassProbability] = Field(description="The most probable first.")


class Answer(BaseModel):
    """What all answers have."""

    model: str = Field(description="Id of the model.")
    classes: list[str] = Field(min_length=1, max_length=MOST_CLASSES)
    columns: list[str] | None = Field(
        None,
        description="With `explain`, for vectors whose columns have names: these names, in the "
        "order of `seen` and `gradient`. Missing otherwise.",
    )
    off: list[str] | None = Field(
        None, description="With `off`: the neurons that were switched off. Missing otherwise."
    )


class Predictions(Answer):
    """Predictions, in the order of the samples."""

    predictions: list[Prediction]


class TopPredictions(Answer):
    """The predictions for a request with `top`."""

    predictions: list[TopPrediction]


class PredictAnswer(RootModel[Predictions | TopPredictions]):
    """Predictions; with `top`, only the most probable classes."""


REQUEST_BODY = {
    "required": True,
    "content": {
        **dict.fromkeys(IMAGE_TYPES, BINARY),
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {
                    "image": {"type": "array", "items": BINARY["schema"], "minItems": 1}
                },
                "required": ["image"],
            }
        },
        JSON: {"schema": {"$ref": "#/components/schemas/Samples"}},
        NPY: BINARY,
        NPZ: BINARY,
        CSV: {"schema": {"type": "string"}},
    },
}


@blueprint.post(
    "/predict",
    responses={200: PredictAnswer, **problems(400, 404, 409, 413, 415, 422)},
    openapi_extensions={"requestBody": REQUEST_BODY},
)
@Bound(body_bytes=None, decodes_images=True, decompresses=True)
def predict(query: PredictQuery, header: BodyHeaders) -> Response:
    """Return the softmax distribution of each sample.

    The body is an image file, multipart form data with files named `image`, JSON, a .npy or .npz
    array, or CSV with one sample per row. Numbers have the shape of the model's data set.

    With `Accept: application/x-npy`, the response is only the probabilities, as a .npy array of
    float64 with the axes (n, classes).
    """
    body = decompress(request.get_data(), header.encoding, backend().settings.max_body_bytes)
    with in_turn(body):
        answer = predict_body(
            backend().models,
            query,
            request.headers.get("Content-Type", ""),
            body,
            request.headers.get("Accept", ""),
        )
    return Response(answer.body, content_type=answer.content_type)
