"""Predictions: any picture in, the whole softmax distribution out."""

from flask import Response, request
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, Field, RootModel

from service.api.predict.answer import PredictQuery, in_turn, predict_body
from service.api.predict.explain import Explanation
from service.api.predict.images import JSON, MULTIPART, NPY
from service.backend import backend
from service.errors import problems

blueprint = APIBlueprint(
    "predict",
    __name__,
    abp_tags=[Tag(name="predicting", description="Pictures in, distributions out.")],
)


class ClassProbability(BaseModel):
    """A class and its probability."""

    index: int = Field(ge=0, le=9)
    label: str
    probability: float = Field(ge=0, le=1)


class Prediction(Explanation, ClassProbability):
    """What a model says of one picture."""

    probabilities: list[float] = Field(
        min_length=10, max_length=10, description="The softmax distribution over all classes."
    )
    logits: list[float] = Field(
        min_length=10, max_length=10, description="What the softmax was taken of."
    )


class TopPrediction(Explanation, ClassProbability):
    """What a model holds most probable of one picture."""

    top: list[ClassProbability] = Field(description="The most probable first.")


class Predictions(BaseModel):
    """Predictions, in the order in which the pictures came."""

    model: str = Field(description="Id of the model.")
    classes: list[str] = Field(min_length=10, max_length=10)
    predictions: list[Prediction]


class TopPredictions(BaseModel):
    """Predictions of a request with `top`."""

    model: str = Field(description="Id of the model.")
    classes: list[str] = Field(min_length=10, max_length=10)
    predictions: list[TopPrediction]


class PredictAnswer(RootModel[Predictions | TopPredictions]):
    """Predictions; with `top`, of the most probable classes alone."""


BINARY = {"schema": {"type": "string", "format": "binary"}}
REQUEST_BODY = {
    "required": True,
    "content": {
        **{f"image/{kind}": BINARY for kind in ("png", "jpeg", "gif", "bmp", "webp", "tiff")},
        MULTIPART: {
            "schema": {
                "type": "object",
                "properties": {
                    "image": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "minItems": 1,
                    }
                },
                "required": ["image"],
            }
        },
        JSON: {"schema": {"$ref": "#/components/schemas/PixelImages"}},
        NPY: BINARY,
    },
}


@blueprint.post(
    "/predict",
    summary="Predict pictures",
    responses={200: PredictAnswer, **problems(400, 404, 409, 413, 415, 422)},
    openapi_extensions={"requestBody": REQUEST_BODY},
)
def predict(query: PredictQuery) -> Response:
    """Give the softmax distribution of each picture.

    The body is an image file, several of them as multipart parts named `image`, JSON pixels, or
    a .npy array of uint8 with the axes (n, 28, 28). With `Accept: application/x-npy` the answer
    is the probabilities alone, as a .npy array of float64 with the axes (n, 10).
    """
    body = request.get_data()
    with in_turn(body):
        answer = predict_body(
            backend().models,
            query,
            request.headers.get("Content-Type", ""),
            body,
            request.headers.get("Accept", ""),
        )
    return Response(answer.body, content_type=answer.content_type)
