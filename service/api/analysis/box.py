"""POST /analysis/box."""

from typing import Annotated

import numpy as np
from flask import Response
from pydantic import ConfigDict, Field

from service.api.analysis.blueprint import BOUND, Number, Numbers, Request, blueprint, json_response
from service.errors import problems
from stepbox.analysis.boxes.box import BoxAnswer, draw_box

MOST_POINTS = 10_000


class BoxRequest(Request):
    """A box, and the points at which to evaluate it."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"height": 2.0, "width": 3.0, "at": [-1, 0, 1.5, 3, 4]}}
    )

    height: Number = Field(description="h, any finite number.")
    width: Number = Field(gt=0, description="w, above 0.")
    at: Annotated[Numbers, Field(min_length=1, max_length=MOST_POINTS)] | None = Field(
        None,
        description="Points x, finite. By default -1, both edges, the middle, and width + 1.",
    )


@blueprint.post(
    "/box",
    responses={200: BoxAnswer, **problems(400, 413, 415, 422)},
)
@BOUND
def box(body: BoxRequest) -> Response:
    """Build b(x) = h·s(x) − h·s(x − w) as a network, and run it."""
    at = None if body.at is None else np.array(body.at)
    return json_response(draw_box(body.height, body.width, at))
