"""Enclosures of a function over cells: of its values, its slopes, and its rounding error.

They follow the chain rule through an expression, operation by operation (forward mode).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stepbox.analysis import intervals
from stepbox.analysis.intervals import EPS, ULPS, Interval, hull
from stepbox.analysis.result import Array

ONE = Interval.point(1.0)
ZERO = Interval.point(0.0)


@dataclass(frozen=True)
class Enclosure:
    """What is proven about an expression of x, for all real numbers x in each of several cells.

    Attributes
    ----------
    value
        Contains the exact values, and the values that NumPy computes at float64 numbers x.
    slope
        Contains the difference quotients (f(b) − f(a)) / (b − a) for all a < b in the cell, so also
        the derivatives. Across a jump it is unbounded on one side. If it contains no number below
        0, the function does not fall in the cell.
    rounding
        At float64 numbers x, NumPy's value is at most this far from the exact value.
    """

    value: Interval
    slope: Interval
    rounding: Array

    def __neg__(self) -> "Enclosure":
        """Enclose the negative."""
        return Enclosure(-self.value, -self.slope, self.rounding)

    def __add__(self, other: "Enclosure") -> "Enclosure":
        """Enclose the sum."""
        value = self.value + other.value
        return _rounded(value, self.slope + other.slope, self.rounding + other.rounding, 1)

    def __sub__(self, other: "Enclosure") -> "Enclosure":
        """Enclose the difference."""
        return self + -other

    def __mul__(self, other: "Enclosure") -> "Enclosure":
        """Enclose the product: f(b)g(b) − f(a)g(a) = f(b)·(g(b) − g(a)) + g(a)·(f(b) − f(a))."""
        value = self.value * other.value
        slope = _times(self.value, other.slope) + _times(other.value, self.slope)
        rounding = _product(self.value.magnitude, other.rounding) + _product(
            other.value.magnitude, self.rounding
        )
        return _rounded(value, slope, rounding, 1)

    def __truediv__(self, other: "Enclosure") -> "Enclosure":
        """Enclose the quotient q = f/g: q(b) − q(a) = (f(b) − f(a) − q(a)·(g(b) − g(a))) / g(b)."""
        value = self.value / other.value
        slope = (self.slope - _times(value, other.slope)) / other.value
        least = np.maximum(np.maximum(other.value.low, -other.value.high), 0.0)
        rounding = (self.rounding + _product(value.magnitude, other.rounding)) / least
        return _rounded(value, slope, rounding, 1)

    def __pow__(self, other: "Enclosure") -> "Enclosure":
        """Enclose the power."""
        exponent = other.value
        if exponent.low.shape == (1,) and exponent.low == exponent.high:
            n = float(exponent.low[0])
            value = intervals.power(self.value, n)
            slope = Interval.point(n) * intervals.power(self.value, n - 1) if n else ZERO
            if 0 < n < 1:  # vertical at 0
                slope = slope.clip(0.0, np.inf).where(self.value.low >= 0)
            return _chain(self, value, slope)
        power = ENCLOSURES["exp"](other * ENCLOSURES["log"](self))
        # The logarithm is undefined below 0, but powers with integers are not.
        known = self.value.low >= 0
        return Enclosure(power.value.where(known), power.slope.where(known), power.rounding)


def variable(cells: Interval) -> Enclosure:
    """Enclose x itself."""
    return Enclosure(cells, ONE, np.zeros(1))


def constant(value: float, *, exact: bool = True) -> Enclosure:
    """Enclose a constant, or one whose exact value is less than an ulp from `value`."""
    number = Interval.point(value)
    if not exact:
        number = Interval(np.nextafter(number.low, -np.inf), np.nextafter(number.high, np.inf))
    return Enclosure(number, ZERO, number.width)


def _rounded(value: Interval, slope: Interval, rounding: Array, ulps: int) -> Enclosure:
    """Add the error of rounding the result. Both values are in the interval, so it bounds it, too.

    An ulp is twice the error of a correctly rounded result.
    """
    rounding = rounding + ulps * (EPS * value.magnitude + intervals.LEAST)
    return Enclosure(value, slope, np.fmin(rounding, value.width))


def _chain(inner: Enclosure, value: Interval, slope: Interval, ulps: int = ULPS // 2) -> Enclosure:
    """Apply a function with these values and slopes over the values of `inner`."""
    rounding = _product(slope.magnitude, inner.rounding)
    return _rounded(value, _times(slope, inner.slope), rounding, ulps)


def _times(x: Interval, y: Interval) -> Interval:
    """Return the product, at once if a factor is constant 0 or 1."""
    if x is ZERO or y is ZERO:
        return ZERO
    if x is ONE or y is ONE:
        return y if x is ONE else x
    return x * y


def _product(factor: Array, rounding: Array) -> Array:
    """Return the product; 0 if there is no rounding error, whatever the factor is."""
    return np.where(rounding == 0, 0.0, factor * rounding)


def _inverse_root(x: Interval) -> Interval:
    """Enclose 1/√x for x ≥ 0; it is infinite at 0."""
    root = intervals.sqrt(Interval(np.maximum(x.low, 0.0), np.maximum(x.high, 0.0)))
    low, high = ONE / Interval.point(root.high), ONE / Interval.point(root.low)
    return Interval(np.maximum(low.low, 0.0), high.high)


def _increasing(function: Callable[[Array], Array]) -> Callable[[Interval], Interval]:
    return lambda x: intervals.increasing(function, x)


def _smooth(
    value: Callable[[Interval], Interval], slope: Callable[[Interval, Interval], Interval]
) -> Callable[[Enclosure], Enclosure]:
    """Build the enclosure of a function from its values at x, and its slopes at x and value."""

    def enclose(inner: Enclosure) -> Enclosure:
        result = value(inner.value)
        return _chain(inner, result, slope(inner.value, result))

    return enclose


def _jumping(function: Callable[[Array], Array]) -> Callable[[Enclosure], Enclosure]:
    """Build the enclosure of an increasing, exact function that is constant between its jumps."""

    def enclose(inner: Enclosure) -> Enclosure:
        value = Interval(function(inner.value.low), function(inner.value.high))
        slope = Interval(0.0 * value.low, np.where(value.low == value.high, 0.0, np.inf))
        return _chain(inner, value, slope, ulps=0)

    return enclose


def _bent(left: float) -> Callable[[Enclosure], Enclosure]:
    """Build the enclosure of the function with slope `left` below 0, and slope 1 above."""

    def enclose(inner: Enclosure) -> Enclosure:
        x = inner.value
        ends = left * np.minimum(x.low, 0.0), left * np.minimum(x.high, 0.0)
        low, high = ends[0] + np.maximum(x.low, 0.0), ends[1] + np.maximum(x.high, 0.0)
        least = np.where((x.low < 0) & (x.high > 0), 0.0, np.minimum(low, high))
        slope = Interval(
            np.where(x.low >= 0, 1.0, left), np.where((x.high <= 0) & (x.low < 0), left, 1.0)
        )
        return _chain(inner, Interval(least, np.maximum(low, high)), slope, ulps=0)

    return enclose


def _maximum(a: Enclosure, b: Enclosure) -> Enclosure:
    """Enclose the larger of two values. Its difference is between the two differences."""
    value = Interval(np.maximum(a.value.low, b.value.low), np.maximum(a.value.high, b.value.high))
    both = hull(a.slope, b.slope)
    a_only, b_only = a.value.low >= b.value.high, b.value.low >= a.value.high
    slope = Interval(
        np.where(a_only, a.slope.low, np.where(b_only, b.slope.low, both.low)),
        np.where(a_only, a.slope.high, np.where(b_only, b.slope.high, both.high)),
    )
    return _rounded(value, slope, np.maximum(a.rounding, b.rounding), 0)


def _tan_slope(_: Interval, value: Interval) -> Interval:
    return (ONE + intervals.power(value, 2.0)).where(np.isfinite(value.width))


def _log_slope(x: Interval, _: Interval) -> Interval:
    low, high = ONE / Interval.point(x.high), ONE / Interval.point(x.low)
    return Interval(np.maximum(low.low, 0.0), high.high).where(x.low >= 0)


def _arcsine_slope(x: Interval, _: Interval) -> Interval:
    inside = (x.low >= -1) & (x.high <= 1)
    return _inverse_root(ONE - intervals.power(x, 2.0)).where(inside)


def _within_one(x: Interval) -> Interval:
    """Return x where all of it is in [−1, 1]."""
    return x.where((x.low >= -1) & (x.high <= 1))


ENCLOSURES: dict[str, Callable[..., Enclosure]] = {
    "sin": _smooth(intervals.sin, lambda x, _: intervals.cos(x)),
    "cos": _smooth(intervals.cos, lambda x, _: -intervals.sin(x)),
    "tan": _smooth(intervals.tan, _tan_slope),
    "asin": _smooth(
        lambda x: intervals.increasing(np.arcsin, _within_one(x)),
        _arcsine_slope,
    ),
    "acos": _smooth(
        lambda x: -intervals.increasing(lambda z: -np.arccos(z), _within_one(x)),
        lambda x, _: -_arcsine_slope(x, x),
    ),
    "atan": _smooth(_increasing(np.arctan), lambda x, _: ONE / (ONE + intervals.power(x, 2.0))),
    "sinh": _smooth(_increasing(np.sinh), lambda x, _: intervals.cosh(x)),
    "cosh": _smooth(intervals.cosh, lambda x, _: intervals.increasing(np.sinh, x)),
    "tanh": _smooth(
        lambda x: intervals.increasing(np.tanh, x).clip(-1.0, 1.0),
        lambda _, value: (ONE - intervals.power(value, 2.0)).clip(0.0, 1.0),
    ),
    "exp": _smooth(intervals.exp, lambda _, value: value),
    "log": _smooth(intervals.log, _log_slope),
    "sqrt": _smooth(
        intervals.sqrt,
        lambda x, _: (Interval.point(0.5) * _inverse_root(x)).where(x.low >= 0),
    ),
    "abs": _bent(-1.0),
    "relu": _bent(0.0),
    "sign": _jumping(np.sign),
    "floor": _jumping(np.floor),
    "step": _jumping(lambda z: np.heaviside(z, 1.0)),
    "sigmoid": _smooth(intervals.sigmoid, lambda _, value: (value * (ONE - value)).clip(0.0, 0.25)),
    "max": _maximum,
    "min": lambda a, b: -_maximum(-a, -b),
}
