"""How far a sum of boxes is from its function, and how few boxes are near enough."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.boxes.sum import BoxSum, box_holding, edge, midpoint
from stepbox.errors import InvalidInputError

Array = NDArray[np.float64]
Function = Callable[..., Array]

# Gauss and Legendre's three nodes on (0, 1): exact for polynomials up to degree 5.
NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])
NODE_WEIGHTS = np.array([5, 8, 5]) / 18
RESOLUTION = {1: 1024, 2: 64}  # least cells along an axis, over all boxes
LEAST_NODES = 5  # along a box's side: its two ends, and three in its one cell
PROBES = 4096
BLOCK = 2**16  # points computed at once, so that temporaries stay in the cache
MEASURING_COST = 20_000  # points that could be computed while one measurement gets going


@dataclass(frozen=True)
class Error:
    """How far a sum of boxes is from its function, at the points of a grid and of a sample.

    Attributes
    ----------
    largest
        Largest distance.
    mean_square
        Mean of the squared distance, by Gauss and Legendre's rule in each cell.
    slope
        Largest slope of the function, summed over the axes.
    worst
        Coordinates of the point of the largest distance.
    """

    largest: float
    mean_square: float
    slope: float
    worst: tuple[float, ...]


def cells(boxes: int, dimensions: int) -> int:
    """Count the cells that a box's side is cut into to measure the error.

    The number is odd, so that the middle of the box is a node.
    """
    return -(-RESOLUTION[dimensions] // boxes) | 1


def grid_points(boxes: int, dimensions: int) -> int:
    """Count the points that the error is measured at: three a cell and a box's ends; the sample."""
    side = boxes * (3 * cells(boxes, dimensions) + 2)
    return side + PROBES if dimensions == 1 else side * side + PROBES


def approximate(function: Function, bound: float, boxes: int, dimensions: int = 1) -> BoxSum:
    """Put a box as high as the function at its middle on each piece of [−bound, bound).

    Parameters
    ----------
    function
        Takes one array for each coordinate, whose shapes broadcast.
    bound
        Above 0.
    boxes
        Along each axis, at least 1.
    dimensions
        1 or 2.
    """
    middles = midpoint(bound, boxes, np.arange(boxes))
    return BoxSum(bound, on_grid(function, *[middles] * dimensions))


def on_grid(function: Function, *axes: Array) -> Array:
    """Compute a function on the grid of the axes, a few rows at a time."""
    rows = max(1, BLOCK // int(np.prod([len(axis) for axis in axes[1:]])))
    first = axes[0]
    return np.concatenate(
        [
            function(*np.ix_(first[start : start + rows], *axes[1:]))
            for start in range(0, len(first), rows)
        ]
    )


def measure_error(function: Function, boxes: BoxSum) -> Error:
    """Compare a sum of boxes with its function.

    The grid holds both ends of every box, so that the largest distance is exact where the
    function rises or falls throughout each box, and nodes that are not equally spaced. A seeded
    random sample finds what even these miss: a function that repeats itself from box to box.

    Raises
    ------
    InvalidInputError
        From `function`, where it has no value.
    """
    dimensions, n, bound = boxes.dimensions, boxes.boxes, boxes.bound
    offsets, weights = _nodes(cells(n, dimensions))
    side = len(offsets)
    width = 2 * bound / n

    largest, worst, sampled_slope = _probe(function, boxes)
    mean_square = 0.0
    slopes = np.zeros(dimensions)
    whole = inside(bound, n, np.arange(n), offsets)
    for start, stop in _blocks(n, side * (n * side) ** (dimensions - 1)):
        axes = [whole[start:stop].ravel(), *[whole.ravel()] * (dimensions - 1)]
        values = function(*np.ix_(*axes))
        levels = boxes.levels[start:stop]
        for axis in range(dimensions):
            levels = levels.repeat(side, axis)
            by_box = values.reshape(*values.shape[:axis], -1, side, *values.shape[axis + 1 :])
            rises = np.abs(np.diff(np.moveaxis(by_box, axis + 1, -1))) / np.diff(offsets)
            slopes[axis] = max(slopes[axis], rises.max() / width)
        distance = np.abs(values - levels)
        at = np.unravel_index(int(np.argmax(distance)), distance.shape)
        if distance[at] > largest:
            largest = float(distance[at])
            worst = tuple(float(axis[i]) for axis, i in zip(axes, at, strict=True))
        squares = distance**2
        for axis_points in axes:  # each sum takes the first axis that is left away
            means = np.tile(weights / n, len(axis_points) // side)
            squares = np.einsum("i,i...->...", means, squares)
        mean_square += float(squares)
    return Error(largest, mean_square, max(float(slopes.sum()), sampled_slope), worst)


def fewest_boxes(
    function: Function,
    bound: float,
    tolerance: float,
    dimensions: int,
    most_boxes: int,
    most_points: int,
) -> int:
    """Find the fewest boxes along each axis whose measured error is within a tolerance.

    The error does not fall with every box that is added: two boxes make a step at 0 exactly,
    three do not. So no number is skipped. A point at which some number of boxes failed is
    remembered, and all numbers whose own box around that point fails there or at one of its ends
    fall at once. Those that no point refutes are measured as a whole, from the smallest on.

    Parameters
    ----------
    tolerance
        Above 0.
    most_boxes
        Where to give up.
    most_points
        After how many computed values of the function to give up.

    Raises
    ------
    InvalidInputError
        No such number of boxes was found.
    """
    hard: list[tuple[float, ...]] = []
    for start, stop in _doubling(most_boxes):
        left = np.arange(start, stop)
        for point in hard:
            most_points -= len(left) * (2**dimensions + 1)
            left = left[box_error(function, bound, left, point) <= tolerance]
        while len(left):
            boxes = approximate(function, bound, int(left[0]), dimensions)
            most_points -= grid_points(boxes.boxes, dimensions) + MEASURING_COST
            if most_points < 0:
                raise _not_reached("takes longer to reach than is allowed")
            error = measure_error(function, boxes)
            if error.largest <= tolerance:
                return boxes.boxes
            hard.append(_nearest_fault(function, boxes, error.worst, tolerance))
            left = left[1:]
            most_points -= len(left) * (2**dimensions + 1)
            left = left[box_error(function, bound, left, hard[-1]) <= tolerance]
    raise _not_reached(f"is not reached by up to {most_boxes:,} boxes along an axis")


def box_error(
    function: Function, bound: float, boxes: NDArray[np.int64], point: tuple[float, ...]
) -> Array:
    """Measure, for many numbers of boxes, the error at the ends of the box that holds a point.

    Parameters
    ----------
    boxes
        Numbers of boxes, shape (numbers,).
    point
        Coordinates inside [−bound, bound).

    Returns
    -------
    Shape (numbers,): the largest distance at the point and at the ends (corners in the plane) of
    its box.
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


def _nodes(cells: int) -> tuple[Array, Array]:
    """Give the points of a box's side, from 0 to 1, and the weights of their values in a mean."""
    inner = (np.arange(cells)[:, None] + NODES) / cells
    weights = np.tile(NODE_WEIGHTS, cells) / cells
    return np.concatenate(([0], inner.ravel(), [1])), np.concatenate(([0], weights, [0]))


def inside(bound: float, boxes: int, k: NDArray[np.int64], offsets: Array) -> Array:
    """Give points of the boxes k, shape (len(k), offsets).

    The offset 1 stands for the largest number before the right edge, which is the next box's.
    """
    points = edge(bound, boxes, k)[:, None] + offsets * (2 * bound / boxes)
    before_right = np.nextafter(edge(bound, boxes, k + 1), -np.inf)
    return np.minimum(points, before_right[:, None], out=points)


def _probe(function: Function, boxes: BoxSum) -> tuple[float, tuple[float, ...], float]:
    """Find the largest error of a seeded random sample, its place, and the largest slope there."""
    bound, n = boxes.bound, boxes.boxes
    sample = np.random.default_rng(0).uniform(-bound, bound, (boxes.dimensions, PROBES))
    k = tuple(box_holding(bound, n, sample))
    values = function(*sample)
    distance = np.abs(values - boxes.levels[k])
    rise = np.abs(values - boxes.heights[k])
    run = np.abs(sample - midpoint(bound, n, np.array(k))).max(axis=0)
    far = run > 0.1 * bound / n  # nearer to the middle, rounding would pass for a slope
    slope = np.divide(rise, run, out=np.zeros(PROBES), where=far).max()
    at = int(np.argmax(distance))
    return float(distance[at]), tuple(sample[:, at].tolist()), float(slope)


def _nearest_fault(
    function: Function, boxes: BoxSum, point: tuple[float, ...], tolerance: float
) -> tuple[float, ...]:
    """Walk from a point that fails towards the middle of its box, up to the last that fails.

    Where the function jumps that point lies at the jump, and so also in the box around the jump
    of any other number of boxes.
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


def _blocks(n: int, points_each: int) -> Iterator[tuple[int, int]]:
    size = max(1, BLOCK // points_each)
    return ((start, min(start + size, n)) for start in range(0, n, size))


def _doubling(last: int) -> Iterator[tuple[int, int]]:
    """Cut 1 … last into runs that double in length, up to a block."""
    start = 1
    while start <= last:
        stop = min(start + min(start, BLOCK), last + 1)
        yield start, stop
        start = stop


def _not_reached(why: str) -> InvalidInputError:
    return InvalidInputError.at("/tolerance", f"{why}; take a larger one, or give 'boxes'")
