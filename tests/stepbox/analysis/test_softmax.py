from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mpmath import mp, mpf

from stepbox.analysis.softmax import (
    analyse_softmax,
    complex_step_jacobian,
    softmax_jacobian,
)
from stepbox.errors import InvalidInputError

any_logits = arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e308, 1e308))
# Each kind of logits loses digits in its own way: huge differences, sums of different magnitudes,
# probabilities below the smallest normal number, values near each other, ties, and one class.
mixed_logits = st.one_of(
    any_logits,
    *(
        st.lists(elements, min_size=1, max_size=6)
        for elements in (
            st.floats(-1000, 1000),
            st.floats(-1, 1).flatmap(lambda z: st.sampled_from([z, z * 1e-9, z * 700, z * 1e300])),
            st.floats(-746, -700) | st.just(0.0),
            st.floats(-40, 40) | st.sampled_from([0.0, 1e-300, 40.0]),
            st.integers(-40, 40).map(lambda k: 1e17 + 16.0 * k),
        )
    ),
).map(np.array)
moderate_logits = arrays(np.float64, st.integers(1, 8), elements=st.floats(-30, 30))


def rational(number):
    return mpf(number.numerator) / number.denominator


def precise_softmax(logits, target):
    """Compute the outputs with 50 digits. The differences of the logits are exact fractions."""
    logits = [Fraction(z) for z in logits.tolist()]
    differences = [rational(z - max(logits)) for z in logits]
    exponentials = [mp.exp(d) for d in differences]
    total = mp.fsum(exponentials)
    others = [mp.fsum(exponentials[:i] + exponentials[i + 1 :]) for i in range(len(logits))]
    y = [e / total for e in exponentials]
    if differences[target] > -1:
        loss = mp.log1p(others[target] / exponentials[target])
    else:
        loss = mp.log(total) - differences[target]
    return {
        "probabilities": y,
        "jacobian": [
            y[i] * others[i] / total if i == j else -y[i] * y[j]
            for i in range(len(y))
            for j in range(len(y))
        ],
        "cross_entropy": [loss],
        "gradient": [-others[i] / total if i == target else y[i] for i in range(len(y))],
    }


@given(mixed_logits, st.integers(0, 5))
@example(np.array([40.0, 0.0]), 0)
@example(np.array([0.0, -708.5, -740.0]), 1)
@example(np.array([1e308, -1e308, 1e308]), 0)
@example(np.array([0.1, -699.9999999999999]), 1)
@example(np.array([0.0, *[-740.3] * 30]), 0)
def test_every_output_has_at_least_14_correct_digits(logits, target):
    target %= len(logits)
    answer = analyse_softmax(logits, target)
    with mp.workdps(50):
        for name, expected in precise_softmax(logits, target).items():
            for number, precise in zip(np.ravel(getattr(answer, name)), expected, strict=True):
                if precise > np.finfo(np.float64).max:
                    assert number == np.inf
                else:
                    smallest = 5e-324 if abs(precise) < 2.3e-308 else 0
                    assert abs(mpf(float(number)) - precise) <= 1e-14 * abs(precise) + smallest
    assert answer.check <= 1e-15
    assert (answer.note is None) == np.isfinite(answer.cross_entropy)


def test_a_thousand_logits_have_at_least_14_correct_digits():
    logits = np.random.default_rng(2).normal(0, 9, 1000)
    logits[17] = 70
    answer = analyse_softmax(logits, 17)
    with mp.workdps(50):
        others = mp.fsum(mp.exp(mpf(z) - 70) for z in np.delete(logits, 17).tolist())
        variance = others / (1 + others) ** 2

        assert answer.cross_entropy == pytest.approx(float(mp.log1p(others)), rel=1e-14, abs=0)
        assert answer.gradient[17] == pytest.approx(-float(others / (1 + others)), rel=1e-14, abs=0)
        assert answer.jacobian[17, 17] == pytest.approx(float(variance), rel=1e-14, abs=0)


def test_a_probability_that_rounds_to_1_still_has_a_loss_and_a_gradient():
    answer = analyse_softmax(np.array([40.0, 0.0]), target=0)

    assert answer.probabilities[0] == 1
    assert answer.cross_entropy == pytest.approx(4.248354255291589e-18, rel=1e-14, abs=0)
    assert answer.gradient == pytest.approx([-answer.cross_entropy, answer.cross_entropy], abs=0)
    assert answer.jacobian[0, 0] == pytest.approx(4.248354255291589e-18, rel=1e-14, abs=0)


def test_one_class_has_no_loss_and_no_negative_zeros():
    answer = analyse_softmax(np.array([3.0]), target=0)

    assert answer.model_dump_json() == (
        '{"probabilities":[1.0],"jacobian":[[0.0]],"check":0.0,"cross_entropy":0.0,'
        '"gradient":[0.0],"note":null}'
    )


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
    assert "2.000e+308 nats" in analysis.note
    np.testing.assert_array_equal(analysis.gradient, [1, -1])


def test_a_target_that_is_not_a_class_is_rejected():
    with pytest.raises(InvalidInputError) as caught:
        analyse_softmax(np.zeros(3), target=3)
    assert caught.value.faults[0].pointer == "/target"
    assert "0 to 2" in caught.value.faults[0].detail
