"""What the views of the analysis share: their blueprint, numbers in, and answers out."""

from typing import Annotated, Any

import numpy as np
from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

blueprint = APIBlueprint(
    "analysis",
    __name__,
    url_prefix="/analysis",
    abp_tags=[
        Tag(name="analysis", description="The mathematics: nothing here is trained or stored.")
    ],
)


class Request(BaseModel):
    """A body: no unknown fields, and numbers that are numbers."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Answer(BaseModel):
    """An answer, read from the attributes of the library's result."""

    model_config = ConfigDict(from_attributes=True)


Number = Annotated[float, Field(allow_inf_nan=False)]
# One fault is named in a list of numbers: with a million of them that could be a million faults.
Numbers = Annotated[list[Number], Field(fail_fast=True)]


def _listed(values: Any) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) else values


Vector = Annotated[list[float], BeforeValidator(_listed)]
Matrix = Annotated[list[list[float]], BeforeValidator(_listed)]


def answer_with(model: type[Answer], result: object) -> Response:
    """Make a JSON answer; pydantic's own writer, since a million numbers take Python a second."""
    return Response(model.model_validate(result).model_dump_json(), content_type="application/json")
