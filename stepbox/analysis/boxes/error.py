"""Equal boxes for a function, and the error of any sum of boxes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np

from stepbox.analysis.boxes.pieces import Pieces
from stepbox.analysis.boxes.sum import BoxSum, equal_edges, exact_heights, midpoint
from stepbox.analysis.result import Array

Function = Callable[..., Array]
Point = tuple[float, ...]

# Gauss–Legendre quadrature with three nodes on (0, 1), exact for polynomials up to degree 5.
NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])
NODE_WEIGHTS = np.array([5, 8, 5]) / 18
RESOLUTION = {1: 1024, 2: 64}  # an axis has at least this many cells, counted over all boxes
LEAST_NODES = 5  # on the side of a box with one cell: both ends, and three in between
PROBES = 4096  # points of the random sample
BLOCK = 2**16  # points per block, so that temporary arrays stay in the cache


@dataclass(frozen=True)
class Deviation:
    """The deviation of a sum of boxes from its function.

    Attributes
    ----------
    max_error
        Proven upper bound of |function − sum|; infinite if none was found. Without pieces of the
        function, the sampled error.
    sampled_error
        Largest |function − sum| on a grid and on a random sample.
    mean_square_error
        Mean of (function − sum)², by Gauss–Legendre quadrature in each cell.
    slope
        With pieces of the function, `Pieces.slope`, a proven bound. Otherwise the larger of two
        measured slopes: the largest on the grid, summed over the axes, and the largest on the
        random sample.
    worst
        Coordinates of the point with the largest sampled error.
    """

    max_error: float
    sampled_error: float
    mean_square_error: float
    slope: float
    worst: Point


@dataclass(frozen=True)
class Sample:
    """Random points inside [−bound, bound) along each axis, with a fixed seed.

    Attributes
    ----------
    points
        Shape (dimensions, `PROBES`).
    values
        The function there, shape (`PROBES`,).
    """

    points: Array
    values: Array

    @classmethod
    def of(cls, function: Function, bound: float, dimensions: int = 1) -> Self:
        """Draw the points, and compute the function there."""
        points = np.random.default_rng(0).uniform(-bound, bound, (dimensions, PROBES))
        points = points[:, np.argsort(points[0])]  # the boxes of sorted points are found faster
        return cls(points, function(*points))


def cells(boxes: int, dimensions: int) -> int:
    """Count the cells into which a box's side is divided to measure the error.

    The number is odd, so that the middle of the box is a node.
    """
    return -(-RESOLUTION[dimensions] // boxes) | 1


def grid_points(boxes: int, dimensions: int) -> int:
    """Count the points where the error is measured: the grid and the random sample.

    Along each axis, the grid has three points per cell and both ends of each box.
    """
    side = boxes * (3 * cells(boxes, dimensions) + 2)
    return side + PROBES if dimensions == 1 else side * side + PROBES


def approximate(function: Function, bound: float, boxes: int, dimensions: int = 1) -> BoxSum:
    """Approximate a function by equal boxes, each as high as the function at its middle.

    Parameters
    ----------
    function
        Takes one array per coordinate. Their shapes broadcast.
    bound
        B > 0: the interval is [−B, B).
    boxes
        Number of boxes along each axis, at least 1.
    dimensions
        1 or 2.
    """
    middles = midpoint(bound, boxes, np.arange(boxes))
    heights = on_grid(function, *[middles] * dimensions)
    return BoxSum(equal_edges(bound, boxes), exact_heights(heights) if dimensions == 1 else heights)


def on_grid(function: Function, *axes: Array) -> Array:
    """Compute a function on the grid of the axes, a block of rows at a time."""
    first, *others = axes
    blocks = _blocks(len(first), int(np.prod([len(axis) for axis in others])))
    return np.concatenate([function(*np.ix_(first[block], *others)) for block in blocks])


def measure_error(
    function: Function,
    boxes: BoxSum,
    sample: Sample,
    pieces: Pieces | None = None,
    tolerance: float = 0.0,
) -> Deviation:
    """Compare a sum of boxes with its function.

    The grid contains both ends of each box. A function that oscillates in step with the grid can
    have errors between the points of the grid. A random sample finds these.

    Parameters
    ----------
    function
        Takes one array per coordinate. Their shapes broadcast.
    boxes
        The sum of boxes.
    sample
        Random points.
    pieces
        Pieces of the function on a line, to prove a bound of the largest error. Without them, the
        boxes must be equal.
    tolerance
        Work more if this may prove that the largest error is within the tolerance.

    Raises
    ------
    InvalidInputError
        Raised by `function` where it has no value.
    """
    dimensions, n = boxes.dimensions, boxes.boxes
    offsets, weights = _nodes(cells(n, dimensions))
    side = len(offsets)
    shares = np.diff(boxes.edges) / (2 * boxes.bound)

    largest, worst = _probe(boxes, sample)
    mean_square = 0.0
    slopes = np.zeros(dimensions)
    at_ends = np.zeros(n)
    others = [boxes.inside(offsets).ravel()] * (dimensions - 1)
    for block in _blocks(n, side * (n * side) ** (dimensions - 1)):
        axes = [boxes.inside(offsets, block).ravel(), *others]
        values = function(*np.ix_(*axes))
        levels = boxes.levels[block]
        for axis in range(dimensions):
            levels = levels.repeat(side, axis)
        distance = np.abs(values - levels)
        at = np.unravel_index(int(np.argmax(distance)), distance.shape)
        if distance[at] > largest:
            largest = float(distance[at])
            worst = tuple(float(axis[i]) for axis, i in zip(axes, at, strict=True))
        squares = distance**2
        for part in [block, *[slice(None)] * (dimensions - 1)]:
            # Each einsum reduces the first remaining axis.
            means = np.outer(shares[part], weights).ravel()
            squares = np.einsum("i,i...->...", means, squares)
        mean_square += float(squares)
        if pieces:
            at_ends[block] = distance.reshape(-1, side)[:, [0, -1]].max(axis=1)
        else:
            np.maximum(slopes, _slopes(values, offsets) * n / (2 * boxes.bound), out=slopes)
    return Deviation(
        pieces.largest_error(boxes, at_ends, tolerance) if pieces else largest,
        largest,
        mean_square,
        pieces.slope if pieces else max(float(slopes.sum()), _probed_slope(boxes, sample)),
        worst,
    )


@cache
def _nodes(cells: int) -> tuple[Array, Array]:
    """Return the nodes on a box's side, from 0 to 1, and their quadrature weights."""
    inner = (np.arange(cells)[:, None] + NODES) / cells
    weights = np.tile(NODE_WEIGHTS, cells) / cells
    return np.concatenate(([0], inner.ravel(), [1])), np.concatenate(([0], weights, [0]))


def _slopes(values: Array, offsets: Array) -> Array:
    """Return the largest slope on a grid of boxes along each axis; a box has the width 1."""
    slopes = []
    for axis in range(values.ndim):
        shape = values.shape
        by_box = values.reshape(*shape[:axis], -1, len(offsets), *shape[axis + 1 :])
        rises = np.abs(np.diff(np.moveaxis(by_box, axis + 1, -1)))
        slopes.append((rises / np.diff(offsets)).max())
    return np.array(slopes)


def _probe(boxes: BoxSum, sample: Sample) -> tuple[float, Point]:
    """Return the largest error on the random sample, and its point."""
    k = tuple(boxes.holding(axis) for axis in sample.points)
    distance = np.abs(sample.values - boxes.levels[k])
    at = int(np.argmax(distance))
    return float(distance[at]), tuple(sample.points[:, at].tolist())


def _probed_slope(boxes: BoxSum, sample: Sample) -> float:
    """Return the largest slope between a random point and the middle of its box, of equal boxes."""
    k = tuple(boxes.holding(axis) for axis in sample.points)
    rise = np.abs(sample.values - boxes.heights[k])
    middles = midpoint(boxes.bound, boxes.boxes, np.array(k))
    run = np.abs(sample.points - middles).max(axis=0)
    # Closer to the middle, rounding errors dominate the slope.
    far = run > 0.1 * boxes.bound / boxes.boxes
    return float(np.divide(rise, run, out=np.zeros(PROBES), where=far).max())


def _blocks(n: int, points_each: int) -> Iterator[slice]:
    size = max(1, BLOCK // points_each)
    return (slice(start, start + size) for start in range(0, n, size))
