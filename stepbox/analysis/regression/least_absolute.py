"""The w that makes the sum of |Xw − y| smallest, by a linear program, and why none is better.

For every s with |sᵢ| ≤ 1 and Xᵀs = 0, and every w,

    Σ|xᵢᵀw − yᵢ| ≥ sᵀ(Xw − y) = −sᵀy.

The linear program finds the s of the largest such bound; the multipliers of Xᵀs = 0 are a w that
reaches it. Then s is a subgradient of Σ|rᵢ| that proves 0 ∈ Xᵀ∂Σ|rᵢ|: the w is best.
"""

from contextlib import suppress
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from stepbox.errors import InvalidInputError

Array = NDArray[np.float64]
Chosen = NDArray[np.bool_]

WORKING_SET = 5_000  # points in one linear program, to begin with
TIME_LIMIT_S = 30.0
TOLERANCE = 1e-10  # of the solver, where the numbers are about 1
ROUNDING = 1e-12  # a residual below this part of its terms counts as 0
EXACT = 1e4  # largest y, in median residuals, for which TOLERANCE finds the right corner
INFEASIBLE = 2  # the solver's status


def least_absolute(X: Array, y: Array) -> tuple[Array, Array]:
    """Minimise the sum of |Xw − y|.

    A linear program of all points would be slow where they are many, and inexact where some lie
    far out. So a first one, of a sample, says about where the best fit lies. Then the sign of the
    points far from it is taken as known, and only the nearest are solved for, until no sign
    turns out wrong.

    Parameters
    ----------
    X
        Shape (points, features), of full column rank.
    y
        Shape (points,).

    Returns
    -------
    w
        Shape (features,), a minimiser.
    dual
        Shape (points,): s of the module's proof, the sign of the residual where it is not 0.

    Raises
    ------
    InvalidInputError
        The solver did not come to an end in time.

    References
    ----------
    S. Portnoy, R. Koenker: The Gaussian hare and the Laplacian tortoise, Statistical Science 12
    (1997).
    """
    deadline = monotonic() + TIME_LIMIT_S
    scale = _power_of_two(X)  # exact, and the solver wants numbers of about 1
    rows, same, repeats = np.unique(
        np.column_stack([X / scale, y]), axis=0, return_inverse=True, return_counts=True
    )
    X, y, counts = rows[:, :-1], rows[:, -1], repeats.astype(np.float64)
    reach = np.sqrt((X**2 / np.mean(X**2, axis=0)).sum(axis=1))  # how far a change of w moves it

    heavy = _first(-reach, min(WORKING_SET, len(y)) // 10)  # the few that any balance needs
    sample = _first(np.random.default_rng(0).random(len(y)), WORKING_SET) | heavy
    no_load = np.zeros(X.shape[1])
    w, first_dual = _solve(X[sample], y[sample], counts[sample], no_load, deadline)
    residuals = X @ w - y
    dual = _signs(X, w, y)
    if not dual.any():  # every point lies on the fit
        return w / scale, dual[same.ravel()]
    if sample.all() and np.abs(y).max() <= EXACT * np.median(np.abs(residuals)):
        return w / scale, first_dual[same.ravel()]
    near = np.divide(np.abs(residuals), reach, out=np.full(len(y), np.inf), where=reach > 0)
    size = min(WORKING_SET, len(y) // 2 + 1)
    free = _first(near, size) | heavy
    while True:
        load = X[~free].T @ (counts[~free] * dual[~free])
        wrong = ~free
        with suppress(InfeasibleError):  # too few points to hold the others' signs in balance
            change, dual[free] = _solve(X[free], -residuals[free], counts[free], load, deadline)
            signs = _signs(X, w + change, y)
            wrong &= (signs != 0) & (signs != dual)
            if not wrong.any():
                return (w + change) / scale, dual[same.ravel()]
        if wrong.sum() <= size:
            free |= wrong
        else:
            size *= 2
            free |= _first(near, size)


class InfeasibleError(Exception):
    """No dual vector within its bounds balances the load."""


def _solve(X: Array, y: Array, counts: Array, load: Array, deadline: float) -> tuple[Array, Array]:
    """Minimise Σ cᵢ sᵢ yᵢ under Xᵀ(c s) = −load and |s| ≤ 1, by an interior point and a corner."""
    from scipy.optimize import linprog  # here: it would take a fifth of the API's start

    if monotonic() > deadline:
        raise _too_long()
    scale = _power_of_two(y)
    result = linprog(  # type: ignore[call-overload]  # the stubs know no array of bounds
        y / scale,
        A_eq=X.T,
        b_eq=-load,
        bounds=np.column_stack([-counts, counts]),
        method="highs-ipm",
        options={
            "presolve": False,  # takes a time that grows with the square of the points
            "time_limit": max(0.0, deadline - monotonic()),
            "primal_feasibility_tolerance": TOLERANCE,
            "dual_feasibility_tolerance": TOLERANCE,
        },
    )
    if result.status == INFEASIBLE:
        raise InfeasibleError
    if result.x is None:
        raise _too_long()
    return result.eqlin.marginals * scale, result.x / counts


def _too_long() -> InvalidInputError:
    return InvalidInputError.at(
        "/X",
        f"makes a linear program that is not solved within {TIME_LIMIT_S:g} s; send fewer points "
        "or features",
    )


def _signs(X: Array, w: Array, y: Array) -> Array:
    """Give the signs of the residuals, 0 where they are 0 up to rounding."""
    residuals = X @ w - y
    rounding = ROUNDING * (np.abs(X) @ np.abs(w) + np.abs(y))
    return np.where(np.abs(residuals) > rounding, np.sign(residuals), 0.0)


def _first(values: Array, count: int) -> Chosen:
    """Choose the places of the smallest values."""
    chosen = np.zeros(len(values), dtype=np.bool_)
    chosen[np.argsort(values, kind="stable")[:count]] = True
    return chosen


def _power_of_two(values: Array) -> Array:
    """Give the power of two at or above the largest magnitude of each column; 1 for zeros."""
    largest = np.abs(values).max(axis=0)
    return np.exp2(np.ceil(np.log2(np.where(largest > 0, largest, 1.0))))
