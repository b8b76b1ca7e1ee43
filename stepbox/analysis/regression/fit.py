"""All that is to be said of one linear regression."""

from dataclasses import dataclass

from stepbox.analysis.regression.linear_fits import (
    LOSSES,
    SOLVERS,
    Array,
    LossName,
    Solution,
    corners,
    largest,
)
from stepbox.analysis.regression.outliers import Comparison, compare
from stepbox.errors import Fault, InvalidInputError

MOST_NUMBERS = 1_000_000  # in X
SMALLEST = 1e-50  # so that quotients stay finite, and rounding relative
MOST_COMPARED = 10_000  # numbers in X up to which both losses are solved and outliers sought


@dataclass(frozen=True)
class Regression:
    """What is to be said of X, y, a loss and, where given, w.

    Attributes
    ----------
    loss, gradient, not_differentiable
        At the given w: the loss, a subgradient, and the points where the loss has a corner.
    comparison
        None above ``MOST_COMPARED`` numbers in X.
    """

    solution: Solution
    loss: float | None
    gradient: Array | None
    not_differentiable: list[int] | None
    comparison: Comparison | None


def analyse_regression(X: Array, y: Array, loss: LossName, w: Array | None = None) -> Regression:
    """Solve a regression, and look at the loss where w is.

    Parameters
    ----------
    X
        Finite, shape (points, features), both at least 1.
    y
        Finite, shape (points,).
    loss
        ``l1`` or ``l2``, a sum over the points.
    w
        Finite, shape (features,).

    Raises
    ------
    InvalidInputError
        Lengths that do not fit, too many numbers, or no solution in time.
    """
    _check(X, y, w)
    solution = SOLVERS[loss](X, y)
    comparison = compare(X, y) if X.size <= MOST_COMPARED else None
    if w is None:
        return Regression(solution, None, None, None, comparison)
    value, gradient = LOSSES[loss](X, y, w)
    not_differentiable = corners(X, y, w).tolist() if loss == "l1" else []
    return Regression(solution, value, gradient, not_differentiable, comparison)


def _check(X: Array, y: Array, w: Array | None) -> None:
    points, features = X.shape
    faults = []
    if X.size > MOST_NUMBERS:
        faults.append(
            Fault("/X", f"has {points:,}×{features:,} numbers, of at most {MOST_NUMBERS:,}")
        )
    if len(y) != points:
        faults.append(Fault("/y", f"has {len(y):,} numbers, but X has {points:,} rows"))
    faults += [
        Fault(pointer, f"must hold a number of at least {SMALLEST:g} in magnitude, or zeros alone")
        for pointer, values in (("/X", X), ("/y", y))
        if 0 < largest(values) < SMALLEST
    ]
    if w is not None and len(w) != features:
        faults.append(Fault("/w", f"has {len(w):,} numbers, but X has {features:,} columns"))
    if faults:
        raise InvalidInputError(faults)
