"""Solutions of a regression, each with a certificate that no w has a smaller loss."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from flint import fmpq
from pydantic import Field

from stepbox.analysis.regression.bounded import BoundedRegression
from stepbox.analysis.regression.certificates import (
    MOST_CHARACTERS,
    Fractions,
    L1Certificate,
    L2Certificate,
)
from stepbox.analysis.regression.exact import ExactRegression
from stepbox.analysis.regression.linear_fit import LossName
from stepbox.analysis.regression.rational import nearest
from stepbox.analysis.result import Array, Result, Vector

# Exact arithmetic takes up to about a second within both limits.
EXACT_NUMBERS = 20_000  # in X
EXACT_RANK = 50  # the smaller of the numbers of points and features
MOST_RANGES = 20  # features: each range takes two linear programs

METHODS: dict[LossName, Literal["closed form", "linear program"]] = {
    "l1": "linear program",
    "l2": "closed form",
}
Regression = ExactRegression | BoundedRegression


class Solution(Result):
    """A minimiser w of a loss, and the proof that it is one."""

    w: Vector = Field(
        description="Shape (features,). If the solution is exact, each number is the float64 "
        "number nearest to that of the exact w. Null where it exceeds the float range."
    )
    w_exact: Fractions | None = Field(
        description="The exact w, as fractions. Null if the solution is not exact, or if they have "
        f"more than {MOST_CHARACTERS:,} characters."
    )
    loss: float = Field(
        description="If the solution is exact, the smallest loss, which the exact w has. Else an "
        "upper bound of the loss at w."
    )
    loss_at_w: float | None = Field(
        description="The loss at the numbers in `w`. It exceeds `loss` if rounding w matters. Null "
        "if a weight is null."
    )
    method: Literal["closed form", "linear program"]
    exact: bool = Field(
        description="Whether this was computed in exact fractions, with X and y as they were sent "
        f"(a float64 number is a fraction). True if X has at most {EXACT_NUMBERS:,} numbers, and "
        f"at most {EXACT_RANK} rows or {EXACT_RANK} columns."
    )
    rank: int | None = Field(
        description="Rank of X. Null if the solution is not exact and full rank is not proven."
    )
    condition_number: float | None = Field(
        description="How near X is to a smaller rank: the ratio of its largest to its smallest "
        "singular value, after each column is divided by a power of two, so that its largest "
        "number is from 1/2 to 1. Null if the rank is less than the number of features, or if the "
        "ratio exceeds the float range."
    )
    unique: bool | None = Field(
        description="Whether no other w has the smallest loss. Null if this is not known."
    )
    ranges: list[tuple[float | None, float | None]] | None = Field(
        description="For the L1 loss, if w is not unique: the smallest and the largest value of "
        "each weight, of all w with the smallest loss. Both are null if the weight can be any "
        "number; one that exceeds the float range is null, too. "
        f"Null if w is unique, if X has more than {MOST_RANGES} features, and if the "
        "solution is not exact."
    )
    note: str = Field(description="Whether w is unique. L1: also why there is no closed form.")
    certificate: L1Certificate | L2Certificate


def is_exact(X: Array) -> bool:
    """Tell whether X is small enough for exact arithmetic."""
    return X.size <= EXACT_NUMBERS and min(X.shape) <= EXACT_RANK


def regression_of(X: Array, y: Array) -> Regression:
    """Choose exact or bounded arithmetic.

    Parameters
    ----------
    X
        Finite, shape (points, features).
    y
        Finite, shape (points,).
    """
    return ExactRegression(X, y) if is_exact(X) else BoundedRegression(X, y)


def solve(regression: Regression, loss: LossName) -> Solution:
    """Minimise a loss, and prove that the solution is a minimiser."""
    if isinstance(regression, ExactRegression):
        return _solve_exactly(regression, loss)
    return _solve_within_bounds(regression, loss)


def _solve_exactly(regression: ExactRegression, loss: LossName) -> Solution:
    least = regression.least_squares if loss == "l2" else regression.least_absolute
    unique = regression.rank == regression.features if loss == "l2" else regression.is_unique()
    w = nearest(least.w)
    return Solution(
        w=w,
        w_exact=_written(least.w),
        loss=regression.fit(loss).loss(loss),
        loss_at_w=regression.evaluate(loss, w).loss if np.isfinite(w).all() else None,
        method=METHODS[loss],
        exact=True,
        rank=regression.rank,
        condition_number=regression.condition_number(),
        unique=unique,
        ranges=None if loss == "l2" or unique else _ranges(regression),
        note=_note(loss, regression.rank, regression.features, unique),
        certificate=_exact_l2(regression) if loss == "l2" else _exact_l1(regression),
    )


def _exact_l2(regression: ExactRegression) -> L2Certificate:
    fit = regression.least_squares
    normal = nearest(regression.transposed_product(fit.numerators, fit.unit))
    loss = regression.fit("l2").l2
    return L2Certificate(
        normal_equations=normal,
        residual=largest(normal),
        relative_residual=_relative(largest(normal), regression, nearest(fit.w)),
        lower_bound=loss,
        gap=0.0,
        optimal=not normal.any(),
    )


def _exact_l1(regression: ExactRegression) -> L1Certificate:
    vertex, loss = regression.vertex, regression.least_absolute.l1
    most = max(abs(s) for s in vertex.dual)
    stationarity = max(abs(force) for force in regression.forces(vertex.dual))
    bound = regression.lower_bound(vertex.dual)
    rounded = nearest([most, stationarity, bound, loss - bound])
    return L1Certificate(
        dual=nearest(vertex.dual),
        dual_exact=_written(vertex.dual),
        basis=sorted(vertex.basis),
        largest=rounded[0],
        stationarity=rounded[1],
        lower_bound=rounded[2],
        gap=rounded[3],
        optimal=bool(most <= 1 and stationarity == 0 and loss == bound),
    )


def _ranges(regression: ExactRegression) -> list[tuple[float | None, float | None]] | None:
    if regression.features > MOST_RANGES:
        return None
    ranges = [None if ends is None else nearest(ends) for ends in regression.ranges()]
    return [(None, None) if ends is None else (ends[0], ends[1]) for ends in ranges]


def _relative(residual: float, regression: Regression, w: Array) -> float:
    return residual and residual / regression.largest_term(w)


def _written(values: Sequence[fmpq]) -> Fractions | None:
    fractions = [str(value) for value in values]
    return fractions if sum(map(len, fractions)) <= MOST_CHARACTERS else None


def _solve_within_bounds(regression: BoundedRegression, loss: LossName) -> Solution:
    least = regression.least_squares if loss == "l2" else regression.least_absolute
    rank, features = regression.rank, regression.features
    unique = None
    if rank is not None and (loss == "l2" or rank < features):
        unique = rank == features
    certificate: L1Certificate | L2Certificate
    if least.dual is None:
        normal = regression.evaluate(loss, least.w).gradient / 2
        certificate = L2Certificate(
            normal_equations=normal,
            residual=largest(normal),
            relative_residual=_relative(largest(normal), regression, least.w),
            lower_bound=least.lower_bound,
            gap=least.loss - least.lower_bound,
            optimal=None,
        )
    else:
        certificate = L1Certificate(
            dual=least.dual,
            dual_exact=None,
            basis=None,
            largest=largest(least.dual),
            stationarity=largest(regression.transposed_product(least.dual)),
            lower_bound=least.lower_bound,
            gap=least.loss - least.lower_bound,
            optimal=None,
        )
    return Solution(
        w=least.w,
        w_exact=None,
        loss=least.loss,
        loss_at_w=least.loss,
        method=METHODS[loss],
        exact=False,
        rank=rank,
        condition_number=regression.condition_number,
        unique=unique,
        ranges=None,
        note=_note(loss, rank, features, unique),
        certificate=certificate,
    )


def _note(loss: LossName, rank: int | None, features: int, unique: bool | None) -> str:
    """Say whether w is unique and, for the L1 loss, why there is no closed form."""
    sentences = []
    if loss == "l1":
        sentences.append(
            "The l1 fit has no closed form: |r| has a corner at 0, and the minimum is at such "
            "corners, where the loss has no gradient. The linear program finds the points that "
            "the fit goes through."
        )
    if rank is None:
        sentences.append(
            "X has too many numbers for exact arithmetic, and is so near to a smaller rank that "
            "its rank is not known. So it is not known whether other w have the same loss, and "
            "the only lower bound of the loss is 0. Singular values that are 0 up to rounding "
            "are treated as 0, and w is the shortest of the remaining minimisers."
        )
    elif rank < features:
        sentences.append(
            f"X has rank {rank}, less than its {features} columns, so XᵀX is not invertible and "
            "many w are optimal. This is the shortest w with this fit"
            + (", X⁺y." if loss == "l2" else "; other fits may have the same loss.")
        )
    elif loss == "l2":
        sentences.append(
            "X has full column rank, so XᵀX is invertible and w is the only minimiser."
        )
    elif unique is None:
        sentences.append("It is not known whether other w have the same loss.")
    elif unique:
        sentences.append("w is the only minimiser.")
    else:
        sentences.append("Other w have the same loss.")
    return " ".join(sentences)


def largest(values: Array) -> float:
    """Return the largest magnitude."""
    return float(np.abs(values).max())
