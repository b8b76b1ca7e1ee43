"""Predictions: any picture in, the whole softmax distribution out."""

import io
import math
from typing import Annotated, Any, Literal

import numpy as np
from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from werkzeug.exceptions import UnsupportedMediaType

from service.errors import problems
from service.explain import MOST_EXPLAINED, Explanation, explain
from service.json_body import read_object
from service.parts import parts
from stepbox.card import Card
from stepbox.datasets import scale_pixels
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.images import FIELD, Fit, Invert, Prepared, decode_image, prepare
from stepbox.losses import softmax
from stepbox.model_reader import LATEST
from stepbox.network import Network

MOST_IMAGES = 10_000
NPY = "application/x-npy"
BORDER = np.ones((FIELD, FIELD), bool)
BORDER[1:-1, 1:-1] = False

blueprint = APIBlueprint(
    "predict",
    __name__,
    abp_tags=[Tag(name="predicting", description="Pictures in, distributions out.")],
)


class PredictQuery(BaseModel):
    """How to predict."""

    model_config = ConfigDict(extra="forbid")

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


Pixel = Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)]
Row = Annotated[list[Pixel], Field(min_length=FIELD, max_length=FIELD)]
Image = Annotated[list[Row], Field(min_length=FIELD, max_length=FIELD)]


class PixelImages(BaseModel):
    """Pictures as rows of pixels, light on dark."""

    model_config = ConfigDict(extra="forbid", strict=True)

    images: list[Image] = Field(
        min_length=1, max_length=MOST_IMAGES, description="28×28 numbers each, 0 (dark) to 255."
    )


class Prediction(Explanation):
    """What a model says of one picture."""

    index: int = Field(ge=0, le=9, description="The most probable class.")
    label: str = Field(description="Its name.")
    probability: float = Field(ge=0, le=1, description="Its probability.")
    probabilities: list[float] = Field(
        min_length=10, max_length=10, description="The softmax distribution over all classes."
    )
    logits: list[float] = Field(
        min_length=10, max_length=10, description="What the softmax was taken of."
    )


class Predictions(BaseModel):
    """Predictions, in the order in which the pictures came."""

    model: str = Field(description="Id of the model.")
    classes: list[str] = Field(min_length=10, max_length=10)
    predictions: list[Prediction]


BINARY = {"schema": {"type": "string", "format": "binary"}}
REQUEST_BODY = {
    "required": True,
    "content": {
        **{f"image/{kind}": BINARY for kind in ("png", "jpeg", "gif", "bmp", "webp", "tiff")},
        "multipart/form-data": {
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
        "application/json": {"schema": {"$ref": "#/components/schemas/PixelImages"}},
        NPY: BINARY,
    },
}


@blueprint.post(
    "/predict",
    summary="Predict pictures",
    responses={200: Predictions, **problems(400, 404, 409, 413, 415, 422)},
    openapi_extensions={"requestBody": REQUEST_BODY},
)
def predict(query: PredictQuery) -> Response:
    """Give the softmax distribution of each picture.

    The body is an image file, several of them as multipart parts named `image`, JSON pixels, or
    a .npy array of uint8 with the axes (n, 28, 28).
    """
    card, network = _load(query.model)
    prepared = read_pictures(query.invert, query.fit)
    if query.explain and len(prepared) > MOST_EXPLAINED:
        raise InvalidInputError.at("/explain", f"at most {MOST_EXPLAINED} pictures are explained")
    pixels = np.stack([picture.pixels for picture in prepared])
    inputs = scale_pixels(pixels, card.recipe.pixel_scale, network.weights[0].dtype)
    logits = network.logits(inputs).astype(float)
    probabilities = softmax(logits)
    explanations: list[dict[str, Any]] = (
        explain(network, inputs, prepared, probabilities) if query.explain else [{}] * len(prepared)
    )
    return jsonify(
        model=card.id,
        classes=card.classes,
        predictions=[
            {
                "index": int(best),
                "label": card.classes[best],
                "probability": distribution[best],
                "probabilities": distribution,
                "logits": row,
                **explanation,
            }
            for best, distribution, row, explanation in zip(
                probabilities.argmax(axis=1),
                probabilities.tolist(),
                logits.tolist(),
                explanations,
                strict=True,
            )
        ],
    )


def _load(ref: str) -> tuple[Card, Network]:
    try:
        return parts().models.load(ref)
    except NotFoundError as error:
        if ref in LATEST:
            raise ConflictError(f"{error}: train one first") from None
        raise


def read_pictures(invert: Invert, fit: Fit) -> list[Prepared]:
    """Read the request's pictures and put each on 28×28 pixels."""
    kind = request.mimetype
    if kind.startswith("image/"):
        pictures = [("", request.get_data())]
    elif kind == "multipart/form-data":
        pictures = _multipart()
    elif request.is_json:
        images = PixelImages.model_validate(read_object()).images
        return _prepare_arrays(np.asarray(images, dtype=np.float64), invert, fit)
    elif kind == NPY:
        return _prepare_arrays(read_npy(request.get_data()), invert, fit)
    else:
        raise UnsupportedMediaType(
            "Send an image (Content-Type: image/png, image/jpeg, ...), multipart/form-data with "
            f"parts named 'image', application/json, or {NPY}."
        )
    return [
        prepare(decode_image(data, pointer=pointer), invert=invert, fit=fit)
        for pointer, data in pictures
    ]


def read_npy(data: bytes) -> NDArray[np.uint8]:
    """Read a .npy array of uint8, shape (n, 28, 28), whose header is checked before its data."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(stream)
    except (ValueError, KeyError) as error:
        raise InvalidInputError.at("", f"is no .npy array: {error}") from None
    if dtype != np.uint8 or len(shape) != 3 or shape[1:] != (FIELD, FIELD):
        raise InvalidInputError.at(
            "", f"must be uint8 of shape (n, 28, 28), but is {dtype} of shape {shape}"
        )
    if not 1 <= shape[0] <= MOST_IMAGES:
        raise InvalidInputError.at("", f"must hold 1 to {MOST_IMAGES:,} images, not {shape[0]:,}")
    body = data[stream.tell() :]
    if len(body) != math.prod(shape):
        raise InvalidInputError.at(
            "", f"must hold {math.prod(shape):,} bytes after its header, not {len(body):,}"
        )
    order: Literal["F", "C"] = "F" if fortran_order else "C"
    return np.frombuffer(body, np.uint8).reshape(shape, order=order)


def _multipart() -> list[tuple[str, bytes]]:
    unknown = sorted({*request.files, *request.form} - {"image"})
    if unknown:
        raise InvalidInputError.at(f"/{unknown[0]}", "parts must be files named 'image'")
    files = request.files.getlist("image")
    if not 1 <= len(files) <= MOST_IMAGES:
        raise InvalidInputError.at(
            "/image", f"send 1 to {MOST_IMAGES:,} files named 'image', not {len(files):,}"
        )
    return [(f"/image/{i}", file.read()) for i, file in enumerate(files)]


def _prepare_arrays(pixels: NDArray[Any], invert: Invert, fit: Fit) -> list[Prepared]:
    """Do with arrays, shape (n, 28, 28), what is done with pictures; fractions of a level stay."""
    if fit == "mnist":
        grey = np.rint(pixels).astype(np.uint8)
        return [prepare(one, invert=invert, fit=fit) for one in grey]
    ground = pixels[:, BORDER].mean(axis=1)
    inverted = (ground > 127) & (invert == "auto") | (invert == "always")
    pixels = np.where(inverted[:, None, None], 255 - pixels, pixels)
    ground = np.rint(np.where(inverted, 255 - ground, ground))
    return [
        Prepared(one, bool(exchanged), (0, 0, FIELD, FIELD), 1.0, (0, 0), int(level))
        for one, exchanged, level in zip(pixels, inverted, ground, strict=True)
    ]
