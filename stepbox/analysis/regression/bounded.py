"""Linear fits in float64, with proven bounds of their losses.

Exact arithmetic would take too long for many numbers. So the fits are computed in float64, and each
rounding error is bounded: a product of matrices with n terms per sum has an error of at most
γₙ|A||B|, in any order of summation, with or without fused multiply-add.

Let T be a matrix for which the columns of Q = XT are nearly orthonormal: ‖QᵀQ − I‖ ≤ α. If α < 1,
then X has full column rank, and each fit is a combination of the columns of Q. From this follow
bounds for the residuals r of w, and the smallest loss:

- L2: Σr² exceeds it by the squared length of the projection of r, at most ‖Qᵀr‖² / (1 − α).
- L1: for |sᵢ| ≤ 1 and the minimiser w + h, it is at least sᵀ(r + Xh) = sᵀr + (Qᵀs)ᵀT⁻¹h. The last
  term is small: ‖T⁻¹h‖² ≤ ‖Xh‖² / (1 − α), and ‖Xh‖ ≤ Σ|Xh| is at most twice the loss at w.

References
----------
N. J. Higham: Accuracy and Stability of Numerical Algorithms, SIAM (2002), sections 3.1 and 3.5.
"""

from dataclasses import dataclass
from functools import cached_property
from math import fsum, inf, sqrt

import numpy as np

from stepbox.analysis.regression.least_absolute import (
    UnsolvedError,
    least_absolute,
    power_of_two,
)
from stepbox.analysis.regression.linear_fit import (
    Evaluation,
    LinearFit,
    LossName,
    largest_term,
)
from stepbox.analysis.result import Array
from stepbox.errors import InvalidInputError

ROUNDING = 2.0**-53  # relative rounding error of one operation
SUMMING = 5 * ROUNDING  # a loss and its bound: each product, fsum, two differences; one to spare
SAFETY = 1.001  # error bounds are rounded too, by less than one part in a million
WELL_CONDITIONED = 1e4  # up to this condition number, the linear program is solved as it is
UNDERFLOW = 1e-280  # more than what underflow adds to a sum of products with factors up to 1
SMALLEST = 1e-50  # in magnitude, of the largest number in a column: far from the float range


@dataclass(frozen=True)
class BoundedFit:
    """A fit in float64, and bounds of the smallest loss.

    Attributes
    ----------
    w
        Shape (features,).
    loss
        The loss at w is at most this.
    lower_bound
        No w has a smaller loss.
    dual
        The s of the L1 fit, shape (points,). None for the L2 fit.
    """

    w: Array
    loss: float
    lower_bound: float
    dual: Array | None = None


class BoundedRegression:
    """Points, and their linear fits in float64.

    Parameters
    ----------
    X
        Finite, shape (points, features).
    y
        Finite, shape (points,).

    Attributes
    ----------
    rank
        Rank of X, which is proven if it is full. Else None.
    condition_number
        Ratio of the largest to the smallest singular value of X, after each column is divided by a
        power of two. None if X has fewer points than features, or the smallest one is 0 up to
        rounding.

    Raises
    ------
    InvalidInputError
        All numbers in a column of X are too small, but not 0.
    """

    def __init__(self, X: Array, y: Array) -> None:
        largest = np.abs(X).max(axis=0)
        tiny = np.flatnonzero((largest > 0) & (largest < SMALLEST))
        if len(tiny):
            raise InvalidInputError.at(
                "/X",
                f"has too many numbers for exact arithmetic, so column {tiny[0]} (counted from 0) "
                f"must have a number of at least {SMALLEST:g} in magnitude, or only zeros",
            )
        self._powers = power_of_two(X)
        self._X, self._y = X / self._powers, y
        U, sigma, Vt = np.linalg.svd(self._X, full_matrices=False)
        kept = int((sigma > max(X.shape) * np.finfo(np.float64).eps * sigma[0]).sum())
        self._U, self._V = U[:, :kept], Vt[:kept].T
        self._T = self._V / sigma[:kept]
        self._basis: Basis | None = None
        self.rank: int | None = None
        self.condition_number: float | None = None
        if kept == X.shape[1]:
            self.condition_number = float(sigma[0] / sigma[-1])
            basis = Basis(self._X, self._T)
            if basis.deviation < 1:
                self._basis, self.rank = basis, kept
        elif kept == X.shape[0] and Basis(self._X.T, U / sigma).deviation < 1:
            self.rank = kept

    @property
    def features(self) -> int:
        """Number of columns of X."""
        return int(self._X.shape[1])

    def fit(self, loss: LossName) -> LinearFit:
        """Minimise a loss."""
        w = (self.least_squares if loss == "l2" else self.least_absolute).w
        residuals, _ = self._residuals(w)
        absolute = np.abs(residuals)
        return LinearFit(w, residuals, float(absolute.sum()), float(residuals @ residuals))

    def evaluate(self, loss: LossName, w: Array) -> Evaluation:
        """Compute a loss at w, and its (sub)gradient, up to rounding."""
        residuals, errors = self._residuals(w)
        if loss == "l2":
            gradient = 2 * self.transposed_product(residuals)
            return Evaluation(float(residuals @ residuals), gradient, [])
        signs = np.where(np.abs(residuals) > errors, np.sign(residuals), 0.0)
        corners = np.flatnonzero(signs == 0).tolist()
        return Evaluation(float(np.abs(residuals).sum()), self.transposed_product(signs), corners)

    def transposed_product(self, vector: Array) -> Array:
        """Compute Xᵀ times a vector, shape (points,)."""
        product: Array = self._powers * (self._X.T @ vector)
        return product

    def largest_term(self, w: Array) -> float:
        """Return the largest number in |X|ᵀ(|X||w| + |y|)."""
        return largest_term(self._X * self._powers, self._y, w)

    @cached_property
    def least_squares(self) -> BoundedFit:
        """The fit with the smallest Σr², w = (XᵀX)⁻¹Xᵀy, by the singular value decomposition.

        If X does not have full column rank, it is the shortest of them, X⁺y.
        """
        w = self._shortest(self._T @ (self._U.T @ self._y))
        residuals, errors = self._residuals(w)
        squares = fsum((residuals**2).tolist())
        error = SAFETY * float(errors @ (2 * np.abs(residuals) + errors))
        error += SUMMING * squares + UNDERFLOW
        lower = 0.0
        if self._basis:
            lower = squares - error - self._basis.projection(residuals, norm(errors)) ** 2
        return BoundedFit(w, squares + error, max(0.0, lower))

    @cached_property
    def least_absolute(self) -> BoundedFit:
        """A fit with the smallest Σ|r|, by a linear program.

        Raises
        ------
        InvalidInputError
            The linear program is not solved.
        """
        kept = self._U.shape[1]
        try:
            if kept == 0:
                w, dual = np.zeros(self.features), -np.sign(self._y)
            elif (self.condition_number or inf) <= WELL_CONDITIONED:
                w, dual = least_absolute(self._X, self._y)
            else:  # fit y by Uv, which is XTv
                v, dual = least_absolute(self._U, self._y)
                w = self._T @ v
        except UnsolvedError as reason:
            raise InvalidInputError.at("/X", f"gives a linear program that {reason}") from None
        w, dual = self._shortest(w), np.clip(dual, -1.0, 1.0)
        residuals, errors = self._residuals(w)
        sizes = fsum(np.abs(residuals).tolist())
        error = SAFETY * float(errors.sum()) + SUMMING * sizes + UNDERFLOW
        loss = sizes + error
        lower = 0.0
        if self._basis:
            tilt = self._basis.projection(dual, 0.0)
            lower = fsum((dual * residuals).tolist()) - error - SAFETY * tilt * 2 * loss
        return BoundedFit(w, loss, max(0.0, lower), dual)

    def _shortest(self, scaled: Array) -> Array:
        """Convert weights of the scaled columns to the shortest w with the same fit.

        This w is a combination of the columns of PV, with the powers of two P. With its largest
        rows first and pivots, its QR decomposition is accurate even if the powers are very
        different (Higham, section 19.4).
        """
        from scipy.linalg import qr, solve_triangular  # imported here: SciPy slows startup down

        if self._V.shape[1] == self.features:
            return scaled / self._powers
        order = np.argsort(-self._powers)
        rows = self._V[order] * self._powers[order, None]
        Q, R, pivots = qr(rows, mode="economic", pivoting=True)
        w = np.empty(self.features)
        w[order] = Q @ solve_triangular(R, (self._V.T @ scaled)[pivots], trans="T")
        return w

    def _residuals(self, w: Array) -> tuple[Array, Array]:
        """Compute Xw − y, and a bound of the error of each residual."""
        w = w * self._powers
        terms = np.abs(self._X) @ np.abs(w) + np.abs(self._y)
        errors = SAFETY * _gamma(len(w) + 2) * terms + UNDERFLOW * (1 + np.abs(w).sum())
        return self._X @ w - self._y, errors


class Basis:
    """Columns Q = XT that are nearly orthonormal.

    Attributes
    ----------
    deviation
        α: at least ‖QᵀQ − I‖, infinite if it is unknown.
    """

    def __init__(self, X: Array, T: Array) -> None:
        self._Q = X @ T
        points, features = self._Q.shape
        self._size = norm(self._Q)
        self._error = SAFETY * _gamma(X.shape[1]) * norm(X) * norm(T) + UNDERFLOW
        products = norm(self._Q.T @ self._Q - np.eye(features)) + _gamma(points) * self._size**2
        self.deviation = SAFETY * (products + (2 * self._size + self._error) * self._error)

    def projection(self, vector: Array, error: float) -> float:
        """Bound the length of a vector's projection on the span of the columns.

        Parameters
        ----------
        vector
            Shape (points,).
        error
            The true vector is at most this far from `vector`.
        """
        products = np.array([fsum((column * vector).tolist()) for column in self._Q.T])
        length = norm(products) * (1 + ROUNDING) + norm(vector) * (
            ROUNDING * self._size + self._error
        )
        length += sqrt(1 + self.deviation) * error
        return SAFETY * length / sqrt(1 - self.deviation)


def _gamma(terms: int) -> float:
    """Return γₙ: a sum of n products has at most this relative error, with respect to |a|ᵀ|b|."""
    return terms * ROUNDING / (1 - terms * ROUNDING)


def norm(values: Array) -> float:
    """Return the Frobenius norm of a matrix, or the length of a vector."""
    return float(np.linalg.norm(values))
