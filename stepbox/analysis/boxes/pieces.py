"""The monotone pieces of a function, which prove its largest distance from any sum of boxes."""

from dataclasses import dataclass

import numpy as np

from stepbox.analysis.boxes.sum import BoxSum
from stepbox.analysis.expressions import Expression, written
from stepbox.analysis.intervals import EPS, Interval
from stepbox.analysis.result import Array, Flags, Integers

LOOSE = 5e-10  # relative excess of a bound over the measured error that is worth more work

PROVEN = (
    "Interval arithmetic proves that the error is at most `max_error` at every float64 number in "
    "[−bound, bound). This includes all rounding errors of the network, in any order of its sums."
)


@dataclass(frozen=True)
class Pieces:
    """The interval [−bound, bound), divided into monotone and critical pieces.

    Every float64 number of the interval is in a piece. Neighbouring pieces may share an end.

    Attributes
    ----------
    function
        The function.
    start, stop
        First and last number of each piece, ascending, shape (pieces,).
    monotone
        Whether the function is proven to rise or fall in the piece, with or without jumps, shape
        (pieces,). Other pieces are critical: the function turns there, or nothing is proven.
    rounding
        At a float64 number in a monotone piece, NumPy's value is at most this far from the
        function; 0 for critical pieces. Shape (pieces,).
    left, right
        Both ends of each monotone piece, as an interval of one number, and the ends of each
        critical piece, ascending, shape (turns,).
    values
        Bounds of the function between `left` and `right`, shape (turns,).
    slope
        Upper bound of |f(b) − f(a)| / |b − a|; infinite if there is none.
    """

    function: Expression
    start: Array
    stop: Array
    monotone: Flags
    rounding: Array
    left: Array
    right: Array
    values: Interval
    slope: float

    @property
    def unbounded_at(self) -> float | None:
        """A number near which no finite bound of the values was found, or None."""
        unknown = ~np.isfinite(self.values.width)
        return float(self.left[np.argmax(unknown)]) if unknown.any() else None

    @property
    def explanation(self) -> str:
        """Say what is proven about the largest error."""
        at = self.unbounded_at
        if at is None:
            return PROVEN
        return (
            f"No finite bound of the largest error was found: near x = {written(at)}, the "
            "function may be unbounded, or have no value."
        )

    def largest_error(self, boxes: BoxSum, at_ends: Array, tolerance: float = 0.0) -> float:
        """Prove an upper bound of |function − boxes| at all float64 numbers. It may be infinite.

        In a box, the function is furthest from the height at an end of the box, at an end of a
        monotone piece, or in a critical piece.

        Parameters
        ----------
        boxes
            Boxes on a line.
        at_ends
            The larger of the two measured distances at the first and the last number of each box,
            shape (boxes,).
        tolerance
            Work more if this may prove that the largest error is within the tolerance.
        """
        if self.unbounded_at is not None:
            return np.inf
        turn, box = _touched(boxes, self.left, self.right)
        inside = float(_distances(self.values[turn], boxes.levels[box]).max())
        sampled = float(at_ends.max())
        ends, most = sampled + float(self.rounding.max()), max(sampled, inside)
        if ends > most * (1 + LOOSE):
            ends = self._largest_at_ends(boxes, at_ends, most * (1 + LOOSE))
        elif most <= tolerance < ends:
            ends = self._largest_at_ends(boxes, at_ends, most)
        return max(ends * (1 + 2 * EPS), inside)  # distances at ends were rounded twice

    def tight_error(self, boxes: BoxSum) -> float:
        """Prove an upper bound of |function − boxes|, as tight as possible, in more time."""
        return float(_distances(self.hulls(boxes), boxes.levels).max())

    def hulls(self, boxes: BoxSum) -> Interval:
        """Enclose the values of the function in each box on a line, as tightly as it is known."""
        points = np.concatenate([boxes.edges[:-1], boxes.last])
        at_ends = self.function.enclose(points, points).value
        low, high = at_ends.low.reshape(2, -1).min(axis=0), at_ends.high.reshape(2, -1).max(axis=0)
        turn, box = _touched(boxes, self.left, self.right)
        np.minimum.at(low, box, self.values.low[turn])
        np.maximum.at(high, box, self.values.high[turn])
        return Interval(low, high)

    def _largest_at_ends(self, boxes: BoxSum, at_ends: Array, most: float) -> float:
        """Bound the distances at the ends of the boxes, more tightly where they may exceed `most`.

        An end in a critical piece needs no bound.
        """
        piece, box = _touched(boxes, self.start, self.stop)
        first = np.flatnonzero(np.diff(box, prepend=-1))
        bounds = at_ends + np.maximum.reduceat(self.rounding[piece], first)
        loose = np.flatnonzero(bounds > most)
        if len(loose):
            points = np.concatenate([boxes.edges[loose], boxes.last[loose]])
            levels = np.tile(boxes.levels[loose], 2)
            distances = _distances(self.function.enclose(points, points).value, levels)
            bounds[loose] = distances.reshape(2, -1).max(axis=0)
        return float(bounds.max())


def _distances(values: Interval, levels: Array) -> Array:
    """Return the largest possible distances of values from levels, rounded up."""
    return (values - Interval.point(levels)).magnitude


def _touched(boxes: BoxSum, left: Array, right: Array) -> tuple[Integers, Integers]:
    """List the pairs of an interval [left, right] and a box that it touches, in order.

    Returns
    -------
    Indices of the intervals and of the boxes, shape (pairs,) each.
    """
    first, last = (boxes.holding(end) for end in (left, right))
    counts = last - first + 1
    interval = np.repeat(np.arange(len(left)), counts)
    box = np.arange(len(interval)) - np.repeat(np.cumsum(counts) - counts - first, counts)
    return interval, box
