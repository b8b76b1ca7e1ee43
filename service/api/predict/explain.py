"""Explain a prediction: what the network saw, how sure it is, and why."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from service.api.predict.activations import MOST_IMAGES, LayerActivations
from service.api.predict.preparation import Fields
from service.api.rounding import rounded
from service.server.client_disconnected import raise_if_disconnected
from stepbox.analysis.inspection import entropy, input_gradient, margin
from stepbox.analysis.occlusion import MOST_CELLS, OcclusionMap, occlude
from stepbox.data.dataset import DatasetSpec, PixelScale, scale_pixels
from stepbox.errors import InvalidInputError
from stepbox.images.field import Prepared
from stepbox.images.prepare import prepare
from stepbox.nn.activations import Array
from stepbox.nn.network import Network

MOST_EXPLAINED = 100
GRADIENT_DIGITS = 5  # significant ones; all 17 would make the response twice as long
DROP_DECIMALS = 6  # of a probability; further ones are rounding errors of 32-bit floats
MOST_OCCLUSION_PRODUCTS = 10**11  # multiplications for a response: about five seconds

Values = list[float] | list[list[float]] | list[list[list[float]]]


class PictureFit(BaseModel):
    """How an image was prepared. Its column x is now at `offset[0] + (x − box[0]) · zoom`."""

    inverted: bool = Field(description="Whether light and dark were exchanged.")
    box: list[int] = Field(
        min_length=4,
        max_length=4,
        description="Left, top, right and bottom of the part that was used, in pixels of the "
        "image. The last two are exclusive.",
    )
    zoom: float = Field(description="Pixels of the prepared image for each pixel of the original.")
    offset: list[int] = Field(
        min_length=2,
        max_length=2,
        description="Column and row in the prepared image where the box begins.",
    )
    ground: int | list[int] = Field(
        description="Grey level used as the background, 0 to 255; in color, red, green and blue."
    )
    preparation: str = Field(
        description="`mnist`, `fashion-mnist`, or `none` if the whole image was scaled."
    )
    stroke_width: list[float] | None = Field(
        min_length=2,
        max_length=2,
        description="Mean width of the strokes before and after it was adapted to the data set, in "
        "pixels of the prepared image. Null if no strokes were looked for.",
    )
    lines_removed: int = Field(ge=0, description="Ruled lines that were removed.")
    desk_cropped: bool = Field(description="Whether a desk around the paper was cropped.")


class Explanation(BaseModel):
    """The explanation of one prediction."""

    seen: Values | None = Field(
        None,
        description="With `explain`: what the network saw, in the shape of the data set: pixels "
        "from 0 (dark) to 255, or one number per column.",
    )
    fit: PictureFit | None = Field(
        None,
        description="How the image was prepared. It is missing if the image was used as it is, "
        "unless the request has `explain`.",
    )
    ink: Literal[False] | None = Field(
        None,
        description="False if the image shows nothing: it is empty or nearly uniform. Missing "
        "otherwise.",
    )
    gradient: Values | None = Field(
        None,
        description="With `explain`: derivatives of the top logit, one for each number in `seen`, "
        f"with {GRADIENT_DIGITS} significant digits. All 0 if the network is saturated.",
    )
    entropy: float | None = Field(
        None,
        ge=0,
        description="With `explain`: entropy of the distribution in nats, 0 to the logarithm of "
        "the number of classes.",
    )
    margin: float | None = Field(
        None,
        ge=0,
        le=1,
        description="With `explain`: probability of the top class minus that of the next one.",
    )
    layers: list[LayerActivations] | None = Field(
        None,
        description="With `activations`: the activations of each layer, the hidden layers first.",
    )
    occlusion: OcclusionMap | None = Field(
        None,
        description="With `occlusion`: how much the probability of the predicted class drops while "
        "a part of the image is covered.",
    )


def describe_fit(prepared: Prepared) -> dict[str, Any]:
    """Describe how an image was prepared."""
    return {name: getattr(prepared, name) for name in PictureFit.model_fields}


def explain(
    network: Network,
    fields: Fields,
    spec: DatasetSpec,
    pixel_scale: PixelScale,
    probabilities: Array,
) -> list[dict[str, Any]]:
    """Explain the predictions of a network, one explanation per image.

    `probabilities` are those that it predicts, shape (n, classes), in float64.
    """
    inputs = scale_pixels(fields.pixels, pixel_scale, network.dtype)
    gradients = input_gradient(network, inputs, probabilities.argmax(axis=1))
    return [
        {
            "seen": pixels.tolist(),
            **_as_it_is(pixels, spec),
            "gradient": rounded(gradient.reshape(pixels.shape), GRADIENT_DIGITS),
            "entropy": nats,
            "margin": lead,
        }
        for pixels, gradient, nats, lead in zip(
            fields.pixels,
            gradients,
            entropy(probabilities).tolist(),
            margin(probabilities).tolist(),
            strict=True,
        )
    ]


def most_occluded(network: Network, spec: DatasetSpec) -> int:
    """Return of how many images a response can have the occlusion.

    Raises
    ------
    InvalidInputError
        The network takes vectors.
    """
    if spec.kind == "vectors":
        raise InvalidInputError.at("/occlusion", "is for images; this model takes vectors")
    return min(MOST_IMAGES, max(1, MOST_OCCLUSION_PRODUCTS // (MOST_CELLS * network.products)))


def occlusions(
    network: Network,
    fields: Fields,
    spec: DatasetSpec,
    pixel_scale: PixelScale,
    predicted: Sequence[int],
) -> Iterator[dict[str, Any]]:
    """Cover each part of each image, and yield what it does to the predicted class."""
    for pixels, label in zip(fields.pixels, predicted, strict=True):
        covered = occlude(network, pixels, label, spec, pixel_scale, raise_if_disconnected)
        yield {"occlusion": describe_occlusion(covered)}


def describe_occlusion(covered: OcclusionMap) -> dict[str, Any]:
    """Return the fields of an `OcclusionMap`, for a JSON writer that takes arrays."""
    drops = np.round(covered.drops, DROP_DECIMALS) + 0.0  # without negative zeros
    return {**covered.__dict__, "drops": drops}


def _as_it_is(pixels: NDArray[Any], spec: DatasetSpec) -> dict[str, Any]:
    """Describe how an image was prepared that was used as it is; empty for a vector."""
    if spec.kind == "vectors":
        return {}
    return {"fit": describe_fit(prepare(pixels, spec, invert="never", fit="none"))}
