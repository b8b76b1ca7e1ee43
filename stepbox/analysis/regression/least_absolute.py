"""Minimise Σ|Xw − y| by a linear program, and prove that the result is a minimiser.

For each s with |sᵢ| ≤ 1 and Xᵀs = 0, and for each w,

    Σ|xᵢᵀw − yᵢ| ≥ sᵀ(Xw − y) = −sᵀy.

The linear program finds the s with the largest bound. The Lagrange multipliers of its constraints
Xᵀs = 0 are a w whose loss equals this bound. So no other w has a smaller loss.
"""

from contextlib import suppress
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.result import Array

WORKING_SET = 5_000  # points of the sample that the first linear program fits
TIME_LIMIT_S = 30.0
TOLERANCE = 1e-10  # of the solver, whose numbers are scaled to about 1
ROUNDING = 1e-12  # a residual below this fraction of the sum of its |terms| counts as 0
EXACT = 1e4  # largest ratio of |y| to the median |residual| for which TOLERANCE is small enough
# Values of the solver's status.
LIMIT_REACHED = 1  # of time or of iterations
INFEASIBLE = 2  # no vector satisfies the constraints


def least_absolute(X: Array, y: Array) -> tuple[Array, Array]:
    """Minimise the sum of |Xw − y|.

    A linear program with all points is slow if there are many, and inexact if some are far from
    the others. So the first linear program fits a sample. The second one assumes that points far
    from this fit keep the sign of their residual, and contains only the other points. If one of
    these signs changes, the program is solved again with more points.

    Parameters
    ----------
    X
        Shape (points, features). The solver fails if the columns are nearly dependent.
    y
        Shape (points,).

    Returns
    -------
    w
        A minimiser, shape (features,).
    dual
        The s of the proof above, shape (points,): the sign of each residual that is not 0.

    Raises
    ------
    UnsolvedError
        The solver reached the time limit, or failed. The message says which.

    References
    ----------
    S. Portnoy, R. Koenker: The Gaussian hare and the Laplacian tortoise, Statistical Science 12
    (1997).
    """
    if not y.any():
        return np.zeros(X.shape[1]), np.zeros(len(y))
    deadline = monotonic() + TIME_LIMIT_S
    scale = power_of_two(X)  # dividing by a power of two is exact
    rows, same, repeats = np.unique(
        np.column_stack([X / scale, y]), axis=0, return_inverse=True, return_counts=True
    )
    X, y, counts = rows[:, :-1], rows[:, -1], repeats.astype(np.float64)
    # How far a change of w moves the fit at each point, similar to its leverage.
    reach = np.sqrt((X**2 / np.mean(X**2, axis=0)).sum(axis=1))

    heavy = _smallest(-reach, min(WORKING_SET, len(y)) // 10)  # in every program
    sample = _smallest(np.random.default_rng(0).random(len(y)), WORKING_SET) | heavy
    no_load = np.zeros(X.shape[1])
    w, first_dual = _solve(X[sample], y[sample], counts[sample], no_load, deadline)
    residuals = X @ w - y
    dual = residual_signs(X, y, w)
    if not dual.any():  # all points lie on the fit
        return w / scale, dual[same.ravel()]
    if sample.all() and np.abs(y).max() <= EXACT * np.median(np.abs(residuals)):
        return w / scale, first_dual[same.ravel()]
    near = np.divide(np.abs(residuals), reach, out=np.full(len(y), np.inf), where=reach > 0)
    size = min(WORKING_SET, max(len(y) // 2 + 1, int((dual == 0).sum())))
    free = _smallest(near, size) | heavy
    while True:
        load = X[~free].T @ (counts[~free] * dual[~free])
        wrong = ~free
        with suppress(InfeasibleError):  # too few free points to balance the others
            change, dual[free] = _solve(X[free], -residuals[free], counts[free], load, deadline)
            signs = residual_signs(X, y, w + change)
            wrong &= (signs != 0) & (signs != dual)
            if not wrong.any():
                return (w + change) / scale, dual[same.ravel()]
        if wrong.sum() <= size:
            free |= wrong
        else:
            size *= 2
            free |= _smallest(near, size)


class InfeasibleError(Exception):
    """No s with |s| ≤ 1 satisfies the constraints of the linear program."""


class UnsolvedError(Exception):
    """The solver did not solve the linear program."""


def _solve(X: Array, y: Array, counts: Array, load: Array, deadline: float) -> tuple[Array, Array]:
    """Minimise Σ cᵢ sᵢ yᵢ subject to Xᵀ(c s) = −load and |s| ≤ 1; return the multipliers and s.

    cᵢ counts the copies of point i, and `load` is Xᵀ(c s) of the points that are left out. The
    interior-point method is followed by a crossover to a vertex.
    """
    from scipy.optimize import linprog  # imported here: SciPy slows startup down

    too_long = f"is not solved within {TIME_LIMIT_S:g} s; send fewer points or features"
    if monotonic() > deadline:
        raise UnsolvedError(too_long)
    scale = power_of_two(y)
    # The interior-point method is fast for many points. The simplex method solves the few problems
    # on which it fails.
    for method in ("highs-ipm", "highs-ds"):
        result = linprog(  # type: ignore[call-overload]  # the stubs lack arrays of bounds
            y / scale,
            A_eq=X.T,
            b_eq=-load,
            bounds=np.column_stack([-counts, counts]),
            method=method,
            options={
                "presolve": False,  # its time grows with the square of the number of points
                "time_limit": max(0.0, deadline - monotonic()),
                "primal_feasibility_tolerance": TOLERANCE,
                "dual_feasibility_tolerance": TOLERANCE,
            },
        )
        if result.x is not None or result.status in (LIMIT_REACHED, INFEASIBLE):
            break
    if result.status == INFEASIBLE:
        raise InfeasibleError
    if result.x is None:
        late = result.status == LIMIT_REACHED
        raise UnsolvedError(too_long if late else f"defeats the solver: {result.message}")
    return result.eqlin.marginals * scale, result.x / counts


def residual_signs(X: Array, y: Array, w: Array, rounding: float = ROUNDING) -> Array:
    """Return the signs of the residuals Xw − y: 0 where a residual is 0 up to rounding.

    A residual counts as 0 if it is at most `rounding` times the sum of its terms' magnitudes.
    """
    residuals = X @ w - y
    limits = rounding * (np.abs(X) @ np.abs(w) + np.abs(y))
    return np.where(np.abs(residuals) > limits, np.sign(residuals), 0.0)


def _smallest(values: Array, count: int) -> NDArray[np.bool_]:
    """Return a mask of the `count` smallest values."""
    chosen = np.zeros(len(values), dtype=np.bool_)
    chosen[np.argsort(values, kind="stable")[:count]] = True
    return chosen


def power_of_two(values: Array) -> Array:
    """Return the smallest power of two ≥ the largest magnitude of each column; 1 for zeros."""
    largest = np.abs(values).max(axis=0)
    fractions, exponents = np.frexp(np.where(largest > 0, largest, 1.0))
    powers: Array = np.ldexp(1.0, exponents - (fractions == 0.5))
    return powers
