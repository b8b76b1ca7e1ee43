"""What the analysis endpoints share: the blueprint, types of their fields, and the response."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field

from service.bodies.bounds import Bound

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
