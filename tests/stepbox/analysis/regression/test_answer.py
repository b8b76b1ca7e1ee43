import json

import numpy as np
import pytest

from stepbox.analysis.regression.answer import MOST_COMPARED, MOST_NUMBERS, analyse_regression
from stepbox.errors import InvalidInputError

X, Y, W = np.array([[1.0, 1], [1, 2], [1, 3]]), np.array([1.0, 3, 2]), np.array([0.0, 1])


def test_the_l1_loss_at_a_given_w():
    """The residuals are 0, −1, 1."""
    found = analyse_regression(X, Y, "l1", W)

    assert found.loss == 2
    assert found.gradient.tolist() == [0, 1]
    assert found.not_differentiable == [0]
    assert found.solution.method == "linear program"


def test_the_l2_loss_at_a_given_w():
    found = analyse_regression(X, Y, "l2", W)

    assert found.loss == 2
    assert found.gradient.tolist() == [0, 2]
    assert found.not_differentiable == []
    assert found.solution.method == "closed form"


def test_without_w_only_the_solution_is_computed():
    found = analyse_regression(X, Y, "l1")

    assert (found.loss, found.gradient, found.not_differentiable) == (None, None, None)
    assert found.solution.loss == pytest.approx(1.5)


def test_both_fits_are_compared_up_to_a_limit():
    many = np.ones((MOST_COMPARED + 1, 1))

    assert analyse_regression(many[1:], many[1:, 0], "l2").comparison is not None
    assert analyse_regression(many, many[:, 0], "l2").comparison is None


@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_what_exceeds_the_float_range_is_null(loss):
    """The second weight is 1/5e-324."""
    found = analyse_regression(np.array([[1, 1], [0, 5e-324]]), np.array([0.0, 1]), loss)
    answer = json.loads(found.model_dump_json(), parse_constant=pytest.fail)

    assert answer["solution"]["w"] == [None, None]
    assert answer["solution"]["w_exact"] == [f"-{2**1074}", f"{2**1074}"]
    assert answer["solution"]["loss_at_w"] is None
    assert answer["solution"]["condition_number"] is None
    assert answer["solution"]["certificate"]["optimal"]
    assert answer["comparison"]["difference"] is None


def test_all_mismatched_lengths_are_reported_at_once():
    with pytest.raises(InvalidInputError) as caught:
        analyse_regression(X, Y[:2], "l1", np.ones(3))
    faults = dict(caught.value.faults)
    assert "3 rows" in faults["/y"]
    assert "2 columns" in faults["/w"]


def test_numbers_that_are_all_tiny_are_rejected():
    with pytest.raises(InvalidInputError) as caught:
        analyse_regression(X * 1e-60, Y * 1e-60, "l1")
    assert [fault.pointer for fault in caught.value.faults] == ["/X", "/y"]
    assert "1e-50" in caught.value.faults[0].detail


def test_too_many_numbers_are_rejected():
    wide = np.zeros((1001, MOST_NUMBERS // 1000))
    with pytest.raises(InvalidInputError) as caught:
        analyse_regression(wide, np.zeros(1001), "l2")
    assert caught.value.faults[0].pointer == "/X"
    assert "1,000,000" in caught.value.faults[0].detail


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(1_000_000, 1), (100_000, 10), (10, 100_000)])
@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_a_million_numbers_are_solved_and_proved(shape, loss):
    rng = np.random.default_rng(0)
    many = rng.normal(size=shape)
    y = many.sum(axis=1) + rng.standard_t(2, shape[0])
    solution = analyse_regression(many, y, loss).solution

    assert solution.rank == min(shape)
    assert solution.certificate.gap <= 1e-9 * np.abs(y).sum()
