"""The fewest equal boxes whose error is within a tolerance."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from stepbox.analysis.boxes.error import (
    BLOCK,
    Deviation,
    Function,
    Point,
    Sample,
    approximate,
    grid_points,
    measure_error,
)
from stepbox.analysis.boxes.pieces import Pieces
from stepbox.analysis.boxes.sum import BoxSum, box_holding, edge, midpoint
from stepbox.analysis.result import Array, Integers
from stepbox.errors import InvalidInputError

MEASURING_COST = 20_000  # fixed cost of a measurement, in function values


def fewest_boxes(
    function: Function,
    bound: float,
    tolerance: float,
    dimensions: int,
    most_boxes: int,
    most_points: int,
    sample: Sample,
    pieces: Pieces | None,
) -> tuple[BoxSum, Deviation]:
    """Find the fewest equal boxes along each axis whose largest error is within a tolerance.

    On a line this is proven. In the plane it is measured.

    More boxes do not always have a smaller error: two boxes represent a step at 0 exactly, but
    three do not. So every number of boxes is tested, the smallest first. Measuring the error in
    full is slow. Each failed measurement yields a point where the error is too large. A larger
    number of boxes needs no measurement if its error is too large at one of these points, or at an
    end of the box around it.

    Parameters
    ----------
    tolerance
        Largest error allowed, above 0.
    most_boxes
        Largest number of boxes to try.
    most_points
        Largest number of function values to compute.
    sample
        Random points.
    pieces
        Pieces of the function on a line, None in the plane.

    Returns
    -------
    The boxes, and their error.

    Raises
    ------
    InvalidInputError
        No number of boxes was found within these limits.
    """
    if pieces and pieces.unbounded_at is not None:
        raise InvalidInputError.at("/tolerance", pieces.explanation)
    failing: list[Point] = []
    for candidates in _doubling(most_boxes):
        for point in failing:
            most_points -= len(candidates) * (2**dimensions + 1)
            candidates = candidates[box_error(function, bound, candidates, point) <= tolerance]
        while len(candidates):
            boxes = approximate(function, bound, int(candidates[0]), dimensions)
            most_points -= grid_points(boxes.boxes, dimensions) + MEASURING_COST
            if most_points < 0:
                raise _not_reached("takes too long to reach")
            error = measure_error(function, boxes, sample, pieces, tolerance)
            if error.max_error <= tolerance:
                return boxes, error
            candidates = candidates[1:]
            if error.sampled_error <= tolerance:
                continue  # no more than rounding separates the bound from the tolerance
            failing.append(_nearest_fault(function, boxes, error.worst, tolerance))
            most_points -= len(candidates) * (2**dimensions + 1)
            candidates = candidates[
                box_error(function, bound, candidates, failing[-1]) <= tolerance
            ]
    raise _not_reached(f"is not reached by up to {most_boxes:,} boxes along an axis")


def box_error(function: Function, bound: float, boxes: Integers, point: Point) -> Array:
    """Measure the error in the box around a point, for each of several numbers of boxes.

    Parameters
    ----------
    boxes
        Numbers of boxes along each axis, shape (numbers,).
    point
        Coordinates inside [−bound, bound).

    Returns
    -------
    Shape (numbers,): the largest error at the point and at the ends (in the plane, the corners)
    of its box.
    """
    middles, ends = [], []
    for coordinate in point:
        k = box_holding(bound, boxes, coordinate)
        middles.append(midpoint(bound, boxes, k))
        ends.append((edge(bound, boxes, k), np.nextafter(edge(bound, boxes, k + 1), -np.inf)))
    height = function(*middles)
    error = np.abs(function(*np.array(point)) - height)
    for corner in product(*ends):
        np.maximum(error, np.abs(function(*corner) - height), out=error)
    return error


def _nearest_fault(function: Function, boxes: BoxSum, point: Point, tolerance: float) -> Point:
    """Bisect between `point` and the middle of its box, to find where the error gets too large.

    At `point`, the error is too large. If the function jumps in between, the result is next to the
    jump, where most other numbers of boxes fail too.
    """
    far = np.array(point)
    middle = near = midpoint(boxes.bound, boxes.boxes, box_holding(boxes.bound, boxes.boxes, far))
    height = function(*middle)
    for _ in range(60):
        half = (near + far) / 2
        if np.abs(function(*half) - height) > tolerance:
            far = half
        else:
            near = half
    return tuple(far.tolist())


def _doubling(last: int) -> Iterator[Integers]:
    """Divide 1 … last into ranges that double in length, up to `BLOCK`."""
    start = 1
    while start <= last:
        stop = min(start + min(start, BLOCK), last + 1)
        yield np.arange(start, stop)
        start = stop


def _not_reached(why: str) -> InvalidInputError:
    return InvalidInputError.at(
        "/tolerance", f"{why}; use a larger tolerance, or give 'boxes' instead"
    )
