"""Interval arithmetic in float64, rounded outward.

The result of an operation contains the exact result for all numbers in the operands, and also the
result that NumPy computes for float64 numbers in them. It is unbounded where the operation is
undefined.

Sums, differences, products, quotients and square roots have the tightest bounds possible: an end
moves to the next float64 number only if its rounding error has the wrong sign. The error is
computed exactly, by the error-free transformations of Knuth (sums) and Dekker (products). So exact
results stay exact, such as ``2*x - 1`` at 0.5, and a jump there is found where it is.

References
----------
Rump, Ogita, Oishi: Accurate floating-point summation, part I (2008), section 2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from stepbox.analysis.result import Array, Flags, Integers
from stepbox.nn.activations import sigmoid as sigmoid_function

LARGEST = float(np.finfo(np.float64).max)
LEAST = float(np.finfo(np.float64).smallest_subnormal)
EPS = float(np.finfo(np.float64).eps)  # one unit in the last place (ulp) of 1
# NumPy's vectorised functions have errors of up to 4 ulps, and the sigmoid, made of three of its
# operations, of up to 6. This is twice as much, as an interval also contains what NumPy computes,
# and a margin.
ULPS = 16
SPLITTER = 2.0**27 + 1  # Dekker's: it divides 53 bits into halves of 26
EXACT = 2.0**-900  # the error of a product above it does not underflow


@dataclass(frozen=True)
class Interval:
    """Closed intervals [low, high], one for each entry. An end may be infinite.

    Attributes
    ----------
    low, high
        low ≤ high, shape (numbers,). Those of a constant have the shape (1,).
    """

    low: Array
    high: Array

    @classmethod
    def point(cls, value: Array | float) -> Self:
        """Return intervals with one number each, of shape (1,) for a single value."""
        end = np.atleast_1d(np.asarray(value, np.float64))
        return cls(end, end)

    @property
    def width(self) -> Array:
        """Distance of the ends, rounded."""
        width: Array = self.high - self.low
        return width

    @property
    def magnitude(self) -> Array:
        """Largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def __getitem__(self, chosen: Flags | Integers) -> "Interval":
        """Return some of the intervals."""
        return Interval(self.low[chosen], self.high[chosen])

    def reshape(self, shape: tuple[int, ...]) -> "Interval":
        """Return the intervals in a shape to which theirs broadcasts."""
        return Interval(np.broadcast_to(self.low, shape), np.broadcast_to(self.high, shape))

    def where(self, condition: Flags) -> "Interval":
        """Return the intervals where a condition holds, and unbounded ones elsewhere."""
        return Interval(
            np.where(condition, self.low, -np.inf), np.where(condition, self.high, np.inf)
        )

    def clip(self, low: float, high: float) -> "Interval":
        """Return the parts between two numbers that bound all values."""
        return Interval(*(np.minimum(np.maximum(end, low), high) for end in (self.low, self.high)))

    def __neg__(self) -> "Interval":
        """Return the negatives."""
        return Interval(-self.high, -self.low)

    def __add__(self, other: "Interval") -> "Interval":
        """Return the sums."""
        low, high = _sum(self.low, other.low), _sum(self.high, other.high)
        return _interval(_down(*low), _up(*high))

    def __sub__(self, other: "Interval") -> "Interval":
        """Return the differences."""
        return self + -other

    def __mul__(self, other: "Interval") -> "Interval":
        """Return the products. Zero times an infinite end is 0, the limit of products with 0."""
        return _combine(_product, self, other)

    def __truediv__(self, other: "Interval") -> "Interval":
        """Return the quotients; unbounded if the divisor contains 0."""
        return _combine(_quotient, self, other).where((other.low > 0) | (other.high < 0))


def hull(a: Interval, b: Interval) -> Interval:
    """Return the smallest intervals that contain both."""
    return Interval(np.minimum(a.low, b.low), np.maximum(a.high, b.high))


def increasing(function: Callable[[Array], Array], x: Interval) -> Interval:
    """Enclose an increasing function of NumPy whose only zero is exact."""
    low, high = function(x.low), function(x.high)
    return _widen(low, low == 0, high, high == 0)


def exp(x: Interval) -> Interval:
    """Enclose the exponential function."""
    return _widen(np.exp(x.low), False, np.exp(x.high), False).clip(0.0, np.inf)


def log(x: Interval) -> Interval:
    """Enclose the logarithm: unbounded below at 0, and unbounded if there is a number below 0."""
    return increasing(np.log, Interval(np.maximum(x.low, 0.0), x.high)).where(x.low >= 0)


def sigmoid(x: Interval) -> Interval:
    """Enclose the sigmoid, and `stepbox.nn.activations.sigmoid`, which stays at exp(−88) below."""
    low, high = sigmoid_function(x.low), sigmoid_function(x.high)
    value = _widen(low, False, high, False)
    return Interval(np.where(x.low < -87, 0.0, value.low), value.high).clip(0.0, 1.0)


def sqrt(x: Interval) -> Interval:
    """Enclose the square root; unbounded if there is a number below 0."""
    return _interval(_down(*_root(x.low)), _up(*_root(x.high))).where(x.low >= 0)


def power(x: Interval, exponent: float) -> Interval:
    """Enclose a constant power.

    It is unbounded if the exponent is negative and x contains 0, or if the exponent is not an
    integer and x contains a number below 0.
    """
    if exponent == 0:
        return Interval.point(1.0)
    if exponent < 0:
        return Interval.point(1.0) / power(x, -exponent)
    if exponent == 1:
        return x
    low, high = x.low, x.high
    if exponent % 2 == 0:  # it depends on the distance from 0
        near = np.maximum(np.maximum(low, -high), 0.0)
        low, high = near, x.magnitude
    if exponent == 2:
        return Interval(_down(*_product(low, low)), _up(*_product(high, high)))
    ends = np.power(low, exponent), np.power(high, exponent)
    exact = [(end == 0) | (np.abs(end) == 1) for end in (low, high)]
    value = _widen(ends[0], exact[0], ends[1], exact[1])
    if exponent % 2 == 0:
        value = value.clip(0.0, np.inf)
    return value if exponent % 1 == 0 else value.where(x.low >= 0)


def sin(x: Interval) -> Interval:
    """Enclose the sine."""
    return _wave(np.sin, x, 0.25)


def cos(x: Interval) -> Interval:
    """Enclose the cosine."""
    return _wave(np.cos, x, 0.0)


def tan(x: Interval) -> Interval:
    """Enclose the tangent; unbounded near a pole."""
    return increasing(np.tan, x).where(~_passes(x, 0.25, 0.5))


def cosh(x: Interval) -> Interval:
    """Enclose the hyperbolic cosine."""
    near = np.maximum(np.maximum(x.low, -x.high), 0.0)
    return _widen(np.cosh(near), False, np.cosh(x.magnitude), False).clip(1.0, np.inf)


def _wave(function: Callable[[Array], Array], x: Interval, peak: float) -> Interval:
    """Enclose a sine or cosine, which is largest after the share `peak` of a turn."""
    a, b = function(x.low), function(x.high)
    low, high = np.minimum(a, b), np.maximum(a, b)
    value = _widen(low, low == 0, high, high == 0)
    top, bottom = _passes(x, peak, 1.0), _passes(x, peak + 0.5, 1.0)
    return Interval(
        np.where(bottom, -1.0, np.maximum(value.low, -1.0)),
        np.where(top, 1.0, np.minimum(value.high, 1.0)),
    )


def _passes(x: Interval, first: float, period: float) -> Flags:
    """Say whether x may contain an angle of first + k · period turns, for an integer k.

    Rounding is counted as passing.
    """
    low, high = ((end / (2 * np.pi) - first) / period for end in (x.low, x.high))
    margin = 8 * EPS * (1 + np.maximum(np.abs(low), np.abs(high)))
    passes: Flags = np.floor(high + margin) >= np.ceil(low - margin)
    return passes | ~np.isfinite(margin)


def _widen(low: Array, exact_low: Any, high: Array, exact_high: Any) -> Interval:
    """Move the ends outward by ``ULPS`` units in the last place, unless they are exact."""
    return _interval(
        low - np.where(exact_low, 0.0, np.abs(low) * (ULPS * EPS) + ULPS * LEAST),
        high + np.where(exact_high, 0.0, np.abs(high) * (ULPS * EPS) + ULPS * LEAST),
    )


def _interval(low: Array, high: Array) -> Interval:
    """Return intervals whose ends may have overflowed, or be undefined (NaN)."""
    return Interval(
        np.where(np.isnan(low), -np.inf, np.minimum(low, LARGEST)),
        np.where(np.isnan(high), np.inf, np.maximum(high, -LARGEST)),
    )


def _combine(
    operation: Callable[[Array, Array], tuple[Array, Array]], x: Interval, y: Interval
) -> Interval:
    """Enclose an operation whose extremes are at the ends of both operands."""
    value, error = operation(_ends(x)[:, None], _ends(y)[None])  # shape (ends, ends, numbers)
    return _interval(_down(value, error).min(axis=(0, 1)), _up(value, error).max(axis=(0, 1)))


def _ends(x: Interval) -> Array:
    """Return both ends, shape (2, numbers), or for intervals of one number (1, numbers)."""
    return x.low[None] if x.low is x.high else np.array([x.low, x.high])


def _down(value: Array, error: Array) -> Array:
    """Return a lower bound of an exact value, from its rounded value and the sign of exact − value.

    An error that is not known (NaN) may have any sign.
    """
    return np.where(error >= 0, value, np.nextafter(value, -np.inf))


def _up(value: Array, error: Array) -> Array:
    return np.where(error <= 0, value, np.nextafter(value, np.inf))


def _sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded sum, and its rounding error."""
    total = a + b
    second = total - a
    return total, (a - (total - second)) + (b - second)


def _product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded product, and its rounding error; NaN if that is unknown."""
    product = a * b
    zero = (a == 0) | (b == 0)
    known = zero | (np.abs(product) > EXACT)
    error = np.where(known, _difference(a, b, product), np.nan)
    return np.where(zero, 0.0, product), np.where(zero, 0.0, error)


def _difference(a: Array, b: Array, product: Array) -> Array:
    """Return a·b − product, exact if the product is near and nothing overflows or underflows."""
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _split(a: Array) -> tuple[Array, Array]:
    scaled = SPLITTER * a
    high = scaled - (scaled - a)
    return high, a - high


def _root(a: Array) -> tuple[Array, Array]:
    """Return the rounded square root, and a number with the sign of its rounding error."""
    root = np.sqrt(a)
    return root, np.where((a == 0) | (a > EXACT), -_difference(root, root, a), np.nan)


def _quotient(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded quotient, and a number with the sign of its rounding error."""
    quotient = a / b
    rest = -_difference(quotient, b, a)
    known = (np.abs(a) > EXACT) & (np.abs(quotient) > EXACT)
    error = np.where(known, np.where(b > 0, rest, -rest), np.nan)
    zero = (a == 0) & (b != 0)
    return np.where(zero, 0.0, quotient), np.where(zero, 0.0, error)
