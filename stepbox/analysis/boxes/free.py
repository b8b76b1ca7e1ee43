"""Boxes of free widths, which do not overlap: the fewest for an error, or the smallest error.

The greedy method is exact for the largest error: extend each box as far as (max − min) / 2 of the
function in it is within the error. Where it has to begin a new box, the function differs by more
than twice the error from an earlier value in the same box. So it also finds pairs of points that no
box can contain, which prove that fewer boxes are impossible.

Both are computed in two steps. The greedy method runs on the values where the function turns or
jumps, in floating-point numbers. Then interval arithmetic proves the errors of the boxes and the
differences of the pairs.
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf, nextafter
from typing import NamedTuple

import numpy as np

from stepbox.analysis.boxes.pieces import Pieces
from stepbox.analysis.boxes.sum import BoxSum, exact_heights
from stepbox.analysis.intervals import EPS
from stepbox.analysis.result import Array
from stepbox.errors import InvalidInputError

MOST_FREE_BOXES = 10_000
MOST_PAIRS = 2 * MOST_FREE_BOXES
MOST_PIECES = 15_000  # the time of the greedy method is in proportion to them
ATTEMPTS = 12  # to find boxes that are proven despite rounding errors; each leaves more room
TIE = 1e-12  # differences of values that are nearer to each other, relatively, are seen as equal
HALVINGS = 100  # of a range: enough for the last bit of a number near its middle


class Cuts(NamedTuple):
    """Places in one stretch of the function where greedy boxes begin.

    Attributes
    ----------
    point
        Index of the point at the end of the stretch.
    origin
        Index of the point with the value from which the first box is too far, or −1 for the
        place before.
    value
        That value.
    sign
        1 if the function rises here, −1 if it falls.
    places
        Number of places. In a jump, there is one: the point.
    """

    point: int
    origin: int
    value: float
    sign: int
    places: int


@dataclass(frozen=True)
class FreeBoxes:
    """The greedy method for a function.

    Attributes
    ----------
    pieces
        Pieces of the function, with jumps apart.
    bound
        B: the interval is [−B, B).
    """

    pieces: Pieces
    bound: float

    def __post_init__(self) -> None:
        """Check that the work is bounded.

        Raises
        ------
        InvalidInputError
            The function has no proven bound, or too many pieces.
        """
        if self.pieces.unbounded_at is not None:
            raise InvalidInputError.at(
                "/widths", f"must be 'equal' for this function. {self.pieces.explanation}"
            )
        if len(self.pieces.start) > MOST_PIECES:
            raise _too_complicated(f"it may turn or jump more than {MOST_PIECES:,} times")

    @cached_property
    def points(self) -> Array:
        """Start and stop of each piece, in turns. From a stop to a start, the function may jump."""
        return np.column_stack([self.pieces.start, self.pieces.stop]).ravel()

    @cached_property
    def values(self) -> tuple[list[float], list[float]]:
        """Lower and upper bounds of the function at the points."""
        value = self.pieces.function.enclose(self.points, self.points).value
        return value.low.tolist(), value.high.tolist()

    def fewest(self, tolerance: float) -> tuple[BoxSum, float]:
        """Find the fewest boxes, up to rounding, and a proven error within the tolerance.

        Raises
        ------
        InvalidInputError
            There are too many boxes, or nothing is proven.
        """
        room = 0.0
        for _ in range(ATTEMPTS):
            reach = 2 * tolerance - room
            cuts = self._cut(reach, MOST_FREE_BOXES - 1)
            if cuts is None:
                raise InvalidInputError.at(
                    "/tolerance",
                    f"takes more than {MOST_FREE_BOXES:,} boxes of free widths; use a larger one",
                )
            boxes, error = self._build(self._places(cuts, reach))
            if error <= tolerance:
                return boxes, error
            room += 4 * (error - tolerance)
            if room > tolerance:
                break
        raise _too_complicated("its values are not known well enough for this tolerance")

    def smallest(self, boxes: int) -> tuple[BoxSum, float]:
        """Find the smallest error of at most `boxes` boxes, up to rounding, and prove it."""
        reach = self._reach(boxes)[1]
        return self._build(self._places(self._cut(reach, boxes - 1) or [], reach))

    def pairs_for(self, error: float) -> Array:
        """Find disjoint pairs a < b, in order, that are proven to differ by more than 2 · error.

        Returns
        -------
        Shape (pairs, 2).
        """
        room = 0.0
        for _ in range(ATTEMPTS):
            pairs = self._pairs(2 * error + room)
            missing = 2 * error - self._differences(pairs)
            if (missing < 0).all():
                break
            room += 2 * float(missing.max()) + EPS * error
        return pairs[missing < 0]

    def pairs_against(self, boxes: int) -> tuple[Array, float]:
        """Find at least as many pairs as there are boxes, so their error must be above some error.

        Returns
        -------
        The pairs, and the error; no pairs and 0 if there are too few.
        """
        pairs = self._pairs(self._reach(boxes, outer=False)[0] * (1 - TIE))
        error = nextafter(float(self._differences(pairs).min(initial=inf)) / 2, 0.0)
        if len(pairs) < boxes or error <= 0:
            return pairs[:0], 0.0
        return pairs, error

    def _reach(self, boxes: int, *, outer: bool = True) -> tuple[float, float]:
        """Find by bisection where the greedy method begins to need more boxes.

        Returns
        -------
        A difference of values for which it needs more than `boxes`, or 0, and the next larger one,
        up to rounding, for which it does not.
        """
        low, high = 0.0, max(self.values[1]) - min(self.values[0])
        if self._cut(0.0, boxes - 1, outer=outer) is not None:
            return 0.0, 0.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            if self._cut(middle, boxes - 1, outer=outer) is None:
                low = middle
            else:
                high = middle
        return low, high

    def _pairs(self, reach: float) -> Array:
        """Find pairs whose values differ by about `reach`, shape (pairs, 2)."""
        cuts = self._cut(reach, MOST_PAIRS, outer=False) or []
        places = self._places(cuts, reach)
        before = np.append(self.points[0], places)[:-1]
        first = 0
        for cut in cuts:
            if cut.origin >= 0:
                before[first] = self.points[cut.origin]
            first += cut.places
        return np.column_stack([before, places])

    def _differences(self, pairs: Array) -> Array:
        """Return lower bounds of |f(b) − f(a)|, or 0 for pairs that are not in order.

        They are proven by interval arithmetic, shape (pairs,).
        """
        a, b = pairs.T
        difference = (
            self.pieces.function.enclose(b, b).value - self.pieces.function.enclose(a, a).value
        )
        ordered = (a < b) & (a >= np.append(-inf, b)[:-1])
        proven: Array = np.where(ordered, np.maximum(difference.low, -difference.high), 0.0)
        return proven

    def _cut(self, reach: float, most: int, *, outer: bool = True) -> list[Cuts] | None:
        """Begin a new box where a value differs from one in the box by more than `reach`.

        Parameters
        ----------
        reach
            At least 0.
        most
            Largest number of cuts.
        outer
            Whether values that may differ by more than `reach` do so; otherwise only those that do.

        Returns
        -------
        The cuts, or None if there are more than `most`.
        """
        least, greatest = self.values if outer else self.values[::-1]
        cuts = []
        low, high = least[0], greatest[0]
        low_at = high_at = 0
        for point, (bottom, top) in enumerate(zip(least, greatest, strict=True)):
            if top - low > reach:
                origin, start, end, sign = low_at, low, top, 1
            elif high - bottom > reach:
                origin, start, end, sign = high_at, high, bottom, -1
            else:
                if bottom < low:
                    low, low_at = bottom, point
                if top > high:
                    high, high_at = top, point
                continue
            low, high, low_at, high_at = bottom, top, point, point
            count = 1
            if point % 2:  # not a jump
                distance = abs(end - start)
                if distance > reach * (most + 2):
                    return None
                count = ceil(distance / reach) - 1
                last = start + sign * reach * count
                if sign > 0:
                    low, low_at = last, -1
                else:
                    high, high_at = last, -1
            cuts.append(Cuts(point, origin, start, sign, count))
            most -= count
            if most < 0:
                return None
        return cuts

    def _places(self, cuts: list[Cuts], reach: float) -> Array:
        """Find the first numbers where the function reaches the values of the cuts, by bisection.

        Returns
        -------
        Ascending, shape (places,).
        """
        point, value, sign, count = (
            np.array([getattr(cut, name) for cut in cuts])
            for name in ("point", "value", "sign", "places")
        )
        if not cuts:
            return np.zeros(0)
        index = np.repeat(np.arange(len(cuts)), count)
        steps = np.arange(len(index)) - np.repeat(np.cumsum(count) - count, count) + 1
        point, sign = point[index], sign[index]
        value = value[index] + sign * reach * steps
        high: Array = self.points[point]
        low = np.where(point % 2, self.points[point - 1], high)
        for _ in range(HALVINGS):
            middle = low + (high - low) / 2
            inside = (low < middle) & (middle < high)
            if not inside.any():
                break
            reached = sign * (self.pieces.function(middle) - value) >= 0
            high = np.where(inside & reached, middle, high)
            low = np.where(inside & ~reached, middle, low)
        return high

    def _build(self, places: Array) -> tuple[BoxSum, float]:
        """Build boxes that begin at these places, and prove their error."""
        edges = np.unique(np.concatenate([[-self.bound], places, [self.bound]]))
        hulls = self.pieces.hulls(BoxSum(edges, np.zeros(len(edges) - 1)))
        boxes = BoxSum(edges, exact_heights(hulls.low / 2 + hulls.high / 2))
        return boxes, self.pieces.tight_error(boxes)


def _too_complicated(why: str) -> InvalidInputError:
    return InvalidInputError.at("/widths", f"must be 'equal' for this function: {why}")
