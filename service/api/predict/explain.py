"""What `explain=true` adds to a prediction: what the network saw, how sure it is, and why."""

from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from stepbox.analysis.inspection import entropy, input_gradient, margin
from stepbox.data.dataset import PixelScale, scale_pixels
from stepbox.images.prepare import FIELD, Prepared
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network

MOST_EXPLAINED = 100


class PictureFit(BaseModel):
    """What was done to a picture. Its column x lies at `offset[0] + (x − box[0]) · zoom`."""

    inverted: bool = Field(description="Whether light and dark were exchanged.")
    box: list[int] = Field(
        min_length=4,
        max_length=4,
        description="Left, top, right and bottom of what was taken, in pixels of the picture; the "
        "last two are the first outside.",
    )
    zoom: float = Field(description="Pixels of the 28×28 for one of the picture.")
    offset: list[int] = Field(
        min_length=2, max_length=2, description="Column and row where the box begins in the 28×28."
    )
    ground: int = Field(ge=0, le=255, description="Grey level taken for the ground.")


class Explanation(BaseModel):
    """Why a model says what it says of one picture."""

    seen: list[list[float]] | None = Field(
        None, description="With `explain`: the 28×28 pixels that went in, 0 (dark) to 255."
    )
    fit: PictureFit | None = Field(None, description="With `explain`: how the picture became that.")
    gradient: list[list[float]] | None = Field(
        None,
        description="With `explain`: 28×28, the derivative of the top logit by each of the "
        "network's inputs. All 0 where the network is saturated.",
    )
    entropy: float | None = Field(
        None, ge=0, description="With `explain`: of the distribution, in nats, 0 to ln 10."
    )
    margin: float | None = Field(
        None, ge=0, le=1, description="With `explain`: probability of the best class less the next."
    )


def explain(
    network: Network, prepared: list[Prepared], pixel_scale: PixelScale
) -> list[dict[str, Any]]:
    """Explain what a network says of pictures, one explanation each."""
    pixels = np.stack([picture.pixels for picture in prepared])
    inputs = scale_pixels(pixels, pixel_scale, network.weights[0].dtype)
    probabilities = softmax(network.logits(inputs).astype(np.float64))
    gradients = input_gradient(network, inputs, probabilities.argmax(axis=1))
    return [
        {
            "seen": picture.pixels.tolist(),
            "fit": {
                "inverted": picture.inverted,
                "box": picture.box,
                "zoom": picture.zoom,
                "offset": picture.offset,
                "ground": picture.ground,
            },
            "gradient": gradient.reshape(FIELD, FIELD).astype(float).tolist(),
            "entropy": nats,
            "margin": lead,
        }
        for picture, gradient, nats, lead in zip(
            prepared,
            gradients,
            entropy(probabilities).tolist(),
            margin(probabilities).tolist(),
            strict=True,
        )
    ]
