"""A function that a user types, by boxes: the network, its error, and what the error costs."""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.boxes.error import (
    LEAST_NODES,
    Error,
    approximate,
    fewest_boxes,
    grid_points,
    inside,
    measure_error,
    on_grid,
)
from stepbox.analysis.boxes.rate import DIMENSIONS, Growth, Rate, count_growth, measure_rate
from stepbox.analysis.boxes.sum import BoxSum, edge, midpoint
from stepbox.analysis.expressions import Expression
from stepbox.errors import Fault, InvalidInputError

VARIABLES = {1: ("x",), 2: ("x", "y")}
MOST_BOXES = {1: 1_000_000, 2: 1_000}  # along each axis
MOST_WEIGHTS = 2_100_000  # of a network in an answer
NETWORK_UNASKED = 1_000  # boxes up to which the answer holds the network without being asked
MOST_RESOLUTION = {1: 2_000, 2: 200}  # points of the picture along each axis
RESOLUTION = {1: 2_000, 2: 100}  # the same where nothing is said

# Work allowed for one pass over the error's grid, and for a search, in additions of two numbers.
MOST_WORK = 1_000_000_000
MOST_SEARCH_WORK = 2_000_000_000
OWN_COST = 8  # what comparing one value costs beside computing it


@dataclass(frozen=True)
class Approximation:
    """A function and the sum of boxes that approximates it.

    Attributes
    ----------
    boxes
        The sum of boxes, with its network.
    include_network
        Whether the network is asked for.
    error, rate, growth
        How far it is from the function, how that falls, and what it costs in other dimensions.
    points
        Points that the error was measured at.
    axes
        Coordinates of the picture along each axis.
    function, approximation
        Values on the picture's grid.
    """

    boxes: BoxSum
    include_network: bool
    error: Error
    points: int
    rate: Rate
    growth: list[Growth]
    axes: list[NDArray[np.float64]]
    function: NDArray[np.float64]
    approximation: NDArray[np.float64]


def approximate_function(
    text: str,
    bound: float,
    *,
    boxes: int | None = None,
    tolerance: float | None = None,
    dimensions: int = 1,
    include_network: bool = False,
    resolution: int | None = None,
) -> Approximation:
    """Approximate a function on [−bound, bound), or on its square, by equal boxes.

    Parameters
    ----------
    text
        An expression in x, or in x and y.
    bound
        Above 0.
    boxes
        Along each axis; this or `tolerance` is given.
    tolerance
        Largest error allowed; the fewest boxes are sought.
    dimensions
        1 or 2.
    include_network
        Ask for the network above ``NETWORK_UNASKED`` boxes too.
    resolution
        Points of the picture along each axis.

    Raises
    ------
    InvalidInputError
        A value is not allowed, the function has no value somewhere, or no number of boxes keeps
        within the tolerance.
    """
    _check_one_of(boxes, tolerance)
    function = Expression(text, VARIABLES[dimensions])
    most_boxes = _most_boxes(function, dimensions)
    _check_sizes(boxes, most_boxes, resolution, dimensions)
    if boxes is None:
        assert tolerance is not None
        most_points = MOST_SEARCH_WORK // (function.cost + OWN_COST)
        boxes = fewest_boxes(function, bound, tolerance, dimensions, most_boxes, most_points)

    result = approximate(function, bound, boxes, dimensions)
    _check_network(result, include_network)
    error = measure_error(function, result)
    axes = _picture_axes(bound, boxes, dimensions, resolution or RESOLUTION[dimensions])
    return Approximation(
        boxes=result,
        include_network=include_network or boxes**dimensions <= NETWORK_UNASKED,
        error=error,
        points=grid_points(boxes, dimensions),
        rate=measure_rate(function, result, error),
        growth=[count_growth(boxes, dimension) for dimension in DIMENSIONS],
        axes=axes,
        function=on_grid(function, *axes),
        approximation=result.on_grid(*axes),
    )


def _picture_axes(
    bound: float, boxes: int, dimensions: int, resolution: int
) -> list[NDArray[np.float64]]:
    """Choose the points of the picture, the same number in each box where they suffice."""
    if dimensions == 1:
        if boxes <= resolution // 2:  # both ends of each box, so that the steps stand upright
            offsets = np.linspace(0, 1, resolution // boxes)
            return [inside(bound, boxes, np.arange(boxes), offsets).ravel()]
        return [edge(bound, resolution, np.arange(resolution))]
    points = boxes * (resolution // boxes) or resolution
    return [midpoint(bound, points, np.arange(points))] * dimensions


def _most_boxes(function: Expression, dimensions: int) -> int:
    """Bound the boxes along each axis, so that measuring their error stays short."""
    points = MOST_WORK // (function.cost + OWN_COST)
    side = points if dimensions == 1 else isqrt(points)
    return min(MOST_BOXES[dimensions], side // LEAST_NODES)


def _check_one_of(boxes: int | None, tolerance: float | None) -> None:
    if (boxes is None) == (tolerance is None):
        what = "one of 'boxes' and 'tolerance' must be given"
        detail = what if boxes is None else f"{what}, not both"
        raise InvalidInputError([Fault("/boxes", detail), Fault("/tolerance", detail)])


def _check_sizes(
    boxes: int | None, most_boxes: int, resolution: int | None, dimensions: int
) -> None:
    faults = []
    if boxes is not None and boxes > most_boxes:
        most = f"{most_boxes:,} along each axis, for this function of {dimensions} coordinate(s)"
        faults.append(Fault("/boxes", f"must be from 1 to {most}"))
    if resolution is not None and resolution > MOST_RESOLUTION[dimensions]:
        most = f"{MOST_RESOLUTION[dimensions]:,}, for {dimensions} coordinate(s)"
        faults.append(Fault("/resolution", f"must be from 2 to {most}"))
    if faults:
        raise InvalidInputError(faults)


def _check_network(boxes: BoxSum, include_network: bool) -> None:
    if include_network and boxes.weights > MOST_WEIGHTS:
        raise InvalidInputError.at(
            "/include_network",
            f"must be false for {boxes.boxes:,} boxes along each axis: the network has "
            f"{boxes.weights:,} weights, of at most {MOST_WEIGHTS:,} in an answer",
        )
