"""Functions that a user types, such as ``sin(3*x)``: parsed, never run as code.

The text becomes Python's syntax tree; a walk over the tree admits numbers, coordinates, five
operations and the functions listed here, and nothing else. Another walk computes the value with
NumPy, in float64, so that even ``9**9**9`` is a number (infinity) and not a computation.
"""

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.boxes.box import STEP
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import ACTIVATIONS

MAX_LENGTH = 500
MAX_DEPTH = 100
MAX_VALUE = 1e100  # so that squares, sums and slopes of values stay finite

CONSTANTS = {"pi": np.pi, "e": np.e}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "sigmoid": ACTIVATIONS["sigmoid"].function,
    "relu": ACTIVATIONS["relu"].function,
    "step": STEP.function,
    "min": np.minimum,
    "max": np.maximum,
}
TWO_ARGUMENTS = {"min", "max"}
OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
# How long an operation takes on one number, in additions.
COSTS = {ast.Pow: 16, ast.Call: 8}

FOREIGN_CHARACTER = re.compile(r"[^A-Za-z0-9+\-*/(),. ]")
MISSING_TIMES = re.compile(r"(?<![A-Za-z0-9.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?+([A-Za-z]\w*)")


class Expression:
    """A function of x, or of x and y, read from text.

    Attributes
    ----------
    text
        What was typed.
    cost
        Time that one value takes, in additions.

    References
    ----------
    The grammar: numbers, ``x``, ``y``, ``pi``, ``e``, ``+ - * / **``, parentheses, and calls of
    ``FUNCTIONS``. ``step`` is 1 at 0.
    """

    def __init__(self, text: str, variables: tuple[str, ...] = ("x",)) -> None:
        """Read the text.

        Parameters
        ----------
        text
            At most ``MAX_LENGTH`` characters.
        variables
            Names of the coordinates.

        Raises
        ------
        InvalidInputError
            The text is no such expression; names the column, counted from 1.
        """
        self.text = text
        self._variables = variables
        self._tree = _parse(text)
        self.cost = self._check(self._tree, depth=1)

    def __call__(self, *coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the values.

        Parameters
        ----------
        coordinates
            One array for each variable; their shapes broadcast.

        Returns
        -------
        Values of the broadcast shape, each within ±``MAX_VALUE``.

        Raises
        ------
        InvalidInputError
            A value is not finite, or too large; says where.
        """
        points = dict(zip(self._variables, coordinates, strict=True))
        with np.errstate(all="ignore"):  # what is not finite is looked for below
            values = np.asarray(_value(self._tree, points), dtype=np.float64)
        values = np.broadcast_to(values, np.broadcast_shapes(*(c.shape for c in coordinates)))
        bad = ~(np.abs(values) <= MAX_VALUE)
        if bad.any():
            at = np.unravel_index(int(np.argmax(bad)), bad.shape)
            place = ", ".join(
                f"{name} = {np.broadcast_to(c, bad.shape)[at].round(12) + 0.0:.9g}"
                for name, c in points.items()
            )
            what = "larger than 1e100" if np.isfinite(values[at]) else "not finite"
            raise _refusal(f"is {what} at {place}; it must be finite, of at most 1e100, on [−B, B)")
        return values

    def _check(self, node: ast.expr, depth: int) -> int:
        """Admit a node and all below it, and count what its value costs."""
        if depth > MAX_DEPTH:
            raise _refusal(f"is nested over {MAX_DEPTH} deep {_place(node)}")
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                if abs(number) > MAX_VALUE:
                    raise _refusal(f"holds a number larger than 1e100 {_place(node)}")
                return 0
            case ast.Name(id=name) if name in self._variables or name in CONSTANTS:
                return 0
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                return 1 + self._check(operand, depth + 1)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
                own = COSTS.get(type(op), 1)
                return own + self._check(left, depth + 1) + self._check(right, depth + 1)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
                wanted = 2 if name in TWO_ARGUMENTS else 1
                if len(args) != wanted:
                    raise _refusal(
                        f"gives '{name}' {len(args)} values, not {wanted}, {_place(node)}"
                    )
                return COSTS[ast.Call] + sum(self._check(arg, depth + 1) for arg in args)
            case ast.Name(id="y"):
                raise _refusal(f"uses y {_place(node)}, which is known in two dimensions only")
            case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
                raise _refusal(
                    f"holds '{name}' {_place(node)}, which is not known; {self._known()}"
                )
        raise _refusal(f"holds something {_place(node)} that is not allowed; {self._known()}")

    def _known(self) -> str:
        names = ", ".join((*self._variables, *CONSTANTS))
        return f"known are numbers, {names}, + - * / ** and {', '.join(FUNCTIONS)}"


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise _refusal(f"has {len(text)} characters, of at most {MAX_LENGTH}")
    if foreign := FOREIGN_CHARACTER.search(text):
        hint = "; write ** for powers" if foreign[0] == "^" else ""
        raise _refusal(
            f"holds {foreign[0]!r} at column {foreign.start() + 1}, not allowed here{hint}"
        )
    if joined := MISSING_TIMES.search(text):
        raise _refusal(f"lacks an operation, such as *, before column {joined.start(1) + 1}")
    indent = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(text.lstrip(), mode="eval").body
    except SyntaxError as error:
        # The parser counts from 1, and gives 0 or None for the end.
        column = (error.offset or len(text.strip()) + 1) + indent
        raise _refusal(f"is no expression at column {column}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise _refusal(f"is nested over {MAX_DEPTH} deep") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.col_offset += indent
    return tree


def _value(node: ast.expr, points: dict[str, NDArray[np.float64]]) -> Any:
    """Compute an admitted node; its shape is that of the coordinates below it."""
    match node:
        case ast.Constant(value=number):
            return np.float64(number)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return points[name] if name in points else np.float64(CONSTANTS[name])
        case ast.UnaryOp(op=op, operand=operand):
            value = _value(operand, points)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=operation, right=right):
            return OPERATIONS[type(operation)](_value(left, points), _value(right, points))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name](*(_value(arg, points) for arg in args))
    raise AssertionError(f"an unchecked node: {node!r}")


def _place(node: ast.expr) -> str:
    return f"at column {node.col_offset + 1}"


def _refusal(detail: str) -> InvalidInputError:
    return InvalidInputError.at("/function", detail)
