"""Exact values of expressions, by arbitrary-precision ball arithmetic (FLINT)."""

import ast
import operator

from flint import arb, ctx

ctx.prec = 400  # bits: 120 digits
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def exact(text, x):
    """Evaluate an expression at a float64 number, with a proven error far below one ulp."""

    def value(node):
        match node:
            case ast.Constant(number):
                return arb(number)
            case ast.Name(name):
                return arb(x) if name == "x" else CONSTANTS[name]
            case ast.BinOp(left, operation, right):
                return OPERATORS[type(operation)](value(left), value(right))
            case ast.UnaryOp(operation, operand):
                return OPERATORS[type(operation)](value(operand))
            case ast.Call(ast.Name(name), arguments):
                return FUNCTIONS[name](*map(value, arguments))
        raise ValueError(ast.dump(node))

    return value(ast.parse(text, mode="eval").body)


CONSTANTS = {"pi": arb.pi(), "e": arb(1).exp()}
FUNCTIONS = {
    **{
        name: getattr(arb, name)
        for name in (
            *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"),
            *("exp", "log", "sqrt", "floor"),
        )
    },
    "abs": abs,
    "sigmoid": lambda value: 1 / (1 + (-value).exp()),
    "relu": lambda value: value.max(arb(0)),
    "sign": arb.sgn,
    "step": lambda value: arb(1) if value == 0 else (value.sgn() + 1) / 2,
    "min": arb.min,  # undefined if an argument is, unlike the min of Python
    "max": arb.max,
}
