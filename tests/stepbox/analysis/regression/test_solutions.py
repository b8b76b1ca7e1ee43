from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.analysis.regression import solutions as module
from stepbox.analysis.regression.solutions import (
    EXACT_NUMBERS,
    EXACT_RANK,
    MOST_RANGES,
    regression_of,
    solve,
)
from tests.stepbox.analysis.regression.fractions import absolute_loss, dot, exact, rank, regressions

LOSSES = ["l1", "l2"]
# The points (1, 1), (2, 3), (3, 2): both losses can be worked out by hand.
X3, Y3 = np.array([[1.0, 1], [1, 2], [1, 3]]), np.array([1.0, 3, 2])


def solution_of(X, y, loss):
    return solve(regression_of(np.array(X, dtype=float), np.array(y, dtype=float)), loss)


def test_least_squares_worked_by_hand():
    """Means 2 and 2, slope Σ(x−2)(y−2)/Σ(x−2)² = 1/2: w = (1, 1/2) with residuals ½, −1, ½."""
    solution = solution_of(X3, Y3, "l2")

    assert solution.w.tolist() == [1, 0.5]
    assert solution.w_exact == ["1", "1/2"]
    assert (solution.loss, solution.loss_at_w) == (1.5, 1.5)
    assert solution.method == "closed form"
    assert (solution.rank, solution.unique) == (2, True)
    assert "only minimiser" in solution.note


def test_least_absolute_worked_by_hand():
    """The line through the outer points misses the middle one by 3 − 1.5; no line has less loss."""
    solution = solution_of(X3, Y3, "l1")
    certificate = solution.certificate

    assert solution.w_exact == ["1/2", "1/2"]
    assert solution.loss == 1.5
    assert certificate.dual_exact == ["1/2", "-1", "1/2"]
    assert certificate.basis == [0, 2]
    assert (certificate.lower_bound, certificate.gap, certificate.stationarity) == (1.5, 0, 0)
    assert certificate.optimal
    assert solution.method == "linear program"
    assert "no closed form" in solution.note


TIMES = [[1, 1_700_000_000 + 60 * i] for i in range(4)]
NEAR = [[1, 1], [1, 1.0000001], [1, 1.0000003]]
NEARER = [[1, 1], [1, 1.0000000000001], [1, 1.0000000000003]]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("X", "w"),
    [(TIMES, ["-169999997/3", "1/30"]), ([[1, 1e8 + i] for i in range(4)], ["-199999999", "2"])],
)
def test_an_exact_line_is_found_at_any_offset(loss, X, w):
    solution = solution_of(X, [1, 3, 5, 7], loss)

    assert solution.w_exact == w
    assert (solution.loss, solution.rank, solution.unique) == (0, 2, True)
    assert solution.condition_number > 1e7
    assert solution.certificate.optimal


@pytest.mark.parametrize(("X", "gap"), [(NEAR, 1e-9), (NEARER, 1e-15)])
def test_columns_that_differ_in_the_last_digits_are_fitted(X, gap):
    """The fit goes through the outer points and misses the middle one by 2·b/c − 1, with gaps b, c.

    For the last column 1, 1 + b, 1 + c, as fractions of the numbers that were sent.
    """
    b, c = (exact(X)[i][1] - 1 for i in (1, 2))
    solution = solution_of(X, [1, 2, 3], "l1")

    assert solution.loss == float(1 - 2 * b / c)
    assert solution.loss == pytest.approx(1 / 3, abs=1e-3)
    assert [Fraction(w) for w in solution.w_exact] == [1 - 2 / c, 2 / c]
    assert solution.condition_number > 1 / gap**0.5
    assert solution.certificate.optimal


def test_rounding_w_can_raise_the_loss():
    """The exact weights are near ±6e12, so the rounded ones miss the points by up to 1e-3."""
    solution = solution_of(NEARER, [1, 2, 3], "l2")

    assert solution.loss < solution.loss_at_w < solution.loss + 1e-3
    residuals = [
        dot(row, exact(solution.w)) - v for row, v in zip(exact(NEARER), (1, 2, 3), strict=True)
    ]
    assert solution.loss_at_w == float(dot(residuals, residuals))


def test_an_interval_of_minimisers_is_reported():
    """Every w from 0 to 10 has the loss 10."""
    solution = solution_of([[1], [1]], [0, 10], "l1")

    assert not solution.unique
    assert solution.ranges == [(0, 10)]
    assert "Other w" in solution.note
    assert solution_of([[1], [1], [1]], [0, 10, 3], "l1").unique
    assert solution_of([[1], [1]], [0, 10], "l2").unique


def test_ranges_are_computed_up_to_a_number_of_features():
    X, y = np.eye(MOST_RANGES + 1), np.zeros(MOST_RANGES + 1)
    twice = np.vstack([X, X[:1]])
    solution = solution_of(twice, [*y, 1], "l1")
    fewer = solution_of(twice[:, 1:], [*y, 1], "l1")

    assert (solution.unique, solution.ranges) == (False, None)
    assert (fewer.unique, fewer.ranges) == (True, None)
    assert solution_of(twice[:-1, 1:], [1, *y[1:]], "l1").unique


@given(regressions(), st.sampled_from(LOSSES))
def test_each_certificate_holds_in_exact_arithmetic(regression, loss):
    X, y = regression
    solution = solve(regression_of(X, y), loss)
    certificate = solution.certificate
    X, y, w = exact(X), exact(y), [Fraction(text) for text in solution.w_exact]

    assert solution.exact
    assert certificate.optimal
    assert solution.w.tolist() == [float(value) for value in w]
    assert solution.rank == rank(X)
    residuals = [dot(row, w) - value for row, value in zip(X, y, strict=True)]
    if loss == "l2":
        assert solution.loss == float(dot(residuals, residuals))
        assert all(dot(column, residuals) == 0 for column in zip(*X, strict=True))
        assert not certificate.normal_equations.any()
        return
    dual = [Fraction(text) for text in certificate.dual_exact]
    assert solution.loss == certificate.lower_bound == float(absolute_loss(X, y, w))
    assert -dot(dual, y) == absolute_loss(X, y, w)
    assert all(dot(column, dual) == 0 for column in zip(*X, strict=True))
    assert certificate.largest == float(max(map(abs, dual))) <= 1
    assert all(residuals[i] == 0 for i in certificate.basis)
    assert len(certificate.basis) == solution.rank


@pytest.mark.parametrize("loss", LOSSES)
def test_without_full_rank_the_shortest_w_is_chosen(loss):
    """Column 3 is twice column 2. The shortest (w₂, w₃) with w₂ + 2w₃ = c is c(1, 2)/5."""
    solution = solution_of(np.column_stack([X3, 2 * X3[:, 1]]), Y3, loss)
    full = [Fraction(text) for text in solution_of(X3, Y3, loss).w_exact]

    assert (solution.rank, solution.unique, solution.condition_number) == (2, False, None)
    assert "rank 2" in solution.note
    assert "shortest" in solution.note
    assert solution.loss == 1.5
    assert solution.certificate.optimal
    assert [Fraction(text) for text in solution.w_exact] == [full[0], full[1] / 5, 2 * full[1] / 5]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (2, 5)])
def test_a_matrix_of_zeros_is_solved(loss, shape):
    solution = solution_of(np.zeros(shape), np.ones(shape[0]), loss)

    assert solution.w.tolist() == [0] * shape[1]
    assert solution.loss == shape[0]
    assert solution.certificate.optimal


@pytest.mark.parametrize("loss", LOSSES)
def test_one_sample_is_solved(loss):
    """The shortest w with w₁ + 2w₂ = 3 is (3, 6)/5."""
    solution = solution_of([[1, 2]], [3], loss)

    assert solution.w_exact == ["3/5", "6/5"]
    assert (solution.loss, solution.unique) == (0, False)
    assert solution.ranges == ([(None, None), (None, None)] if loss == "l1" else None)


@pytest.mark.parametrize("loss", LOSSES)
def test_more_features_than_points_are_solved(loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3, 50)), rng.normal(size=3)
    solution = solution_of(X, y, loss)

    assert (solution.loss, solution.rank) == (0, 3)
    np.testing.assert_allclose(solution.w, np.linalg.pinv(X) @ y, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_largest_allowed_numbers_are_solved(loss):
    X = 1e50 * np.array([[1.0, 1], [1, -1], [1, 3]])
    solution = solution_of(X, [1e50, -1e50, 1e50], loss)

    assert np.isfinite(solution.w).all()
    assert np.isfinite(solution.loss)
    assert solution.certificate.optimal


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [(EXACT_NUMBERS + 1, 1), (EXACT_RANK + 1, EXACT_RANK + 1)])
def test_above_the_limits_the_error_is_bounded(loss, shape):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape)
    y = X.sum(axis=1) + rng.standard_t(2, shape[0])
    solution = solution_of(X, y, loss)
    certificate = solution.certificate

    assert (solution.exact, solution.w_exact, certificate.optimal) == (False, None, None)
    assert solution.rank == shape[1]
    assert 0 <= certificate.gap <= 1e-9 * max(solution.loss, 1)
    assert solution.unique == (True if loss == "l2" else None)
    assert solution_of(X[1:], y[1:], loss).exact


def test_a_rank_that_is_not_known_is_null():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(EXACT_NUMBERS, 1)), 2, axis=1)
    solution = solution_of(X, rng.normal(size=EXACT_NUMBERS), "l2")

    assert (solution.rank, solution.unique) == (None, None)
    assert "not known" in solution.note
    assert solution.certificate.lower_bound == 0


def test_fractions_that_are_too_long_are_left_out(monkeypatch):
    assert solution_of(X3, Y3, "l1").certificate.dual_exact is not None
    monkeypatch.setattr(module, "MOST_CHARACTERS", 7)
    solution = solution_of(X3, Y3, "l1")

    assert solution.w_exact == ["1/2", "1/2"]  # 6 characters
    assert solution.certificate.dual_exact is None  # 8 characters
    assert solution.certificate.optimal
