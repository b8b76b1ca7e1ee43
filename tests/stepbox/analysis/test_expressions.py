import contextlib
import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.analysis.expressions import FUNCTIONS, MAX_LENGTH, Expression
from stepbox.errors import InvalidInputError


def value(text, x=0.0, y=None):
    if y is None:
        return float(Expression(text)(np.array(x)))
    return float(Expression(text, ("x", "y"))(np.array(x), np.array(y)))


def fault_of(text, variables=("x",)):
    with pytest.raises(InvalidInputError) as caught:
        Expression(text, variables)
    (fault,) = caught.value.faults
    assert fault.pointer == "/function"
    return fault.detail


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2*3", 7),
        ("-2**2", -4),
        ("2**-1", 0.5),
        ("2**3**2", 512),
        ("(1+2)*3", 9),
        ("8/4/2", 1),
        ("+x - -x", 4),
        (".5 + 1. + 1e1 + 2E-1", 11.7),
        ("sin(pi/2) + cos(0)", 2),
        ("log(e**3)", 3),
        ("sqrt(abs(-9))", 3),
        ("tanh(0) + sigmoid(0)", 0.5),
        ("relu(-1) + relu(x)", 2),
        ("step(0) + step(-1e-300)", 1),
        ("min(x, 1) + max(x, 5)", 6),
        ("floor(2.7) + sign(-3)", 1),
        ("tan(pi/4) + atan(0) + asin(0) + acos(1)", 1),
        ("cosh(0) + sinh(0)", 1),
        (" x ", 2),
        ("exp(-1/0**2)", 0),
    ],
)
def test_values_of_expressions(text, expected):
    assert value(text, x=2.0) == pytest.approx(expected)


def test_two_coordinates_broadcast():
    x, y = np.arange(3.0)[:, None], np.arange(4.0)[None, :]

    np.testing.assert_array_equal(Expression("x - 2*y", ("x", "y"))(x, y), x - 2 * y)
    assert Expression("1", ("x", "y"))(x, y).shape == (3, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sin(3*x", "column 4"),
        ("x + * 2", "column 5"),
        ("x +", "column 4"),
        ("  x *", "column 6"),
        ("   ", "column"),
        ("x)", "column 2"),
        ("x x", "column"),
        ("2x", "before column 2"),
        ("1 + 2.5e3sin(x)", "before column 10"),
        ("0x1F", "before column 2"),
        ("1j", "before column 2"),
        (
            "0,1*x",
            "values separated by a comma at column 1; only min and max take two; use a decimal "
            "point: 0.1",
        ),
        ("  sin(0,25*x)", "'sin' 2 values, not 1, at column 3; use a decimal point: 0.25"),
        ("x, y", "only min and max take two"),
        ("x^2", "column 2, which is not allowed; write ** for powers"),
        ("foo + x", "'foo' at column 1"),
        ("1 + foo(x)", "'foo' at column 5"),
        ("x + y", "y at column 5"),
        ("sin(x, x)", "'sin' 2 values, not 1, at column 1"),
        ("max(x)", "'max' 1 values, not 2"),
        ("sin()", "0 values"),
        ("sin", "'sin'"),
        ("1e999", "larger than 1e100 at column 1"),
        ("9" * 400, "larger than 1e100"),
        ("é", "'é' at column 1"),
        ("x\n", r"'\n' at column 2"),
        ("x\x00", "column 2"),
    ],
)
def test_an_error_names_its_column(text, message):
    assert message in fault_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "().__class__.__bases__",
        "x.real",
        "1..imag",
        "[x for x in x]",
        "lambda x",
        "lambda: x",
        "x if x else 1",
        "x and x",
        "not x",
        "x < 1",
        "x is 1",
        "x in x",
        "x, x",
        "sin(*x)",
        "sin(x=x)",
        "sin(x for x in x)",
        "True",
        "None",
        "x // 2",
        "x % 2",
        "x @ x",
        "~x",
        "x | x",
        "{x}",
        "'x'",
        'f"{x}"',
        "x := 1",
        "await x",
        "yield",
        "print(x)",
        "x # y",
        "x; x",
        "1_000",
        "max(x)(x)",
        "(sin)(x)(x)",
    ],
)
def test_only_mathematics_is_accepted(text):
    assert fault_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 499 + "x",
        "(" * 249 + "x" + ")" * 249,
        "x" + "**x" * 166,
        "sin(" * 120 + "x" + ")" * 120,
    ],
)
def test_deep_nesting_is_rejected(text):
    assert fault_of(text)


def test_the_length_of_an_expression_is_limited():
    assert Expression("1+" * 99 + "1")
    assert f"at most {MAX_LENGTH}" in fault_of("1" * (MAX_LENGTH + 1))


def test_huge_powers_are_cheap():
    with pytest.raises(InvalidInputError, match="no finite value"):
        value("9**9**9**9**9")
    assert value("0.5**9**9**9") == 0


def test_an_error_names_the_point_of_a_value_that_is_not_finite():
    x = np.linspace(-1, 1, 9)
    for text, place in (("1/(x-0.25)", "0.25"), ("log(x)", "−1"), ("tan(pi/2)**7", "−1")):
        with pytest.raises(InvalidInputError) as caught:
            Expression(text)(x)
        assert f"x = {place}" in caught.value.faults[0].detail
    assert "larger than 1e100" in caught.value.faults[0].detail


def test_slower_expressions_cost_more():
    assert Expression("x").cost == 0
    assert Expression("x+1").cost == 1
    assert Expression("sin(x)").cost > Expression("x+1").cost
    assert Expression("x**x").cost > Expression("x*x").cost


# Pairs of an expression as text, and the same function of x in Python's own arithmetic.
leaves = st.one_of(
    st.floats(0, 3).map(lambda v: (f"{v:.3f}", lambda x, n=float(f"{v:.3f}"): n)),
    st.sampled_from([("x", lambda x: x), ("pi", lambda x: math.pi), ("e", lambda x: math.e)]),
)
SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
CALLS = {"sin": math.sin, "cos": math.cos, "tanh": math.tanh}


def joined(left, sign, right):
    function = SIGNS[sign]
    return f"({left[0]} {sign} {right[0]})", lambda x: function(left[1](x), right[1](x))


def negated(inner):
    return f"(-{inner[0]})", lambda x: -inner[1](x)


def called(name, inner):
    return f"{name}({inner[0]})", lambda x: CALLS[name](inner[1](x))


expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(joined, inner, st.sampled_from(sorted(SIGNS)), inner),
        st.builds(negated, inner),
        st.builds(called, st.sampled_from(sorted(CALLS)), inner),
    ),
    max_leaves=8,
)


@given(expressions, st.floats(-2, 2))
def test_values_equal_those_of_python(expression, x):
    text, function = expression
    assert value(text, x) == pytest.approx(function(x), rel=1e-12, abs=1e-12)


@given(st.text(alphabet="xy0123456789.+-*/(), eisnpg", max_size=40))
def test_any_text_is_an_expression_or_rejected(text):
    with contextlib.suppress(InvalidInputError):
        assert np.isfinite(Expression(text)(np.array([0.5, -1.5]))).all()


def test_every_function_has_the_documented_number_of_arguments():
    for name in FUNCTIONS:
        arguments = "0.5, 0.5" if name in ("min", "max") else "0.5"
        assert np.isfinite(value(f"{name}({arguments})"))
