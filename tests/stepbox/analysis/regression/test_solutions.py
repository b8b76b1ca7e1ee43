import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepbox.analysis.regression.solutions import (
    LOSSES,
    SOLVERS,
    absolute_loss,
    corners,
    solve_l1,
    solve_l2,
    squared_loss,
)

numbers = st.integers(-1000, 1000).map(lambda v: v / 10)
regressions = st.tuples(st.integers(1, 9), st.integers(1, 4)).flatmap(
    lambda shape: st.tuples(
        arrays(float, shape, elements=numbers),
        arrays(float, shape[0], elements=numbers),
        arrays(float, shape[1], elements=numbers),
    )
)
# The points (1, 1), (2, 3), (3, 2): both losses can be worked out by hand.
X3, Y3 = np.array([[1.0, 1], [1, 2], [1, 3]]), np.array([1.0, 3, 2])


def test_losses_worked_by_hand():
    """At w = (0, 1) the residuals are 0, −1, 1."""
    w = np.array([0.0, 1])

    loss, gradient = squared_loss(X3, Y3, w)
    assert (loss, gradient.tolist()) == (2, [0, 2 * (-2 + 3)])
    loss, gradient = absolute_loss(X3, Y3, w)
    assert (loss, gradient.tolist()) == (2, [0, -2 + 3])
    assert corners(X3, Y3, w).tolist() == [0]


def test_solve_l2_worked_by_hand():
    """Means 2 and 2, slope Σ(x−2)(y−2)/Σ(x−2)² = 1/2: w = (1, 1/2) with residuals ½, −1, ½."""
    solution = solve_l2(X3, Y3)

    np.testing.assert_allclose(solution.w, [1, 0.5], atol=1e-14)
    assert solution.loss == pytest.approx(1.5)
    assert solution.method == "closed form"
    assert "only minimiser" in solution.note


def test_solve_l1_worked_by_hand():
    """The line through the outer points misses the middle one by 3 − 1.5; no line has less loss."""
    solution = solve_l1(X3, Y3)

    np.testing.assert_allclose(solution.w, [0.5, 0.5], atol=1e-14)
    assert solution.loss == pytest.approx(1.5)
    assert solution.certificate.dual.tolist() == [0.5, -1, 0.5]
    assert solution.certificate.lower_bound == pytest.approx(1.5)
    assert solution.method == "linear program"
    assert "no closed form" in solution.note


@given(regressions)
def test_the_normal_equations_hold_and_w_equals_that_of_numpy(regression):
    X, y, _ = regression
    solution = solve_l2(X, y)

    assert solution.certificate.optimal
    rcond = max(X.shape) * np.finfo(float).eps
    expected, _, rank, sigma = np.linalg.lstsq(X, y, rcond=rcond)
    assert solution.rank == rank
    if rank and sigma[rank - 1] > 1e-6 * sigma[0]:
        np.testing.assert_allclose(solution.w, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["l1", "l2"])
@given(regressions)
def test_no_other_w_is_better(loss, regression):
    X, y, other = regression
    solution = SOLVERS[loss](X, y)

    assert solution.loss == pytest.approx(LOSSES[loss](X, y, solution.w)[0])
    assert solution.loss <= LOSSES[loss](X, y, other)[0] * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("loss", ["l1", "l2"])
@given(regressions, st.data())
def test_each_gradient_is_a_subgradient(loss, regression, data):
    """g is a (sub)gradient of f at w if f(v) ≥ f(w) + gᵀ(v − w) for every v."""
    X, y, w = regression
    v = data.draw(arrays(float, len(w), elements=numbers))
    at_w, gradient = LOSSES[loss](X, y, w)
    at_v, _ = LOSSES[loss](X, y, v)

    assert at_v >= at_w + gradient @ (v - w) - 1e-9 * (1 + abs(at_w) + abs(at_v))


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_without_full_rank_the_shortest_w_is_chosen(loss):
    """Column 3 is twice column 2. The shortest (w₂, w₃) with w₂ + 2w₃ = c is c(1, 2)/5."""
    X = np.column_stack([X3, 2 * X3[:, 1]])
    solution, full = SOLVERS[loss](X, Y3), SOLVERS[loss](X3, Y3)

    assert solution.rank == 2
    assert "rank 2" in solution.note
    assert solution.loss == pytest.approx(full.loss)
    assert solution.certificate.optimal
    assert solution.w == pytest.approx([full.w[0], full.w[1] / 5, 2 * full.w[1] / 5])


@pytest.mark.parametrize("loss", ["l1", "l2"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (2, 5)])
def test_a_matrix_of_zeros_is_solved(loss, shape):
    solution = SOLVERS[loss](np.zeros(shape), np.ones(shape[0]))

    assert solution.w.tolist() == [0] * shape[1]
    assert solution.loss == shape[0]
    assert solution.certificate.optimal


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_more_features_than_points_are_solved(loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3, 50)), rng.normal(size=3)
    solution = SOLVERS[loss](X, y)

    assert solution.loss < 1e-9
    np.testing.assert_allclose(solution.w, np.linalg.pinv(X) @ y, atol=1e-9)


def test_corners_are_found_up_to_rounding():
    X, y = np.array([[0.1, 0.2], [1.0, 1.0]]), np.array([0.3, 2.1])
    w = np.ones(2)

    assert (X @ w - y)[0] != 0  # 0.1 + 0.2 is not quite 0.3
    assert corners(X, y, w).tolist() == [0]
    assert absolute_loss(X, y, w)[1].tolist() == [-1, -1]


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_the_largest_allowed_numbers_are_solved(loss):
    X = 1e50 * np.array([[1.0, 1], [1, -1], [1, 3]])
    solution = SOLVERS[loss](X, np.array([1e50, -1e50, 1e50]))

    assert np.isfinite(solution.w).all()
    assert np.isfinite(solution.loss)
    assert solution.certificate.optimal
