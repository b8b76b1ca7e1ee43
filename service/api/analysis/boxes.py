"""POST /analysis/box and POST /analysis/box-approximation."""

from typing import Annotated

import numpy as np
from flask import Response
from pydantic import ConfigDict, Field

from service.api.analysis.blueprint import BOUND, Number, Numbers, Request, blueprint, json_response
from service.errors import problems
from stepbox.analysis.boxes.answer import NETWORK_UNASKED, BoxApproximationAnswer, Widths
from stepbox.analysis.boxes.approximation import (
    MOST_BOXES,
    MOST_RESOLUTION,
    MOST_WEIGHTS,
    RESOLUTION,
    approximate_function,
)
from stepbox.analysis.boxes.box import BoxAnswer, draw_box
from stepbox.analysis.boxes.free import MOST_FREE_BOXES
from stepbox.analysis.boxes.minimality import MOST_EXCESS
from stepbox.analysis.expressions import FUNCTIONS, MAX_LENGTH

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


@blueprint.post("/box", responses={200: BoxAnswer, **problems(400, 413, 415, 422)})
@BOUND
def box(body: BoxRequest) -> Response:
    """Build b(x) = h·s(x) − h·s(x − w) as a network, and run it."""
    at = None if body.at is None else np.array(body.at)
    return json_response(draw_box(body.height, body.width, at))


class BoxApproximationRequest(Request):
    """A function, and the number of boxes or the largest error allowed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"function": "sin(3*x)", "bound": 3.0, "boxes": 16}}
    )

    function: str = Field(
        min_length=1,
        max_length=MAX_LENGTH,
        json_schema_extra={"example": "sin(3*x)"},
        description="An expression in x, or in x and y in two dimensions: numbers, pi, e, "
        f"+ - * / **, parentheses, and {', '.join(FUNCTIONS)}. min and max take two values; step "
        "is 1 at 0. Each value must be finite and at most 1e100 in magnitude.",
    )
    bound: Number = Field(ge=1e-6, le=1e6, description="B: the interval is [−B, B).")
    boxes: int | None = Field(
        None,
        ge=1,
        le=MOST_BOXES[1],
        description=f"Number of boxes along each axis, at most {MOST_BOXES[2]:,} in two "
        "dimensions, and fewer for slow functions. Give either this or `tolerance`.",
    )
    tolerance: Annotated[float, Field(gt=0, le=1e100, allow_inf_nan=False)] | None = Field(
        None,
        description="Largest error allowed. The answer has the fewest boxes along each axis whose "
        "`max_error` is within it. With fewer boxes of equal width, the error exceeds it at some "
        "point, or is so close to it that rounding errors prevent a proof. If the error of boxes "
        "of free width is exactly the tolerance, rounding may raise `max_error` above it by a "
        f"share of up to {MOST_EXCESS:g}; `minimality` then says so.",
    )
    dimensions: int = Field(1, ge=1, le=2, description="1: a function of x; 2: of x and y.")
    widths: Widths = Field(
        "equal",
        description="`equal`: each height is the function's value at the middle of its box. "
        "`free`, in one dimension: the fewest boxes that do not overlap, of any widths and "
        "heights, for the tolerance, or the smallest error of at most `boxes` of them, with a "
        "proof. It takes at most "
        f"{MOST_FREE_BOXES:,} boxes.",
    )
    include_network: bool = Field(
        False,
        description=f"Include the network even if there are over {NETWORK_UNASKED:,} boxes. It may "
        f"have at most {MOST_WEIGHTS:,} weights.",
    )
    resolution: int | None = Field(
        None,
        ge=2,
        le=MOST_RESOLUTION[1],
        description=f"Maximum number of points of the curve (default {RESOLUTION[1]:,}), or of the "
        f"grid along each axis (at most {MOST_RESOLUTION[2]}, default {RESOLUTION[2]}).",
    )


@blueprint.post(
    "/box-approximation",
    responses={200: BoxApproximationAnswer, **problems(400, 413, 415, 422)},
)
@BOUND
def box_approximation(body: BoxApproximationRequest) -> Response:
    """Approximate a function by boxes, built as a network of step neurons."""
    options = body.model_dump(exclude={"function"})
    return json_response(approximate_function(body.function, **options))
