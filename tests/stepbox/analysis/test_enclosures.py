"""Enclosures of expressions, compared with exact values, at 120 digits."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepbox.analysis.expressions import Expression
from stepbox.errors import InvalidInputError
from tests.exact import exact

FUNCTIONS = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "sqrt"),
    *("abs", "sign", "floor", "sigmoid", "relu", "step"),
)
leaves = st.sampled_from(["x", "x", "x", "0.3", "2", "(1/3)", "pi", "e"])


def combine(inner):
    return st.one_of(
        st.builds("({}{}{})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("({}**{})".format, inner, st.sampled_from(["2", "3", "(-1)", "0.5", "(-2)"])),
        st.builds("(2**{})".format, inner),
        st.builds("{}({})".format, st.sampled_from(FUNCTIONS), inner),
        st.builds("{}({},{})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("(-{})".format, inner),
    )


expressions = st.recursive(leaves, combine, max_leaves=6)


def known(text, x):
    """Return the value within 1e-40, or None where there is none, or 120 digits do not tell it."""
    try:
        value = exact(text, x)
    except ZeroDivisionError:
        return None
    return value if value.is_finite() and value.rad() < 1e-40 else None


@settings(max_examples=200)
@given(expressions, st.floats(-4, 4), st.sampled_from([1.0, 0.1, 1e-6, 0.0]), st.data())
def test_everything_that_is_proven_about_a_cell_is_true(text, low, width, data):
    high = low + width
    function = Expression(text)
    proof = function.enclose(np.array([low]), np.array([high]))
    value, slope = proof.value, proof.slope
    inside = st.floats(low, high)
    points = sorted({low, high, data.draw(inside), data.draw(inside)})
    values = [(x, known(text, x)) for x in points]
    values = [(x, y) for x, y in values if y is not None]

    for x, y in values:
        assert not y < value.low.item()
        assert not y > value.high.item()
        try:
            computed = function(np.array([x])).item()
        except InvalidInputError:
            continue
        assert not abs(computed - y) > proof.rounding.item()
    for (a, f_a), (b, f_b) in pairwise(values):
        quotient = (f_b - f_a) / (b - exact("x", a))
        assert not quotient < slope.low.item()
        assert not quotient > slope.high.item()


@pytest.mark.parametrize(
    ("text", "low", "high", "least", "greatest"),
    [
        ("sin(3*x)", -1.5, 1.5, -3, 3),
        ("x**2", -1.0, 2.0, -2, 4),
        ("x**3", -1.0, 2.0, 0, 12),
        ("abs(x)", 0.0, 1.0, 1, 1),
        ("abs(x)", -1.0, 1.0, -1, 1),
        ("floor(x)", 0.25, 0.75, 0, 0),
        ("floor(x)", 0.25, 1.25, 0, np.inf),
        ("sqrt(x)", 0.0, 0.25, 1, np.inf),
        ("tan(x)", 1.5, 1.6, -np.inf, np.inf),
        ("max(x,0.5)", 1.0, 2.0, 1, 1),
    ],
)
def test_slopes_known_by_hand(text, low, high, least, greatest):
    slope = Expression(text).enclose(np.array([low]), np.array([high])).slope

    assert [slope.low.item(), slope.high.item()] == pytest.approx([least, greatest])


def test_the_values_in_a_small_cell_are_tight():
    """The dependence of x·(1 − x) on x twice is resolved by the slope."""
    x = np.array([0.5])
    value = Expression("x*(1-x)").enclose(x, x + 1e-6).value

    assert value.width.item() < 3e-12
