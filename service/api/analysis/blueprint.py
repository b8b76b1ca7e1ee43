"""What the analysis endpoints share: the blueprint, types of their fields, and the response."""

from typing import Annotated

import numpy as np
from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from service.bodies.bounds import Bound
from stepbox.errors import InvalidInputError
from stepbox.store.card import Card

blueprint = APIBlueprint(
    "analysis",
    __name__,
    url_prefix="/analysis",
    abp_tags=[
        Tag(name="analysis", description="The mathematics: nothing here is trained or stored.")
    ],
)

MEMORY_BYTES = 32 * 2**20  # memory that the computation takes
# Enough for 10,000 points, or 1,000 logits.
BOUND = Bound(body_bytes=512 * 2**10, memory_bytes=MEMORY_BYTES)


class Request(BaseModel):
    """A request body. Unknown fields, and numbers given as text, are rejected."""

    model_config = ConfigDict(extra="forbid", strict=True)


Number = Annotated[float, Field(allow_inf_nan=False)]
# Only the first fault in a list is reported: a million numbers could have a million faults.
Numbers = Annotated[list[Number], Field(fail_fast=True)]


def json_response(answer: BaseModel) -> Response:
    """Write JSON with pydantic. Python's own writer takes a second for a million numbers."""
    return Response(answer.model_dump_json(), content_type="application/json")


def pixels_for(card: Card, image: list[list[float]]) -> NDArray[np.float64]:
    """Return the pixels of a request's image; raise InvalidInputError if the model takes others."""
    pixels = np.array(image, np.float64)
    if pixels.shape != card.dataset.shape:
        has, takes = (" by ".join(map(str, shape)) for shape in (pixels.shape, card.dataset.shape))
        raise InvalidInputError.at(
            "/image", f"the image has {has} numbers, but an input of this model has {takes}"
        )
    return pixels
