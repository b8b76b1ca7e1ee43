"""Explain a prediction: what the network saw, how sure it is, and why."""

from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from stepbox.analysis.inspection import entropy, input_gradient, margin
from stepbox.data.dataset import PixelScale, scale_pixels
from stepbox.images.prepare import Prepared
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network

MOST_EXPLAINED = 100


class PictureFit(BaseModel):
    """How an image was prepared. Its column x is now at `offset[0] + (x − box[0]) · zoom`."""

    inverted: bool = Field(description="Whether light and dark were exchanged.")
    box: list[int] = Field(
        min_length=4,
        max_length=4,
        description="Left, top, right and bottom of the part that was used, in pixels of the "
        "image. The last two are exclusive.",
    )
    zoom: float = Field(description="Pixels of the 28×28 image for each pixel of the original.")
    offset: list[int] = Field(
        min_length=2,
        max_length=2,
        description="Column and row in the 28×28 image where the box begins.",
    )
    ground: int = Field(ge=0, le=255, description="Grey level used as the background.")


class Explanation(BaseModel):
    """The explanation of one prediction."""

    seen: list[list[float]] | None = Field(
        None, description="With `explain`: the 28×28 pixels that the network saw, 0 (dark) to 255."
    )
    fit: PictureFit | None = Field(None, description="With `explain`: how the image was prepared.")
    gradient: list[list[float]] | None = Field(
        None,
        description="With `explain`: 28×28 derivatives of the top logit, one for each input of the "
        "network. All 0 if the network is saturated.",
    )
    entropy: float | None = Field(
        None, ge=0, description="With `explain`: entropy of the distribution in nats, 0 to ln 10."
    )
    margin: float | None = Field(
        None,
        ge=0,
        le=1,
        description="With `explain`: probability of the top class minus that of the next one.",
    )


def explain(
    network: Network, prepared: list[Prepared], pixel_scale: PixelScale
) -> list[dict[str, Any]]:
    """Explain the predictions of a network, one explanation per image."""
    pixels = np.stack([image.pixels for image in prepared])
    inputs = scale_pixels(pixels, pixel_scale, network.dtype)
    probabilities = softmax(network.logits(inputs).astype(np.float64))
    gradients = input_gradient(network, inputs, probabilities.argmax(axis=1))
    return [
        {
            "seen": image.pixels.tolist(),
            "fit": {name: getattr(image, name) for name in PictureFit.model_fields},
            "gradient": gradient.reshape(image.pixels.shape).astype(float).tolist(),
            "entropy": nats,
            "margin": lead,
        }
        for image, gradient, nats, lead in zip(
            prepared,
            gradients,
            entropy(probabilities).tolist(),
            margin(probabilities).tolist(),
            strict=True,
        )
    ]
