"""Exact values of expressions, by arbitrary-precision ball arithmetic (FLINT)."""

import re

from flint import arb, ctx

ctx.prec = 400  # bits: 120 digits
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def exact(text, x):
    """Evaluate an expression at a float64 number, with a proven error far below one ulp."""
    names = {"x": arb(x), "arb": arb, **FUNCTIONS}
    return arb(eval(NUMBER.sub(r"arb(\g<0>)", text), {"__builtins__": {}}, names))


FUNCTIONS = {
    **{
        name: (lambda value, method=name: getattr(arb(value), method)())
        for name in (
            *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
            *("exp", "log", "sqrt", "floor"),
        )
    },
    "abs": lambda value: abs(arb(value)),
    "sigmoid": lambda value: 1 / (1 + (-arb(value)).exp()),
    "relu": lambda value: max(arb(value), arb(0)),
    "sign": lambda value: arb(value).sgn(),
    "step": lambda value: arb(1) if value == 0 else (arb(value).sgn() + 1) / 2,
    "min": lambda a, b: min(arb(a), arb(b)),
    "max": lambda a, b: max(arb(a), arb(b)),
    "pi": arb.pi(),
    "e": arb(1).exp(),
}
