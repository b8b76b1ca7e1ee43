"""Linear fits with the L1 or the L2 loss, each with a certificate that it is optimal."""

from typing import Literal

import numpy as np
from pydantic import Field

from stepbox.analysis.regression.least_absolute import least_absolute, residual_signs
from stepbox.analysis.result import Array, Integers, Result, Vector

LossName = Literal["l1", "l2"]

ROUNDING = 4 * np.finfo(np.float64).eps
OPTIMAL = 1e-9  # relative tolerance of a certificate, for sums that are 0 up to rounding


class L2Certificate(Result):
    """Proof that no w has a smaller squared loss: the loss is convex, and its gradient is 0."""

    normal_equations: Vector = Field(
        description="Xᵀ(Xw − y), shape (features,). It is 0 up to rounding."
    )
    residual: float = Field(description="Largest magnitude in `normal_equations`.")
    relative_residual: float = Field(
        description="`residual` relative to the terms of `normal_equations`: divided by the "
        "largest number in |X|ᵀ(|X||w| + |y|)."
    )
    optimal: bool = Field(description=f"Whether `relative_residual` is at most {OPTIMAL:g}.")


class L1Certificate(Result):
    """Proof that no w has a smaller absolute loss: 0 = Xᵀs for a subgradient s of Σ|rᵢ|.

    For every w, Σ|xᵢᵀw − yᵢ| ≥ sᵀ(Xw − y) = −sᵀy, and the solution reaches this bound.
    """

    dual: Vector = Field(
        description="s, shape (points,), from -1 to 1. It is the sign of each residual, or any "
        "number in this range where the residual is 0."
    )
    largest: float = Field(description="Largest magnitude in s, at most 1.")
    stationarity: float = Field(description="Largest magnitude in Xᵀs. It is 0 up to rounding.")
    lower_bound: float = Field(description="−sᵀy. No w has a smaller loss.")
    gap: float = Field(
        description="The solution's loss minus `lower_bound`. It is 0 up to rounding."
    )
    optimal: bool = Field(
        description="Whether `largest` is at most 1, and `stationarity` and `gap` are 0, with a "
        f"relative tolerance of {OPTIMAL:g}."
    )


class Solution(Result):
    """A minimiser w of a loss, and the proof that it is one."""

    w: Vector = Field(description="Shape (features,).")
    loss: float = Field(description="The loss at w.")
    method: Literal["closed form", "linear program"]
    rank: int = Field(description="Rank of X.")
    note: str = Field(description="L2: whether w is unique. L1: why there is no closed form.")
    certificate: L1Certificate | L2Certificate


def squared_loss(X: Array, y: Array, w: Array) -> tuple[float, Array]:
    """Compute Σ(xᵢᵀw − yᵢ)² and its gradient 2Xᵀ(Xw − y).

    Parameters
    ----------
    X
        Shape (points, features).
    y
        Shape (points,).
    w
        Shape (features,).
    """
    residuals = X @ w - y
    return float(residuals @ residuals), 2 * X.T @ residuals


def absolute_loss(X: Array, y: Array, w: Array) -> tuple[float, Array]:
    """Compute Σ|xᵢᵀw − yᵢ| and its subgradient Xᵀ sign(Xw − y).

    Where a residual is 0, any number from −1 to 1 may stand for its sign; this function uses 0.
    The shapes are those of `squared_loss`.
    """
    return float(np.abs(X @ w - y).sum()), X.T @ residual_signs(X, y, w, ROUNDING)


LOSSES = {"l1": absolute_loss, "l2": squared_loss}


def corners(X: Array, y: Array, w: Array) -> Integers:
    """Find the points whose residual is 0 up to rounding. There |xᵢᵀw − yᵢ| has a corner."""
    return np.flatnonzero(residual_signs(X, y, w, ROUNDING) == 0)


def solve_l2(X: Array, y: Array) -> Solution:
    """Minimise the squared loss in closed form: w = (XᵀX)⁻¹Xᵀy, if XᵀX is invertible.

    It is computed as w = VΣ⁻¹Uᵀy with the singular value decomposition X = UΣVᵀ, because XᵀX
    would square the condition number. Singular values that are 0 up to rounding are left out. If X
    does not have full column rank, many w are optimal, and this is the shortest of them, X⁺y. The
    shapes are those of `squared_loss`.
    """
    U, sigma, Vt = _singular_values(X)
    w = Vt.T @ ((U.T @ y) / sigma)
    rank, features = len(sigma), X.shape[1]
    normal = X.T @ (X @ w - y)
    terms = np.abs(X).T @ (np.abs(X) @ np.abs(w) + np.abs(y))
    relative = largest(normal) / (largest(terms) or 1.0)
    certificate = L2Certificate(
        normal_equations=normal,
        residual=largest(normal),
        relative_residual=relative,
        optimal=relative <= OPTIMAL,
    )
    note = (
        "X has full column rank, so XᵀX is invertible and w is the only minimiser."
        if rank == features
        else f"X has rank {rank}, less than its {features} columns, so XᵀX is not invertible and "
        "many w are optimal. This is the shortest of them, X⁺y."
    )
    return Solution(
        w=w,
        loss=squared_loss(X, y, w)[0],
        method="closed form",
        rank=rank,
        note=note,
        certificate=certificate,
    )


def solve_l1(X: Array, y: Array) -> Solution:
    """Minimise the absolute loss by a linear program. The shapes are those of `squared_loss`."""
    U, sigma, Vt = _singular_values(X)
    rank, features = len(sigma), X.shape[1]
    if rank == 0:
        w, dual = np.zeros(features), -np.sign(y)
    elif rank == features:
        w, dual = least_absolute(X, y)
    else:  # fit y by Uv; then VΣ⁻¹v is the shortest w with Xw = Uv
        v, dual = least_absolute(U, y)
        w = Vt.T @ (v / sigma)
    loss, _ = absolute_loss(X, y, w)
    lower_bound, balance = -float(dual @ y), X.T @ dual
    gap = loss - lower_bound
    optimal = (
        abs(gap) <= OPTIMAL * (loss + np.abs(y).sum())
        and bool((np.abs(balance) <= OPTIMAL * np.abs(X).sum(axis=0)).all())
        and largest(dual) <= 1 + OPTIMAL
    )
    certificate = L1Certificate(
        dual=dual,
        largest=largest(dual),
        stationarity=largest(balance),
        lower_bound=lower_bound,
        gap=gap,
        optimal=bool(optimal),
    )
    note = (
        "The l1 fit has no closed form: |r| has a corner at 0, and the minimum is at such "
        "corners, where the loss has no gradient. The linear program finds the points that the "
        "fit goes through."
    )
    if rank < features:
        note += (
            f" X has rank {rank}, less than its {features} columns, so many w give this fit. This "
            "is the shortest of them."
        )
    return Solution(
        w=w, loss=loss, method="linear program", rank=rank, note=note, certificate=certificate
    )


SOLVERS = {"l1": solve_l1, "l2": solve_l2}


def _singular_values(X: Array) -> tuple[Array, Array, Array]:
    """Decompose X = UΣVᵀ without the singular values that are 0 up to rounding."""
    U, sigma, Vt = np.linalg.svd(X, full_matrices=False)
    rank = int((sigma > max(X.shape) * np.finfo(np.float64).eps * sigma[0]).sum())
    return U[:, :rank], sigma[:rank], Vt[:rank]


def largest(values: Array) -> float:
    """Return the largest magnitude."""
    return float(np.abs(values).max())
