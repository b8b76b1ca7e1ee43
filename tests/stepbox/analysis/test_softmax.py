import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepbox.analysis.softmax import (
    analyse_softmax,
    complex_step_jacobian,
    softmax_jacobian,
)
from stepbox.errors import InvalidInputError

any_logits = arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e308, 1e308))
moderate_logits = arrays(np.float64, st.integers(1, 8), elements=st.floats(-30, 30))


def test_two_equal_logits_worked_by_hand():
    """y = (1/2, 1/2), so y₁(1 − y₁) = 1/4 and −y₁y₂ = −1/4."""
    np.testing.assert_array_equal(softmax_jacobian(np.zeros(2)), [[0.25, -0.25], [-0.25, 0.25]])


def test_odds_of_one_to_three_worked_by_hand():
    """y = (1/4, 3/4): all entries are ±3/16."""
    jacobian = softmax_jacobian(np.log([1.0, 3.0]))

    np.testing.assert_allclose(jacobian, np.array([[3, -3], [-3, 3]]) / 16, rtol=1e-15)


@given(any_logits)
def test_the_jacobian_is_symmetric_and_its_rows_and_columns_sum_to_0(logits):
    jacobian = softmax_jacobian(logits)

    assert np.isfinite(jacobian).all()
    np.testing.assert_allclose(jacobian.sum(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(jacobian.sum(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose(jacobian, jacobian.T, rtol=1e-15, atol=1e-16)


@given(any_logits)
def test_the_jacobian_is_positive_semi_definite(logits):
    assert np.linalg.eigvalsh(softmax_jacobian(logits)).min() >= -1e-15


@given(moderate_logits, st.floats(-100, 100))
def test_a_constant_added_to_all_logits_changes_nothing(logits, constant):
    np.testing.assert_allclose(
        softmax_jacobian(logits + constant), softmax_jacobian(logits), rtol=1e-11, atol=1e-15
    )


@given(any_logits)
def test_the_complex_step_derivative_agrees(logits):
    assert analyse_softmax(logits).check <= 1e-15


def test_the_complex_step_derivative_differs_from_a_wrong_formula():
    """The complex step does not use the formula, so it detects a wrong one."""
    logits = np.array([1.0, 0.0, -1.0])
    wrong = np.diag(np.exp(logits) / np.exp(logits).sum())  # forgets −yᵢyⱼ

    assert np.abs(wrong - complex_step_jacobian(logits)).max() > 0.1


def test_the_derivatives_of_a_thousand_logits_agree():
    logits = np.random.default_rng(1).normal(0, 5, 1000)

    assert analyse_softmax(logits).check < 1e-15


@pytest.mark.parametrize("top", [1e308, 0.0, -1e307])
def test_equal_maxima_share_the_probability(top):
    probabilities = analyse_softmax(np.array([top, top, -1e308])).probabilities

    np.testing.assert_array_equal(probabilities, [0.5, 0.5, 0])


def test_the_loss_and_its_gradient():
    analysis = analyse_softmax(np.log([1.0, 3.0]), target=0)

    assert analysis.cross_entropy == pytest.approx(np.log(4))
    np.testing.assert_allclose(analysis.gradient, [-0.75, 0.75])


@given(moderate_logits.filter(lambda z: len(z) > 1))
def test_the_gradient_of_the_loss_equals_its_finite_differences(logits):
    step = 1e-6
    analysis = analyse_softmax(logits, 1)
    for i, expected in enumerate(analysis.gradient):
        nudge = step * (np.arange(len(logits)) == i)
        rise = (
            analyse_softmax(logits + nudge, 1).cross_entropy
            - analyse_softmax(logits - nudge, 1).cross_entropy
        )
        assert rise / (2 * step) == pytest.approx(expected, abs=1e-7)


def test_an_impossible_target_has_an_infinite_loss_and_a_gradient():
    analysis = analyse_softmax(np.array([1e308, -1e308]), target=1)

    assert analysis.cross_entropy == np.inf
    np.testing.assert_array_equal(analysis.gradient, [1, -1])


def test_a_target_that_is_not_a_class_is_rejected():
    with pytest.raises(InvalidInputError) as caught:
        analyse_softmax(np.zeros(3), target=3)
    assert caught.value.faults[0].pointer == "/target"
    assert "0 to 2" in caught.value.faults[0].detail
