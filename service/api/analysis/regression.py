"""POST /analysis/regression."""

from typing import Annotated, Literal

import numpy as np
from flask import Response
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from service.api.analysis.base import Answer, Request, Vector, answer_with, blueprint
from service.errors import problems
from service.server.bounds import REGRESSION_VALUES
from stepbox.analysis.regression.fit import MOST_COMPARED, MOST_NUMBERS, analyse_regression
from stepbox.analysis.regression.outliers import FAR
from stepbox.errors import InvalidInputError

LARGEST = 1e50  # so that squares and sums stay finite

Bounded = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Row = Annotated[list[Bounded], Field(fail_fast=True, min_length=1, max_length=MOST_NUMBERS)]
Rows = Annotated[list[Row], Field(fail_fast=True, min_length=1, max_length=MOST_NUMBERS)]


class RegressionRequest(Request):
    """Points, and the loss to fit them by."""

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
        description=f"n rows of d numbers each, from -1e50 to 1e50, n·d at most {MOST_NUMBERS:,}, "
        f"in a body of at most {REGRESSION_VALUES:,} commas, colons and opening brackets. "
        "A column of ones stands for an intercept."
    )
    y: Row = Field(description="n numbers.")
    loss: Literal["l1", "l2"] = Field(
        description="`l1`: Σ|xᵢᵀw − yᵢ|; `l2`: Σ(xᵢᵀw − yᵢ)². Sums, not means."
    )
    w: Row | None = Field(
        None, description="d numbers; asks for the loss and its (sub)gradient there."
    )


class Shapes(Answer):
    """The shapes of the quantities; Xw and y have the same."""

    X: list[int] = Field(description="[n, d]")
    w: list[int] = Field(description="[d]")
    y: list[int] = Field(description="[n]")


class L2Certificate(Answer):
    """Proof that no w has smaller squares: the loss is convex, and its gradient is 0."""

    normal_equations: Vector = Field(description="Xᵀ(Xw − y), d numbers; 0 up to rounding.")
    residual: float = Field(description="The largest of their magnitudes.")
    relative_residual: float = Field(
        description="The same as a part of the largest in |X|ᵀ(|X||w| + |y|), the terms that "
        "cancel there."
    )
    optimal: bool = Field(description="Whether `relative_residual` is at most 1e-9.")


class L1Certificate(Answer):
    """Proof that no w has smaller sizes: 0 = Xᵀs for a subgradient s of Σ|rᵢ|.

    For every w, Σ|xᵢᵀw − yᵢ| ≥ sᵀ(Xw − y) = −sᵀy, and the solution reaches this bound.
    """

    dual: Vector = Field(
        description="s, n numbers from -1 to 1: the sign of each residual, anything between where "
        "the residual is 0."
    )
    largest: float = Field(description="The largest magnitude in s; at most 1.")
    stationarity: float = Field(description="The largest magnitude in Xᵀs; 0 up to rounding.")
    lower_bound: float = Field(description="−sᵀy, which the loss of no w goes below.")
    gap: float = Field(description="The solution's loss minus that; 0 up to rounding.")
    optimal: bool = Field(description="Whether all three hold to 1e-9 of their terms.")


class Solution(Answer):
    """The best w, and why it is."""

    w: Vector = Field(description="d numbers.")
    loss: float = Field(description="The loss there.")
    method: Literal["closed form", "linear program"]
    rank: int = Field(description="Rank of X.")
    note: str = Field(description="Whether w is unique, and why l1 has no closed form.")
    certificate: L1Certificate | L2Certificate


class Fit(Answer):
    """The best w by one loss, and both losses there."""

    w: Vector
    l1: float = Field(description="Σ|r|")
    l2: float = Field(description="Σr²")


class Comparison(Answer):
    """Both solutions side by side."""

    l1: Fit = Field(description="The solution by sizes.")
    l2: Fit = Field(description="The solution by squares.")
    difference: float = Field(description="Largest difference between their weights.")
    outliers: list[int] = Field(
        description=f"Points over {FAR:g} median distances from the l1 fit, counted from 0."
    )
    l1_without: Fit | None = Field(description="l1 without the outliers; null where none is.")
    l2_without: Fit | None = Field(description="l2 without the outliers; null where none is.")
    remark: str = Field(description="What that says.")


class RegressionAnswer(Answer):
    """A linear regression, solved and proved."""

    shapes: Shapes
    loss: float | None = Field(description="The loss at the given w; null without one.")
    gradient: Vector | None = Field(
        description="At w: 2Xᵀ(Xw − y) for l2; for l1 the subgradient Xᵀ sign(Xw − y), with 0 for "
        "the sign of 0. Null without w."
    )
    not_differentiable: list[int] | None = Field(
        description="Points, counted from 0, whose residual at w is 0 up to rounding: there |r| "
        "has no derivative. Empty for l2, null without w."
    )
    solution: Solution
    comparison: Comparison | None = Field(
        description=f"Null where X has more than {MOST_COMPARED:,} numbers."
    )


@blueprint.post(
    "/regression",
    summary="Fit a line, by squares or by sizes",
    responses={200: RegressionAnswer, **problems(400, 413, 415, 422)},
)
def regression(body: RegressionRequest) -> Response:
    """Minimise the loss, prove it, and compare with the other loss."""
    X, y = _matrix(body.X), np.array(body.y, dtype=np.float64)
    w = None if body.w is None else np.array(body.w, dtype=np.float64)
    found = analyse_regression(X, y, body.loss, w)
    points, features = X.shape
    return answer_with(
        RegressionAnswer,
        {
            "shapes": {"X": [points, features], "w": [features], "y": [points]},
            "loss": found.loss,
            "gradient": found.gradient,
            "not_differentiable": found.not_differentiable,
            "solution": found.solution,
            "comparison": found.comparison,
        },
    )


def _matrix(rows: list[list[float]]) -> NDArray[np.float64]:
    """Make an array of rows of one length."""
    for i, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InvalidInputError.at(
                f"/X/{i}", f"has {len(row)} numbers, but the first row has {len(rows[0])}"
            )
    return np.array(rows, dtype=np.float64)
