from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepbox.analysis.regression import exact as module
from stepbox.analysis.regression.exact import ExactRegression
from stepbox.analysis.regression.rational import PRIME, nearest, whole_numbers
from stepbox.analysis.regression.vertices import Points
from tests.stepbox.analysis.regression.fractions import (
    absolute_loss,
    dot,
    exact,
    rank,
    regressions,
    vertices,
)


def fractions(values):
    return [Fraction(int(v.p), int(v.q)) for v in values]


def in_row_space(X, w):
    """Tell whether w is a combination of the rows of X. Of all w with the same Xw, only one is."""
    return rank([*X, w]) == rank(X)


@given(
    arrays(
        float, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.floats(-1e300, 1e300)
    )
)
def test_whole_numbers_times_their_scale_are_the_numbers(values):
    numbers, scales = whole_numbers(values)

    for i, row in enumerate(values):
        for j, value in enumerate(row):
            found = numbers[i, j] * scales[j]
            assert Fraction(int(found.p), int(found.q)) == Fraction(float(value))


def test_fractions_are_rounded_to_the_nearest_number():
    third, large = fmpq(1, 3), fmpq(10) ** 400

    assert nearest([third, -third, large, -large, 1 / large]).tolist() == [
        1 / 3,
        -1 / 3,
        np.inf,
        -np.inf,
        0,
    ]


@given(regressions())
def test_the_rank_is_exact(regression):
    X, y = regression

    assert ExactRegression(X, y).rank == rank(exact(X))


def test_a_determinant_that_the_prime_divides_is_not_0():
    X = np.array([[2.0**32, 5], [5, 2.0**31]])
    assert PRIME == 2**63 - 5 * 5
    found = ExactRegression(X, X.sum(axis=1))

    assert found.rank == 2
    assert found.least_squares.w == found.least_absolute.w == [1, 1]


@given(regressions())
def test_least_squares_solve_the_normal_equations(regression):
    X, y = regression
    fit = ExactRegression(X, y).least_squares
    X, y, w = exact(X), exact(y), fractions(fit.w)

    residuals = [dot(row, w) - value for row, value in zip(X, y, strict=True)]
    assert all(dot(column, residuals) == 0 for column in zip(*X, strict=True))
    assert fractions([fit.l1, fit.l2]) == [sum(map(abs, residuals)), dot(residuals, residuals)]
    assert in_row_space(X, w)


@pytest.mark.parametrize("few", [0, module.FEW_NUMBERS])
@given(regressions())
def test_least_absolute_has_the_smallest_loss_of_all_vertices(few, regression):
    X, y = regression
    found = ExactRegression(X, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FEW_NUMBERS", few)  # 0: start from the fit of the solver
        assert found.vertex.optimal
    X, y, s = exact(X), exact(y), fractions(found.vertex.dual)
    w = fractions(found.least_absolute.w)
    loss = absolute_loss(X, y, w)

    assert fractions([found.least_absolute.l1]) == [loss]
    assert max(map(abs, s)) <= 1
    assert all(dot(column, s) == 0 for column in zip(*X, strict=True))
    assert -dot(s, y) == loss == fractions([found.lower_bound(found.vertex.dual)])[0]
    assert in_row_space(X, w)
    if found.rank == len(w):
        assert loss == min(absolute_loss(X, y, v) for v in vertices(X, y))


@given(regressions())
def test_the_ranges_are_those_of_the_best_vertices(regression):
    """With full column rank, the minimisers are the convex hull of the best vertices."""
    X, y = regression
    found = ExactRegression(X, y)
    assume(found.rank == X.shape[1])
    X, y = exact(X), exact(y)
    least = absolute_loss(X, y, fractions(found.least_absolute.w))
    best = [v for v in vertices(X, y) if absolute_loss(X, y, v) == least]

    assert [fractions(ends) for ends in found.ranges()] == [
        [min(values), max(values)] for values in zip(*best, strict=True)
    ]
    assert found.is_unique() == all(v == best[0] for v in best)


def test_weights_that_can_be_any_number_have_no_range():
    """The last two columns are equal: only the sum of their weights is determined."""
    X = np.array([[1.0, 2, 2], [1, 3, 3], [1, 5, 5]])
    found = ExactRegression(X, np.array([1.0, 2, 4]))

    assert found.rank == 2
    assert found.ranges() == [(-1, -1), None, None]
    assert found.least_absolute.w == [-1, fmpq(1, 2), fmpq(1, 2)]
    assert not found.is_unique()


@pytest.mark.parametrize("kind", ["zero", "nearly exact", "many magnitudes"])
def test_y_that_float64_does_not_fit_well_is_fitted(kind):
    """The first vertex is then many steps away, so the residuals are fitted again."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 12))
    y = {
        "zero": np.zeros(80),
        "nearly exact": X.sum(axis=1),
        "many magnitudes": rng.normal(size=80) * 10.0 ** rng.integers(-40, 40, 80),
    }[kind]
    found = ExactRegression(X, y)

    assert found.least_absolute.l1 == found.lower_bound(found.vertex.dual)
    assert max(abs(s) for s in found.vertex.dual) <= 1
    assert not any(found.forces(found.vertex.dual))


def test_many_points_on_the_fit_need_no_exact_step(monkeypatch):
    """Float64 finds a dual for all of them, and the signs of the δ agree with it."""
    monkeypatch.setattr(Points, "_end_of_edge", None)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 12)) * (rng.random((100, 12)) < 0.1)
    y = rng.normal(size=100) * (rng.random(100) < 0.3)
    found = ExactRegression(X, y)

    assert sum(r == 0 for r in found.least_absolute.numerators) > 50
    assert found.vertex.optimal


def test_a_matrix_of_zeros_has_rank_0():
    found = ExactRegression(np.zeros((2, 3)), np.array([1.0, -2]))

    assert found.rank == 0
    assert found.least_squares.w == found.least_absolute.w == [0, 0, 0]
    assert (found.least_squares.l2, found.least_absolute.l1) == (5, 3)
    assert found.ranges() == [None] * 3
    assert found.condition_number() is None


@given(regressions(), st.sampled_from(["l1", "l2"]), st.data())
def test_losses_and_gradients_at_w_are_rounded_once(regression, loss, data):
    X, y = regression
    w = data.draw(arrays(float, X.shape[1], elements=st.integers(-30, 30).map(lambda v: v / 10)))
    found = ExactRegression(X, y).evaluate(loss, w)
    X, y, w = exact(X), exact(y), exact(w)
    residuals = [dot(row, w) - value for row, value in zip(X, y, strict=True)]
    signs = [(r > 0) - (r < 0) for r in residuals]
    value, forces = (
        (sum(map(abs, residuals)), signs)
        if loss == "l1"
        else (dot(residuals, residuals), [2 * r for r in residuals])
    )

    assert found.loss == float(value)
    assert found.gradient.tolist() == [
        float(dot(column, forces)) for column in zip(*X, strict=True)
    ]
    assert found.corners == [i for i, sign in enumerate(signs) if sign == 0 and loss == "l1"]


@pytest.mark.parametrize("gap", [1e-1, 1e-4, 1e-8, 1e-12])
def test_the_condition_number_of_nearly_equal_columns(gap):
    """For columns (1, 1) and (1, 1 + g), the singular values have the product g."""
    gap = float(1 + gap) - 1
    X = np.array([[1.0, 1], [1, 1 + gap]])
    halves = X / [1, 2]  # 1 + g is more than 1, so its column is divided by 2
    squares = np.sum(halves**2)
    expected = (squares + np.sqrt(squares**2 - gap**2)) / gap

    found = ExactRegression(X, np.zeros(2)).condition_number()
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-40, 1, 1e40])
def test_the_condition_number_does_not_depend_on_units(scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 3))
    expected = ExactRegression(X, X[:, 0]).condition_number()
    units = np.array([1, 2.0 ** round(np.log2(scale)), 1])

    found = ExactRegression(X * units, X[:, 0]).condition_number()
    assert found == pytest.approx(expected, rel=1e-12)
    assert found < 5


def test_powers_of_a_number_are_fitted_without_rounding():
    """The powers x⁰ to x⁹ of x = 20 to 35 are nearly dependent."""
    powers = [[x**k for k in range(10)] for x in range(20, 36)]
    w = [(-1) ** k * k for k in range(10)]
    y = [sum(a * b for a, b in zip(row, w, strict=True)) for row in powers]
    X, y = np.array(powers, dtype=float), np.array(y, dtype=float)
    assert X.tolist() == powers
    found = ExactRegression(X, y)

    assert found.condition_number() > 1e10
    assert found.least_absolute.w == w
    assert found.least_squares.w == w
