"""Linear fits by squares (l2) and by sizes (l1), with proofs that nothing is better."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.regression.least_absolute import least_absolute

Array = NDArray[np.float64]
LossName = Literal["l1", "l2"]

ROUNDING = 4 * np.finfo(np.float64).eps
OPTIMAL = 1e-9  # part of its terms up to which a certificate's number counts as 0


@dataclass(frozen=True)
class L2Certificate:
    """Proof of a least-squares solution: the loss is convex, and its gradient 2Xᵀr is 0.

    Attributes
    ----------
    normal_equations
        Xᵀ(Xw − y), shape (features,).
    residual
        Its largest magnitude.
    relative_residual
        The same as a part of the largest in |X|ᵀ(|X||w| + |y|), the terms that cancel in it.
    optimal
        Whether that is 0 up to rounding.
    """

    normal_equations: Array
    residual: float
    relative_residual: float
    optimal: bool


@dataclass(frozen=True)
class L1Certificate:
    """Proof of a least-absolute solution: 0 is in Xᵀs for a subgradient s of Σ|rᵢ|.

    Attributes
    ----------
    dual
        s, shape (points,).
    largest
        Largest magnitude in s; at most 1.
    stationarity
        Largest magnitude in Xᵀs; 0 up to rounding.
    lower_bound
        −sᵀy, which no w goes below.
    gap
        Loss minus lower bound; 0 up to rounding.
    optimal
        Whether all three hold up to rounding.
    """

    dual: Array
    largest: float
    stationarity: float
    lower_bound: float
    gap: float
    optimal: bool


@dataclass(frozen=True)
class Solution:
    """A minimiser of a loss, with its proof; `rank` is that of X."""

    w: Array
    loss: float
    method: Literal["closed form", "linear program"]
    rank: int
    note: str
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

    At a residual of 0 the sign may be any number from −1 to 1; it is 0 here. Shapes as in
    `squared_loss`.
    """
    residuals = X @ w - y
    signs = np.sign(residuals)
    signs[corners(X, y, w)] = 0
    return float(np.abs(residuals).sum()), X.T @ signs


LOSSES = {"l1": absolute_loss, "l2": squared_loss}


def corners(X: Array, y: Array, w: Array) -> NDArray[np.int64]:
    """Find the points whose residual is 0 up to rounding, where |xᵢᵀw − yᵢ| has its corner."""
    rounding = ROUNDING * (np.abs(X) @ np.abs(w) + np.abs(y))
    return np.flatnonzero(np.abs(X @ w - y) <= rounding)


def least_squares(X: Array, y: Array) -> Solution:
    """Minimise the squared loss in closed form: w = (XᵀX)⁻¹Xᵀy, where XᵀX has an inverse.

    With the singular values X = UΣVᵀ that is w = VΣ⁻¹Uᵀy, which squares no number. Where X has
    not full column rank, many w do equally well; without the singular values that are 0 up to
    rounding it is the shortest of them, as by Moore and Penrose's inverse. Shapes as in
    `squared_loss`.
    """
    U, sigma, Vt = _singular_values(X)
    w = Vt.T @ ((U.T @ y) / sigma)
    rank, features = len(sigma), X.shape[1]
    normal = X.T @ (X @ w - y)
    terms = np.abs(X).T @ (np.abs(X) @ np.abs(w) + np.abs(y))
    relative = largest(normal) / (largest(terms) or 1.0)
    certificate = L2Certificate(normal, largest(normal), relative, relative <= OPTIMAL)
    note = (
        "X has full column rank, so XᵀX has an inverse and w is the only minimiser."
        if rank == features
        else f"X has rank {rank}, less than its {features} columns, so XᵀX has no inverse and many "
        "w do equally well; this is the shortest, X⁺y."
    )
    return Solution(w, squared_loss(X, y, w)[0], "closed form", rank, note, certificate)


def least_absolutes(X: Array, y: Array) -> Solution:
    """Minimise the absolute loss by a linear program. Shapes as in `squared_loss`."""
    U, sigma, Vt = _singular_values(X)
    rank, features = len(sigma), X.shape[1]
    if rank == 0:
        w, dual = np.zeros(features), -np.sign(y)
    elif rank == features:
        w, dual = least_absolute(X, y)
    else:  # what fits is U v; the shortest w with Xw = Uv is VΣ⁻¹v
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
        dual, largest(dual), largest(balance), lower_bound, gap, bool(optimal)
    )
    note = (
        "The l1 loss has no closed form: |r| has a corner at 0, and the minimum lies at such "
        "corners, so that setting a gradient to 0 and solving finds nothing; which points the fit "
        "goes through has to be searched for."
    )
    if rank < features:
        note += (
            f" X has rank {rank}, less than its {features} columns: of the w with this fit, this "
            "is the shortest."
        )
    return Solution(w, loss, "linear program", rank, note, certificate)


SOLVERS = {"l1": least_absolutes, "l2": least_squares}


def _singular_values(X: Array) -> tuple[Array, Array, Array]:
    """Decompose X = UΣVᵀ, and leave the singular values away that are 0 up to rounding."""
    U, sigma, Vt = np.linalg.svd(X, full_matrices=False)
    rank = int((sigma > max(X.shape) * np.finfo(np.float64).eps * sigma[0]).sum())
    return U[:, :rank], sigma[:rank], Vt[:rank]


def largest(values: Array) -> float:
    """Give the largest magnitude."""
    return float(np.abs(values).max())
