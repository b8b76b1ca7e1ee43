"""POST /analysis/regression."""

from typing import Annotated

import numpy as np
from flask import Response
from pydantic import ConfigDict, Field

from service.api.analysis.blueprint import MEMORY_BYTES, Request, blueprint, json_response
from service.bodies.bounds import Bound
from service.errors import problems
from stepbox.analysis.regression.answer import MOST_NUMBERS, RegressionAnswer, analyse_regression
from stepbox.analysis.regression.linear_fit import LossName
from stepbox.analysis.result import Array
from stepbox.errors import InvalidInputError

MOST_VALUES = 2_100_000  # commas, colons and brackets: enough for MOST_NUMBERS in rows of 2 or more
LARGEST = 1e50  # squares and sums of such numbers are finite

Bounded = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Row = Annotated[list[Bounded], Field(fail_fast=True, min_length=1, max_length=MOST_NUMBERS)]
Rows = Annotated[list[Row], Field(fail_fast=True, min_length=1, max_length=MOST_NUMBERS)]


class RegressionRequest(Request):
    """Points, and the loss that the fit minimizes."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "X": [[1, 0], [1, 1], [1, 2], [1, 3], [1, 4], [1, 5]],
                "y": [1.1, 2.9, 5.2, 6.8, 9.1, 30],
                "loss": "l1",
                "w": [1, 2],
            }
        }
    )

    X: Rows = Field(
        description=f"n rows of d numbers each, from -1e50 to 1e50. n·d is at most "
        f"{MOST_NUMBERS:,}. The body has at most {MOST_VALUES:,} commas, colons and opening "
        "brackets. A column of ones gives the fit an intercept."
    )
    y: Row = Field(description="n numbers.")
    loss: LossName = Field(description="`l1`: Σ|xᵢᵀw − yᵢ|; `l2`: Σ(xᵢᵀw − yᵢ)². Sums, not means.")
    w: Row | None = Field(
        None,
        description="d numbers. With w, the answer also has the loss and its (sub)gradient there.",
    )


@blueprint.post("/regression", responses={200: RegressionAnswer, **problems(400, 413, 415, 422)})
@Bound(
    body_bytes=32 * 2**20,
    json_values=MOST_VALUES,
    memory_bytes=MEMORY_BYTES,
    memory_per_byte=10,
)
def regression(body: RegressionRequest) -> Response:
    """Minimize the loss, prove the solution optimal, and compare it with that of the other loss."""
    X, y = _matrix(body.X), np.array(body.y, dtype=np.float64)
    w = None if body.w is None else np.array(body.w, dtype=np.float64)
    return json_response(analyse_regression(X, y, body.loss, w))


def _matrix(rows: list[list[float]]) -> Array:
    """Make an array of the rows, which must have the same length."""
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InvalidInputError.at(
                f"/X/{i}", f"has {len(row)} numbers, but the first row has {len(rows[0])}"
            )
    return np.array(rows, dtype=np.float64)
