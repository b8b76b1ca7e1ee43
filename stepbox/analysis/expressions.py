"""Functions that a user types, such as ``sin(3*x)``: parsed, but never run as code.

Python parses the text into a syntax tree. A check of the tree allows only numbers, coordinates,
five operations and the functions listed here. Then NumPy computes the value in float64, so even
``9**9**9`` is cheap: it is infinity.
"""

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from stepbox.analysis.boxes.box import STEP
from stepbox.analysis.enclosures import ENCLOSURES, Enclosure, constant, variable
from stepbox.analysis.intervals import EPS, Interval
from stepbox.analysis.result import Array
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
ENCLOSED_OPERATIONS: dict[type[ast.operator], Callable[[Enclosure, Enclosure], Enclosure]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
# Time of an operation, as a multiple of the time of an addition. Other operations take 1.
COSTS = {ast.Pow: 16, ast.Call: 8}

FOREIGN_CHARACTER = re.compile(r"[^A-Za-z0-9+\-*/(),. ]")
DECIMAL_COMMA = re.compile(r"(\d+),(\d+)")
MISSING_TIMES = re.compile(r"(?<![A-Za-z0-9.])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?+([A-Za-z]\w*)")


class Expression:
    """A function of x, or of x and y, read from text.

    Attributes
    ----------
    cost
        Time to compute one value, as a multiple of the time of an addition.

    Notes
    -----
    The grammar has numbers, ``x``, ``y``, ``pi``, ``e``, ``+ - * / **``, parentheses, and calls of
    ``FUNCTIONS``. ``step`` is 1 at 0.
    """

    def __init__(self, text: str, variables: tuple[str, ...] = ("x",)) -> None:
        """Parse the text and check it.

        Parameters
        ----------
        text
            At most ``MAX_LENGTH`` characters.
        variables
            Names of the coordinates.

        Raises
        ------
        InvalidInputError
            The text is not a valid expression. The error names the column, counted from 1.
        """
        self._variables = variables
        self._text = text
        self._tree = _parse(text)
        self.cost = self._check(self._tree, depth=1)

    def __call__(self, *coordinates: Array) -> Array:
        """Compute the values.

        Parameters
        ----------
        coordinates
            One array per variable. Their shapes broadcast.

        Returns
        -------
        Values within ±``MAX_VALUE``, in the broadcast shape.

        Raises
        ------
        InvalidInputError
            A value is not finite or too large. The error names the point.
        """
        points = dict(zip(self._variables, coordinates, strict=True))
        with np.errstate(all="ignore"):  # values that are not finite are found below
            values = np.asarray(_value(self._tree, points), dtype=np.float64)
        values = np.broadcast_to(values, np.broadcast_shapes(*(c.shape for c in coordinates)))
        bad = ~(np.abs(values) <= MAX_VALUE)
        if bad.any():
            at = np.unravel_index(int(np.argmax(bad)), bad.shape)
            place = ", ".join(
                f"{name} = {written(np.broadcast_to(c, bad.shape)[at].round(12))}"
                for name, c in points.items()
            )
            what = "is larger than 1e100" if np.isfinite(values[at]) else "has no finite value"
            raise _error(
                f"{what} at {place}. In the whole domain, its magnitude must be at most 1e100"
            )
        return values

    def enclose(self, low: Array, high: Array) -> Enclosure:
        """Prove bounds of a function of x over cells, for all real numbers in each cell.

        They hold for the exact function. In it, each number is the float64 number nearest to what
        the text says, and pi and e are exact.

        Parameters
        ----------
        low, high
            Ends of the cells, shape (cells,).

        Returns
        -------
        Arrays of shape (cells,). Bounds are infinite where nothing is proven.
        """
        center = low + (high - low) / 2
        with np.errstate(all="ignore"):
            bounds = _enclosure(self._tree, Interval(low, high))
            middle = np.asarray(_value(self._tree, {"x": center}), dtype=np.float64)
            # Every value is on a line through the middle whose slope is enclosed. The margin covers
            # the rounding errors of these bounds, a few units in the last place per operation.
            rounding = 1.001 * bounds.rounding
            reach = rounding + bounds.slope.magnitude * np.maximum(high - center, center - low)
            reach = 1.001 * reach + EPS * np.abs(middle)
            value = Interval(
                np.fmax(bounds.value.low, middle - reach),
                np.fmin(bounds.value.high, middle + reach),
            )
        shape = low.shape
        return Enclosure(
            value.reshape(shape),
            bounds.slope.reshape(shape),
            np.broadcast_to(np.nan_to_num(rounding, nan=np.inf, posinf=np.inf), shape),
        )

    def _check(self, node: ast.expr, depth: int) -> int:
        """Check a node and all nodes below it, and return the cost of its value."""
        if depth > MAX_DEPTH:
            raise _error(f"is nested more than {MAX_DEPTH} deep {_place(node)}")
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                if abs(number) > MAX_VALUE:
                    raise _error(f"has a number larger than 1e100 {_place(node)}")
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
                    self._reject_decimal_comma(node)
                    raise _error(f"gives '{name}' {len(args)} values, not {wanted}, {_place(node)}")
                return COSTS[ast.Call] + sum(self._check(arg, depth + 1) for arg in args)
            case ast.Tuple():
                self._reject_decimal_comma(node)
                raise _error(f"has values separated by a comma {_place(node)}")
            case ast.Name(id="y"):
                raise _error(f"uses y {_place(node)}, but y exists only in two dimensions")
            case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
                raise _error(f"has the unknown name '{name}' {_place(node)}; {self._allowed()}")
        raise _error(f"has something {_place(node)} that is not allowed; {self._allowed()}")

    def _reject_decimal_comma(self, node: ast.expr) -> None:
        """Explain the first number of a node that has a decimal comma, if there is one."""
        if comma := DECIMAL_COMMA.search(self._text, node.col_offset, node.end_col_offset or 0):
            raise _error(
                f"has a comma in a number at column {comma.start() + 1}. Use a decimal point: "
                f"{comma[1]}.{comma[2]}"
            )

    def _allowed(self) -> str:
        names = ", ".join((*self._variables, *CONSTANTS))
        return f"allowed are numbers, {names}, + - * / ** and {', '.join(FUNCTIONS)}"


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise _error(f"has {len(text)} characters, but at most {MAX_LENGTH} are allowed")
    if foreign := FOREIGN_CHARACTER.search(text):
        hint = "; write ** for powers" if foreign[0] == "^" else ""
        raise _error(
            f"has {foreign[0]!r} at column {foreign.start() + 1}, which is not allowed{hint}"
        )
    if joined := MISSING_TIMES.search(text):
        raise _error(f"needs an operation, such as *, before column {joined.start(1) + 1}")
    indent = len(text) - len(text.lstrip())
    try:
        tree = ast.parse(text.lstrip(), mode="eval").body
    except SyntaxError as error:
        # The parser counts columns from 1, and reports 0 or None for the end of the text.
        column = (error.offset or len(text.strip()) + 1) + indent
        if column > len(text.rstrip()):
            raise _error(f"is not complete: something is missing at column {column}") from None
        # Of the parser's messages, those about parentheses help people who do not know Python.
        why = f": {error.msg}" if error.msg.startswith(("'", "unmatched")) else ""
        raise _error(f"cannot be read at column {column}{why}") from None
    except (RecursionError, MemoryError):
        raise _error(f"is nested more than {MAX_DEPTH} deep") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.col_offset += indent
            node.end_col_offset = (node.end_col_offset or 0) + indent
    return tree


def _value(node: ast.expr, points: dict[str, Array]) -> Any:
    """Compute the value of a checked node. Constants are scalars."""
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


def _enclosure(node: ast.expr, cells: Interval) -> Enclosure:
    """Enclose a checked node over cells of x, operation by operation."""
    match node:
        case ast.Constant(value=number):
            return constant(float(number))  # type: ignore[arg-type]
        case ast.Name(id=name):
            return constant(CONSTANTS[name], exact=False) if name in CONSTANTS else variable(cells)
        case ast.UnaryOp(op=op, operand=operand):
            enclosure = _enclosure(operand, cells)
            return -enclosure if isinstance(op, ast.USub) else enclosure
        case ast.BinOp(left=left, op=operation, right=right):
            combine = ENCLOSED_OPERATIONS[type(operation)]
            return combine(_enclosure(left, cells), _enclosure(right, cells))
        case ast.Call(func=ast.Name(id=name), args=args):
            return ENCLOSURES[name](*(_enclosure(arg, cells) for arg in args))
    raise AssertionError(f"an unchecked node: {node!r}")


def written(number: float) -> str:
    """Write a number in a sentence, with nine significant digits and a true minus sign."""
    return f"{number + 0.0:.9g}".replace("-", "−")  # + 0.0: never as −0


def _place(node: ast.expr) -> str:
    return f"at column {node.col_offset + 1}"


def _error(detail: str) -> InvalidInputError:
    return InvalidInputError.at("/function", detail)
