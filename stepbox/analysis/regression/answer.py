"""The whole analysis of one linear regression."""

from pydantic import Field

from stepbox.analysis.regression.bounded import SMALLEST
from stepbox.analysis.regression.comparison import Comparison, compare
from stepbox.analysis.regression.linear_fit import LossName
from stepbox.analysis.regression.solutions import Solution, largest, regression_of, solve
from stepbox.analysis.result import Array, Result, Vector
from stepbox.errors import Fault, InvalidInputError

MOST_NUMBERS = 1_000_000  # in X
MOST_COMPARED = 10_000  # up to this many numbers in X, both losses are compared


class Shapes(Result):
    """The shapes of the arrays. Xw has the shape of y."""

    X: tuple[int, ...] = Field(description="[points, features]")
    w: tuple[int, ...] = Field(description="[features]")
    y: tuple[int, ...] = Field(description="[points]")


class RegressionAnswer(Result):
    """A linear regression with its solution, and the loss at a given w."""

    shapes: Shapes
    loss: float | None = Field(description="The loss at the given w. Null without w.")
    gradient: Vector | None = Field(
        description="Gradient at w, shape (features,): 2Xᵀ(Xw − y) for the L2 loss. For the L1 "
        "loss, the subgradient Xᵀ sign(Xw − y), with 0 as the sign of 0. Null without w."
    )
    not_differentiable: list[int] | None = Field(
        description="Indices, from 0, of the points whose residual at w is 0, where |r| has no "
        "derivative: exactly 0 if the solution is exact, else 0 up to rounding. Empty for the L2 "
        "loss. Null without w."
    )
    solution: Solution
    comparison: Comparison | None = Field(
        description=f"Null if X has more than {MOST_COMPARED:,} numbers."
    )


def analyse_regression(
    X: Array, y: Array, loss: LossName, w: Array | None = None
) -> RegressionAnswer:
    """Minimise the loss, prove the solution optimal, and compute the loss at w.

    Parameters
    ----------
    X
        Finite, shape (points, features), both at least 1.
    y
        Finite, shape (points,).
    loss
        ``l1`` or ``l2``, a sum over the points.
    w
        Finite, shape (features,): where to compute the loss and its gradient, if given.

    Raises
    ------
    InvalidInputError
        The shapes do not match, there are too many numbers, all numbers in X or y are too small,
        or the linear program takes too long.
    """
    _check(X, y, w)
    regression = regression_of(X, y)
    at_w = None if w is None else regression.evaluate(loss, w)
    return RegressionAnswer(
        shapes=Shapes(X=X.shape, w=X.shape[1:], y=y.shape),
        loss=at_w and at_w.loss,
        gradient=at_w and at_w.gradient,
        not_differentiable=at_w and at_w.corners,
        solution=solve(regression, loss),
        comparison=compare(X, y, regression) if X.size <= MOST_COMPARED else None,
    )


def _check(X: Array, y: Array, w: Array | None) -> None:
    points, features = X.shape
    faults = []
    if X.size > MOST_NUMBERS:
        numbers = f"{points:,}×{features:,} numbers"
        faults.append(Fault("/X", f"has {numbers}, but at most {MOST_NUMBERS:,} are allowed"))
    if len(y) != points:
        faults.append(Fault("/y", f"has {len(y):,} numbers, but X has {points:,} rows"))
    faults += [
        Fault(pointer, f"must have a number of at least {SMALLEST:g} in magnitude, or only zeros")
        for pointer, values in (("/X", X), ("/y", y))
        if 0 < largest(values) < SMALLEST
    ]
    if w is not None and len(w) != features:
        faults.append(Fault("/w", f"has {len(w):,} numbers, but X has {features:,} columns"))
    if faults:
        raise InvalidInputError(faults)
