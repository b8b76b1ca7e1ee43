from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from stepbox.analysis.regression import bounded as module
from stepbox.analysis.regression.bounded import BoundedRegression
from stepbox.analysis.regression.exact import ExactRegression
from stepbox.analysis.regression.least_absolute import UnsolvedError
from stepbox.analysis.regression.rational import nearest
from stepbox.errors import InvalidInputError
from tests.stepbox.analysis.regression.fractions import exact, rank, regressions

LOSSES = ["l1", "l2"]


def bounds(regression, loss):
    fit = regression.least_squares if loss == "l2" else regression.least_absolute
    return fit.lower_bound, fit.loss


def smallest_loss(X, y, loss):
    regression = ExactRegression(X, y)
    found = regression.least_squares.l2 if loss == "l2" else regression.least_absolute.l1
    return Fraction(int(found.p), int(found.q))


@settings(max_examples=50)
@given(regressions(points=12, features=4))
def test_the_smallest_loss_is_within_the_bounds(regression):
    X, y = regression
    found = BoundedRegression(X, y)

    for loss in LOSSES:
        lower, upper = bounds(found, loss)
        assert lower <= smallest_loss(X, y, loss) <= upper
    assert found.rank in (None, rank(exact(X)))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [(300, 1), (300, 20), (60, 55)])
def test_the_bounds_are_close(loss, shape):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape) * 10.0 ** rng.integers(-20, 20, shape[1])
    y = rng.standard_t(2, shape[0])
    found = BoundedRegression(X, y)
    lower, upper = bounds(found, loss)

    assert found.rank == shape[1]
    assert lower <= smallest_loss(X, y, loss) <= upper
    assert upper - lower <= 1e-9 * upper


@pytest.mark.parametrize("loss", LOSSES)
def test_times_in_seconds_are_no_rank_deficiency(loss):
    """The second column is constant in its first seven digits."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(500), 1.7e9 + 60 * np.arange(500.0)])
    y = rng.standard_t(2, 500)
    found = BoundedRegression(X, y)
    lower, upper = bounds(found, loss)

    assert found.rank == 2
    assert lower <= smallest_loss(X, y, loss) <= upper
    assert upper - lower <= 1e-5 * upper


@pytest.mark.parametrize("loss", LOSSES)
def test_without_full_rank_only_0_is_known_to_be_below(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 4))
    found = BoundedRegression(X, rng.normal(size=30))

    assert found.rank is None
    assert found.condition_number is None
    assert bounds(found, loss)[0] == 0


@pytest.mark.parametrize("loss", LOSSES)
def test_with_more_features_than_points_the_rank_is_that_of_the_rows(loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 80)), rng.normal(size=5)
    found = BoundedRegression(X, y)

    assert found.rank == 5
    assert bounds(found, loss)[1] < 1e-12
    np.testing.assert_allclose(found.fit(loss).w, np.linalg.pinv(X) @ y, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_columns_of_any_scale_are_fitted_by_the_shortest_w(loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 8)) * 10.0 ** rng.integers(-20, 21, 8), rng.normal(size=5)
    expected = nearest(ExactRegression(X, y).least_squares.w)

    np.testing.assert_allclose(BoundedRegression(X, y).fit(loss).w, expected, rtol=1e-9)


def test_columns_that_are_all_tiny_are_rejected():
    """Their weights could exceed the float range."""
    with pytest.raises(InvalidInputError, match="column 1 "):
        BoundedRegression(np.array([[1.0, 1e-60, 0], [2, 0, 0]]), np.ones(2))


def test_a_dual_that_is_wrong_does_not_give_a_wrong_bound(monkeypatch):
    """The bound holds for any s. A bad s gives only a bad bound."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.standard_t(2, 40)
    solve = module.least_absolute

    def wrong(X, y):
        w, dual = solve(X, y)
        return w + 1, np.where(np.arange(len(dual)) < 5, 7.0, dual)

    monkeypatch.setattr(module, "least_absolute", wrong)
    lower, upper = bounds(BoundedRegression(X, y), "l1")

    assert lower < smallest_loss(X, y, "l1") < upper


def test_a_program_that_is_not_solved_names_the_reason(monkeypatch):
    def fail(X, y):
        raise UnsolvedError("defeats the solver: for a test")

    monkeypatch.setattr(module, "least_absolute", fail)
    with pytest.raises(InvalidInputError, match="defeats the solver: for a test") as caught:
        _ = BoundedRegression(np.ones((3, 1)), np.arange(3.0)).least_absolute
    assert caught.value.faults[0].pointer == "/X"


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_at_w_equal_the_exact_ones_up_to_rounding(loss):
    rng = np.random.default_rng(0)
    X, y, w = (rng.integers(-9, 9, shape).astype(float) for shape in ((30, 3), 30, 3))
    y[4] = X[4] @ w
    found, expected = (
        regression(X / 4, y / 4).evaluate(loss, w)
        for regression in (BoundedRegression, ExactRegression)
    )

    assert found.loss == pytest.approx(expected.loss, rel=1e-12)
    np.testing.assert_allclose(found.gradient, expected.gradient, rtol=1e-9)
    assert found.corners == expected.corners
    assert (4 in found.corners) == (loss == "l1")
