import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import OptimizeResult, linprog

from stepbox.analysis.regression import least_absolute as module
from stepbox.analysis.regression.least_absolute import least_absolute, power_of_two

small = st.integers(-5, 5).map(float)


def loss(X, y, w):
    return np.abs(X @ w - y).sum()


def prove(X, y, w, dual, tolerance=1e-9):
    """Check the certificate, which proves that w is optimal."""
    size = np.abs(y).sum() + loss(X, y, w) + 1e-300
    assert np.abs(dual).max() <= 1 + 1e-9
    assert (np.abs(X.T @ dual) <= tolerance * np.abs(X).sum(axis=0)).all()
    assert abs(loss(X, y, w) + dual @ y) <= tolerance * size


def test_the_power_of_two_is_the_smallest_that_is_large_enough():
    above = np.nextafter(2.0**40, np.inf)
    columns = np.array([[1, 0, -3, 2.0**40, above, 5e-324], [0.5, 0, 2, 1, -1, 0]])

    assert power_of_two(columns).tolist() == [1, 1, 4, 2.0**40, 2.0**41, 5e-324]


def test_the_median_minimises_the_absolute_loss():
    """With one column of ones, w is the median of y: 3, with the loss 2 + 1 + 0 + 7 + 97."""
    X, y = np.ones((5, 1)), np.array([1.0, 2, 3, 10, 100])
    w, dual = least_absolute(X, y)

    assert w.tolist() == [3]
    assert dual.tolist() == [1, 1, 0, -1, -1]
    prove(X, y, w, dual)


def test_a_line_fits_all_points_but_one():
    x = np.arange(6.0)
    X, y = np.column_stack([np.ones(6), x]), 1 + 2 * x
    y[5] = 1000
    w, dual = least_absolute(X, y)

    np.testing.assert_allclose(w, [1, 2], atol=1e-12)
    prove(X, y, w, dual)


@given(
    st.integers(2, 7).flatmap(
        lambda n: st.tuples(arrays(float, (n, 2), elements=small), arrays(float, n, elements=small))
    )
)
def test_no_line_through_two_of_the_points_is_better(points):
    """An optimal w solves two of the equations exactly, so try all pairs of equations."""
    X, y = points
    assume(np.linalg.matrix_rank(X) == 2)
    w, dual = least_absolute(X, y)

    prove(X, y, w, dual)
    best = min(
        loss(X, y, np.linalg.solve(X[list(pair)], y[list(pair)]))
        for pair in itertools.combinations(range(len(y)), 2)
        if abs(np.linalg.det(X[list(pair)])) > 0.5
    )
    assert loss(X, y, w) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("scale", [1e-40, 1e-6, 1, 1e6, 1e40])
def test_any_unit_of_measure_is_solved(scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) * [scale, 1, 1 / scale]
    y = scale * rng.standard_cauchy(60)
    w, dual = least_absolute(X, y)

    prove(X, y, w, dual)


@pytest.mark.parametrize("far", [1e3, 1e9, 1e30])
def test_the_distance_of_an_outlier_does_not_change_the_fit(far):
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(20), np.arange(20.0)])
    y = X @ [1, 2] + rng.normal(size=20)
    y[3] = far
    w, dual = least_absolute(X, y)
    y[3] = 2 * far

    np.testing.assert_allclose(least_absolute(X, y)[0], w, rtol=1e-12)
    assert dual[3] == -1
    np.testing.assert_allclose(X.T @ dual, 0, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_many_points_have_the_minimum_of_the_whole_linear_program(seed):
    """Compare the minimum with that of one linear program for all points."""
    rng = np.random.default_rng(seed)
    n = module.WORKING_SET + 3000
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2)) ** (2 * seed + 1)])
    y = X @ [1, 2, 3] + rng.standard_t(2, n)
    w, dual = least_absolute(X, y)

    prove(X, y, w, dual)
    whole = linprog(y, A_eq=X.T, b_eq=np.zeros(3), bounds=(-1, 1), method="highs-ipm")
    assert loss(X, y, w) == pytest.approx(-whole.fun, rel=1e-9)


def test_many_equal_points_are_solved():
    rng = np.random.default_rng(0)
    n = 100_000
    X = np.column_stack([np.ones(n), rng.integers(0, 5, n)])
    y = rng.integers(0, 5, n).astype(float)
    w, dual = least_absolute(X, y)

    prove(X, y, w, dual)


def test_a_small_spread_about_a_large_number_is_solved():
    rng = np.random.default_rng(0)
    n = 20_000
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    y = 1e6 + X[:, 1] + 1e-3 * rng.standard_cauchy(n)
    w, dual = least_absolute(X, y)

    # The products are large and cancel, and the order of a plain sum depends on the processor.
    gap = loss(X, y, w) + math.fsum(dual * y)
    assert abs(gap) <= 1e-9 * loss(X, y, w)


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_an_exact_fit_has_no_loss(features, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(features + 5, features))
    y = X @ rng.normal(size=features)
    w, dual = least_absolute(X, y)

    assert loss(X, y, w) < 1e-10
    prove(X, y, w, dual)


def test_a_linear_program_that_takes_too_long_is_rejected(monkeypatch):
    monkeypatch.setattr(module, "TIME_LIMIT_S", -1.0)
    rng = np.random.default_rng(0)
    with pytest.raises(module.UnsolvedError, match="not solved within"):
        least_absolute(rng.normal(size=(500, 50)), rng.normal(size=500))


def test_a_failure_of_the_solver_is_not_called_a_time_limit(monkeypatch):
    failed = OptimizeResult(status=4, x=None, message="numerical difficulties")
    monkeypatch.setattr("scipy.optimize.linprog", lambda *args, **options: failed)
    with pytest.raises(module.UnsolvedError, match="defeats the solver: numerical difficulties"):
        least_absolute(np.ones((2, 1)), np.array([0.0, 1]))


def test_where_the_interior_point_method_fails_the_simplex_method_is_used():
    """HiGHS ends with an unknown status for these points, which have nearly the same x."""
    X, y = np.full((12, 1), 1.7e9), np.repeat([0.0, 1], 6)
    X[3] += 60
    w, dual = least_absolute(X, y)

    assert loss(X, y, w) == pytest.approx(6)
    prove(X, y, w, dual, 1e-7)
