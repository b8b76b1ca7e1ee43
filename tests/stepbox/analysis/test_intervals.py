"""Interval arithmetic, compared with arbitrary-precision ball arithmetic (FLINT)."""

import operator
from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from hypothesis import example, given
from hypothesis import strategies as st

from stepbox.analysis import intervals
from stepbox.analysis.intervals import EPS, ULPS, Interval
from tests.exact import FUNCTIONS

RNG = np.random.default_rng(0)
numbers = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, -1.0, 0.5, 5e-324, 1e-300, 1e150])
OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]
INPUTS = {
    "sin": (-50, 50),
    "cos": (-1e6, 1e6),
    "tan": (-100, 100),
    "asin": (-1, 1),
    "acos": (-1, 1),
    "atan": (-1e3, 1e3),
    "sinh": (-300, 300),
    "cosh": (-300, 300),
    "tanh": (-20, 20),
    "exp": (-700, 300),
    "log": (1e-9, 1e9),
    "sigmoid": (-80, 40),
}
NUMPY = {
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sigmoid": intervals.sigmoid_function,
}


@pytest.mark.parametrize("name", INPUTS)
def test_numpy_is_accurate_enough_for_the_width_of_the_intervals(name):
    """Twice NumPy's error is less than the width that is added. So both values are inside."""
    x = RNG.uniform(*INPUTS[name], 400)
    values = NUMPY.get(name, getattr(np, name, None))(x)
    for at, value in zip(x.tolist(), values.tolist(), strict=True):
        assert abs(FUNCTIONS[name](arb(at)) - value) <= ULPS / 2 * EPS * abs(value)


@pytest.mark.parametrize("exponent", [2.0, 3.0, 7.0, -3.0, 0.5, 2.7, -0.3])
def test_powers_contain_the_exact_value_and_that_of_numpy(exponent):
    x = RNG.uniform(0, 50, 200)
    value = intervals.power(Interval(x, x), exponent)
    computed = np.power(x, exponent)
    assert ((value.low <= computed) & (computed <= value.high)).all()
    for at, low, high in zip(x.tolist(), value.low.tolist(), value.high.tolist(), strict=True):
        assert low <= arb(at) ** arb(exponent) <= high


@given(numbers, numbers)
@example(0.1, 0.2)
@example(1.0, 3.0)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations_are_rounded_outward_and_only_if_they_are_inexact(operation, a, b):
    with np.errstate(all="ignore"):
        value = operation(Interval.point(a), Interval.point(b))
    low, high = value.low.item(), value.high.item()
    if operation is operator.truediv and b == 0:
        assert (low, high) == (-np.inf, np.inf)
        return
    exact = operation(Fraction(a), Fraction(b))
    assert low <= exact <= high
    if exact == 0 or 1e-200 < min(abs(a), abs(b), abs(exact)) <= abs(exact) < 1e200:
        is_float = exact == Fraction(float(exact))
        assert high == (low if is_float else np.nextafter(low, np.inf))


@given(numbers, numbers, numbers, numbers, st.floats(0, 1), st.floats(0, 1))
@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul])
def test_an_operation_contains_the_results_for_all_operands(operation, a, b, c, d, s, t):
    (a, b), (c, d) = sorted([a, b]), sorted([c, d])
    x, y = min(max(a + s * (b - a), a), b), min(max(c + t * (d - c), c), d)
    with np.errstate(all="ignore"):
        value = operation(
            Interval(np.array([a]), np.array([b])), Interval(np.array([c]), np.array([d]))
        )
    assert value.low.item() <= operation(Fraction(x), Fraction(y)) <= value.high.item()


def test_known_values_are_exact():
    assert intervals.power(Interval.point(-1.0), 4.0) == Interval.point(1.0)
    assert intervals.sqrt(Interval.point(2.25)) == Interval.point(1.5)
    zero_to_four = intervals.sin(Interval(np.zeros(1), np.array([4.0])))
    assert zero_to_four.high.item() == 1
    assert zero_to_four.low.item() == pytest.approx(np.sin(4), rel=1e-14)
    assert intervals.sin(Interval.point(0.0)) == Interval.point(0.0)


@pytest.mark.parametrize(
    "undefined",
    [
        lambda: intervals.sqrt(Interval(np.array([-1e-9]), np.array([1.0]))),
        lambda: intervals.log(Interval(np.array([-1e-9]), np.array([1.0]))),
        lambda: intervals.tan(Interval(np.array([1.5]), np.array([1.6]))),
        lambda: Interval.point(1.0) / Interval(np.array([-1.0]), np.array([0.0])),
        lambda: intervals.power(Interval(np.array([-1.0]), np.array([1.0])), 0.5),
    ],
)
def test_where_an_operation_is_undefined_its_result_is_unbounded(undefined):
    with np.errstate(all="ignore"):
        value = undefined()
    assert (value.low.item(), value.high.item()) == (-np.inf, np.inf)
