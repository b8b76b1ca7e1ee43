"""Linear fits in exact rational arithmetic.

A float64 number is a whole number times a power of two. So X and y become matrices of whole
numbers, once each column is divided by a power of two. FLINT computes with them exactly.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

import numpy as np
from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

from stepbox.analysis.regression.exact_fit import ExactFit
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
from stepbox.analysis.regression.rational import (
    diagonal,
    exact_fraction,
    independent_rows,
    nearest,
    nearest_float,
    rounded_columns,
    solve,
    take_rows,
    whole_numbers,
)
from stepbox.analysis.regression.vertices import Points, Vertex
from stepbox.analysis.result import Array

FEW_NUMBERS = 200  # up to so many in X, exact steps alone are faster than a call of the solver
FEW_STEPS = 20  # an exact step takes up to as long as a linear program in float64
INTERIOR = 1e-6  # a dual at least this far from ±1 belongs to a point on the fit


class ExactRegression:
    """Points whose numbers are fractions, and their linear fits.

    The fits are computed for other columns with the same span, which are nearly orthogonal and
    have short numbers. The Lenstra–Lenstra–Lovász algorithm (LLL) finds them without rounding.

    Parameters
    ----------
    X
        Finite, shape (points, features).
    y
        Finite, shape (points,).

    Attributes
    ----------
    rank
        Rank of X.
    """

    def __init__(self, X: Array, y: Array) -> None:
        self._X, self._y = X, y
        self._A, self._scales = whole_numbers(X)  # X[:, j] = A[:, j] · scales[j]
        self._b, (self._scale,) = whole_numbers(y[:, None])  # y = b · scale
        transposed = self._A.transpose()
        tall = X.shape[0] >= X.shape[1]
        self.rank = (transposed * self._A if tall else self._A * transposed).rank()
        self._chosen = independent_rows(transposed, self.rank)
        reduced, steps = take_rows(transposed, self._chosen).lll(True)
        self._columns, self._steps = reduced.transpose(), steps.transpose()  # A[:, chosen] · steps

    @property
    def features(self) -> int:
        """Number of columns of X."""
        return len(self._scales)

    def fit(self, loss: LossName) -> LinearFit:
        """Minimise a loss, and round the result."""
        fit = self.least_squares if loss == "l2" else self.least_absolute
        l1, l2 = nearest([fit.l1, fit.l2])
        return LinearFit(nearest(fit.w), fit.residuals, float(l1), float(l2))

    def evaluate(self, loss: LossName, w: Array) -> Evaluation:
        """Compute a loss at w, and its (sub)gradient, exactly; then round them."""
        fit = self.at(w)
        if loss == "l2":
            gradient = self.transposed_product(fit.numerators, 2 * fit.unit)
            return Evaluation(nearest_float(fit.l2), nearest(gradient), [])
        signs = [(r > 0) - (r < 0) for r in fit.numerators]
        corners = [i for i, sign in enumerate(signs) if sign == 0]
        gradient = self.transposed_product(signs, fmpq(1))
        return Evaluation(nearest_float(fit.l1), nearest(gradient), corners)

    def largest_term(self, w: Array) -> float:
        """Return the largest number in |X|ᵀ(|X||w| + |y|), up to rounding."""
        return largest_term(self._X, self._y, w)

    def at(self, w: Array) -> ExactFit:
        """Compute the residuals at given weights, shape (features,)."""
        exact = [exact_fraction(value) for value in w]
        z = [value * s / self._scale for value, s in zip(exact, self._scales, strict=True)]
        return self._fit(exact, self._A, fmpq_mat(self.features, 1, z))

    def transposed_product(self, vector: Sequence[fmpz | int], unit: fmpq) -> list[fmpq]:
        """Compute Xᵀ times `vector` times `unit`; the vector has the shape (points,)."""
        products = (self._A.transpose() * fmpz_mat(len(vector), 1, list(vector))).entries()
        return [unit * s * product for s, product in zip(self._scales, products, strict=True)]

    def forces(self, dual: Sequence[fmpq]) -> list[fmpq]:
        """Compute Xᵀs for a dual s, shape (points,)."""
        numerators, denominator = fmpq_mat(len(dual), 1, list(dual)).numer_denom()
        return self.transposed_product(numerators.entries(), 1 / fmpq(denominator))

    def lower_bound(self, dual: Sequence[fmpq]) -> fmpq:
        """Compute −sᵀy, which no Σ|r| is below if |sᵢ| ≤ 1 and Xᵀs = 0."""
        products = (s * b for s, b in zip(dual, self._b.entries(), strict=True))
        return -self._scale * sum(products, fmpq(0))

    @cached_property
    def least_squares(self) -> ExactFit:
        """The fit with the smallest Σr², by the normal equations."""
        transposed = self._columns.transpose()
        return self._shortest(solve(transposed * self._columns, transposed * self._b))

    @cached_property
    def vertex(self) -> Vertex:
        """A vertex with the smallest Σ|r|.

        If the vertex that float64 finds is many steps away, numbers of very different sizes were
        rounded. Then float64 solves the same problem again for the residuals.
        """
        basis, _ = self._first_start
        while True:
            vertex = self._points.minimise(basis, most_steps=FEW_STEPS)
            if vertex.optimal:
                return vertex
            values, coefficients = zip(*vertex.residuals, strict=True)
            rest = fmpz_mat(len(values), 1, values if any(values) else coefficients)
            basis, _ = self._start(-rounded_columns(rest)[0][:, 0])
            if self._points.minimise(basis, most_steps=0).loss >= vertex.loss:
                return self._points.minimise(vertex.basis)

    @cached_property
    def least_absolute(self) -> ExactFit:
        """A fit with the smallest Σ|r|."""
        return self._shortest(fmpq_mat(self.rank, 1, self.vertex.w))

    def is_unique(self) -> bool:
        """Tell whether only one w has the smallest Σ|r|.

        All such w agree in the residuals of the points whose dual is not ±1. For each other point
        of the basis, find the largest residual.
        """
        if self.rank < self.features:
            return False
        for i in self.vertex.basis:
            side = self.vertex.dual[i]
            if abs(side) == 1:
                row = take_rows(self._columns, [i]).entries()
                far = self._points.minimise(self.vertex.basis, [-side * value for value in row])
                if sum(value * v for value, v in zip(row, far.w, strict=True)) != self._b[i, 0]:
                    return False
        return True

    def ranges(self) -> list[tuple[fmpq, fmpq] | None]:
        """Find the smallest and the largest value of each weight, of all w with the smallest Σ|r|.

        Returns
        -------
        Shape (features,). None if the weight can be any number.
        """
        weights = self._weights(diagonal([fmpq(1)] * self.rank))
        ranges: list[tuple[fmpq, fmpq] | None] = []
        for j in range(self.features):
            if not self._is_determined(j):
                ranges.append(None)
                continue
            goal = [weights[j, k] for k in range(self.rank)]
            ends = [
                self._points.minimise(self.vertex.basis, [side * value for value in goal]).w
                for side in (1, -1)
            ]
            low, high = (sum((g * v for g, v in zip(goal, w, strict=True)), fmpq(0)) for w in ends)
            ranges.append((low, high))
        return ranges

    def condition_number(self) -> float | None:
        """Return the ratio of the largest to the smallest singular value of X, up to rounding.

        Each column is first divided by a power of two, so that its largest number is from 1/2 to 1.

        Returns
        -------
        None if the rank is less than the number of features, ∞ outside the float range.
        """
        if self.rank < self.features:
            return None
        powers = power_of_two(self._X)
        # If X = QS, then X⁺ = S⁻¹Q⁺. Here Q has the columns of LLL, and S⁻¹ is exact.
        factors = [exact_fraction(p) / s for p, s in zip(powers, self._scales, strict=True)]
        inverse = diagonal(factors) * fmpq_mat(self._steps)
        columns, exponents = rounded_columns(self._columns)
        inverse *= diagonal(fmpq(1, 2) ** e for e in exponents)
        largest = max(abs(value) for value in inverse.entries())
        unit = nearest((inverse / largest).entries()).reshape(self.rank, -1)
        norms = [np.linalg.norm(A, 2) for A in (self._X / powers, unit @ np.linalg.pinv(columns))]
        return max(1.0, nearest_float(largest) * float(norms[0]) * float(norms[1]))

    @cached_property
    def _first_start(self) -> tuple[list[int], Array]:
        return self._start(self._y)

    @cached_property
    def _points(self) -> Points:
        basis, dual = self._first_start
        sides = np.where(dual > 0, 1, -1)
        sides[basis] = 0
        return Points(self._columns, self._b, sides.tolist())

    def _shortest(self, v: fmpq_mat) -> ExactFit:
        """Return the shortest w whose fit is that of the weights v of the columns."""
        return self._fit(self._weights(v).entries(), self._columns, v)

    def _weights(self, v: fmpq_mat) -> fmpq_mat:
        """Find the shortest w with the fit of v; one w for each column of v."""
        w = fmpq_mat(self.features, v.ncols())
        for j, row in zip(self._chosen, (self._steps * v).tolist(), strict=True):
            for k, value in enumerate(row):
                w[j, k] = value * self._scale / self._scales[j]
        if self.rank == self.features:
            return w
        rows = self._row_space()  # the projection on the row space is Rᵀ(RRᵀ)⁻¹R
        transposed = rows.transpose()
        numerators, denominator = (rows * w).numer_denom()
        return fmpq_mat(transposed) * solve(rows * transposed, numerators) / denominator

    def _row_space(self) -> fmpz_mat:
        """Return `rank` rows that span the rows of X, up to a power of two."""
        smallest = min(self._scales)
        factors = [(scale / smallest).p for scale in self._scales]
        rows = take_rows(self._A, independent_rows(self._columns, self.rank)).tolist()
        flat = [n * factor for row in rows for n, factor in zip(row, factors, strict=True)]
        return fmpz_mat(self.rank, self.features, flat)

    def _fit(self, w: list[fmpq], A: fmpz_mat, z: fmpq_mat) -> ExactFit:
        numerators, denominator = z.numer_denom()
        residuals = A * numerators - self._b * denominator
        return ExactFit(w, residuals.entries(), self._scale / denominator)

    def _is_determined(self, j: int) -> bool:
        """Tell whether all w with the same Xw have the same weight j."""
        unit = fmpz_mat(1, self.features, [int(k == j) for k in range(self.features)])
        extended = [*self._row_space().entries(), *unit.entries()]
        return bool(fmpz_mat(self.rank + 1, self.features, extended).rank() == self.rank)

    def _start(self, y: Array) -> tuple[list[int], Array]:
        """Choose a basis near the smallest Σ|r|: points on the fit that float64 finds.

        This is the L2 fit for few points, and the L1 fit for others.

        Parameters
        ----------
        y
            The y of the regression, or what is left of it after a fit, shape (points,).

        Returns
        -------
        The basis, and the dual of the fit, shape (points,).
        """
        if self.rank == 0:
            return [], np.zeros(len(y))
        X, _ = rounded_columns(self._columns)
        w, dual = np.linalg.lstsq(X, y)[0], np.zeros(len(y))
        if X.size > FEW_NUMBERS:
            with suppress(UnsolvedError):
                w, dual = least_absolute(X, y)
        order = np.lexsort([np.abs(X @ w - y), np.abs(dual) > 1 - INTERIOR]).tolist()
        rows = independent_rows(take_rows(self._columns, order), self.rank)
        return [order[i] for i in rows], dual
