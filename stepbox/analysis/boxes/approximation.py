"""Approximation of a function by boxes: the network, its error, and how many neurons it needs."""

from dataclasses import replace
from math import inf, isqrt

import numpy as np

from stepbox.analysis.boxes.answer import (
    NETWORK_UNASKED,
    BoxApproximationAnswer,
    Curve,
    Grid,
    Widths,
)
from stepbox.analysis.boxes.box import StepNetwork
from stepbox.analysis.boxes.division import find_pieces
from stepbox.analysis.boxes.error import (
    LEAST_NODES,
    Deviation,
    Sample,
    approximate,
    grid_points,
    measure_error,
    on_grid,
)
from stepbox.analysis.boxes.fewest import fewest_boxes
from stepbox.analysis.boxes.free import MOST_FREE_BOXES, FreeBoxes
from stepbox.analysis.boxes.minimality import Minimality, free_boxes
from stepbox.analysis.boxes.pieces import Pieces
from stepbox.analysis.boxes.rate import DIMENSIONS, Rate, count_growth, finite, measure_rate
from stepbox.analysis.boxes.sum import BoxSum, PlaneNetwork, edge, midpoint
from stepbox.analysis.expressions import Expression
from stepbox.analysis.result import Array
from stepbox.errors import Fault, InvalidInputError

VARIABLES = {1: ("x",), 2: ("x", "y")}
MOST_BOXES = {1: 1_000_000, 2: 1_000}  # along each axis
MOST_WEIGHTS = 2_100_000  # of a network in an answer
MOST_RESOLUTION = {1: 2_000, 2: 200}  # points of the plot along each axis
RESOLUTION = {1: 2_000, 2: 100}  # the default

# Limits of the work for one measurement of the error and for a search. The unit is one addition.
MOST_WORK = 1_000_000_000
MOST_SEARCH_WORK = 2_000_000_000
OWN_COST = 8  # cost of comparing one value with the network's output

SHARED = (
    " Two neighbouring boxes share an edge, so one neuron steps there for both of them. Its output "
    "weight is the difference of their heights. So n boxes need n + 1 hidden neurons instead of 2n."
)
LINE = {
    "equal": "Each piece has a box as high as the function at the middle of the piece." + SHARED,
    "free": "From the left, each box extends as far as the error allows. Its height is halfway "
    "between the least and the greatest value of the function in it." + SHARED,
}
PLANE = {  # by the number of hidden layers
    2: "The first hidden layer has a neuron for each of the n + 1 edges along x and along y. "
    "Each neuron of the second layer is 1 only inside one box. One hidden layer cannot do this: "
    "each of its neurons jumps by the same amount along a whole line, but the difference between "
    "two columns of boxes varies from row to row.",
    1: "The difference between two columns of boxes is the same in every row: the heights "
    "are aᵢ + bⱼ. So one hidden layer is enough: each of its neurons jumps by the same amount "
    "along a whole line. Outside the square, the network's output is not 0.",
}
MEASURED = (
    "In two dimensions, the largest error is measured, not proven: it may be larger elsewhere."
)


def approximate_function(
    text: str,
    bound: float,
    *,
    boxes: int | None = None,
    tolerance: float | None = None,
    dimensions: int = 1,
    widths: Widths = "equal",
    include_network: bool = False,
    resolution: int | None = None,
) -> BoxApproximationAnswer:
    """Approximate a function on [−bound, bound), or on the square over it, by boxes.

    Parameters
    ----------
    text
        An expression in x, or in x and y.
    bound
        B > 0: the interval is [−B, B).
    boxes
        Number of boxes along each axis, or of free widths the most boxes. Give either this or
        `tolerance`.
    tolerance
        Largest error allowed, above 0. The fewest boxes that keep to it are used.
    dimensions
        1 or 2.
    widths
        "equal", or on a line "free": the widths and heights with the smallest error.
    include_network
        Include the network even if there are more than ``NETWORK_UNASKED`` boxes.
    resolution
        Largest number of points of the plot along each axis; by default `RESOLUTION`.

    Raises
    ------
    InvalidInputError
        A value is not allowed, the function has no value somewhere, or the search finds no number
        of boxes within the tolerance.
    """
    _check_one_of(boxes, tolerance)
    function = Expression(text, VARIABLES[dimensions])
    most_boxes = _most_boxes(function, dimensions, widths)
    _check_sizes(boxes, most_boxes, resolution, dimensions, widths)
    sample = Sample.of(function, bound, dimensions)
    pieces = minimality = None
    if dimensions == 1:
        pieces = find_pieces(function, bound, jumps_apart=widths == "free")
    if widths == "free":
        assert pieces is not None
        result, error, rate, minimality = _free_boxes(pieces, bound, boxes, tolerance, sample)
    else:
        if boxes is None:
            assert tolerance is not None
            most_points = MOST_SEARCH_WORK // (function.cost + OWN_COST)
            result, measured = fewest_boxes(
                function, bound, tolerance, dimensions, most_boxes, most_points, sample, pieces
            )
        else:
            result, measured = approximate(function, bound, boxes, dimensions), None
        _check_network(result, include_network)
        error = measured or measure_error(function, result, sample, pieces)
        rate = measure_rate(function, result, error, sample, pieces)
    boxes = result.boxes
    include_network |= boxes**dimensions <= NETWORK_UNASKED
    if minimality and not include_network:
        minimality = minimality.model_copy(update={"pairs": None})
    axes = _plot_axes(result, resolution or RESOLUTION[dimensions])
    plot = {
        **dict(zip(VARIABLES[dimensions], axes, strict=True)),
        "function": on_grid(function, *axes),
        "approximation": result.on_grid(*axes),
    }
    network_type = StepNetwork if dimensions == 1 else PlaneNetwork
    return BoxApproximationAnswer(
        function=text,
        bound=bound,
        dimensions=dimensions,
        widths=widths,
        boxes=boxes,
        network=network_type.of(result.network) if include_network else None,
        hidden_layers=result.hidden_layers,
        neurons=result.neurons,
        neurons_two_per_box=result.neurons_two_per_box,
        neurons_saved=result.neurons_two_per_box - result.neurons,
        construction=LINE[widths] if dimensions == 1 else PLANE[result.hidden_layers],
        max_error=finite(error.max_error),
        max_error_proven=dimensions == 1 and error.max_error < inf,
        max_error_explanation=pieces.explanation if pieces else MEASURED,
        sampled_error=error.sampled_error,
        mean_square_error=error.mean_square_error,
        error_points=grid_points(boxes, dimensions),
        curve=Curve(**plot) if dimensions == 1 else None,
        grid=Grid(**plot) if dimensions == 2 else None,
        rate=rate,
        minimality=minimality,
        growth=[count_growth(boxes, dimension) for dimension in DIMENSIONS],
    )


def _free_boxes(
    pieces: Pieces, bound: float, boxes: int | None, tolerance: float | None, sample: Sample
) -> tuple[BoxSum, Deviation, Rate, Minimality]:
    """Approximate by boxes of free widths, and compare them with the same number of equal boxes."""
    function, free = pieces.function, FreeBoxes(pieces, bound)
    result, minimality = free_boxes(free, boxes, tolerance)
    error = measure_error(function, result, sample, pieces)
    error = replace(error, max_error=min(error.max_error, pieces.tight_error(result)))
    equal = approximate(function, bound, result.boxes)
    equal_error = measure_error(function, equal, sample, pieces)
    rate = measure_rate(function, equal, equal_error, sample, pieces, free)
    return result, error, rate, minimality


def _plot_axes(boxes: BoxSum, resolution: int) -> list[Array]:
    """Choose the points of the plot: the same number in each box, if there are enough."""
    bound, n = boxes.bound, boxes.boxes
    if boxes.dimensions == 1:
        if n <= resolution // 2:  # both ends of each box, so that steps are drawn vertical
            return [boxes.inside(np.linspace(0, 1, resolution // n)).ravel()]
        return [edge(bound, resolution, np.arange(resolution))]
    points = n * (resolution // n) or resolution
    return [midpoint(bound, points, np.arange(points))] * 2


def _most_boxes(function: Expression, dimensions: int, widths: Widths) -> int:
    """Return the most boxes along each axis whose error can be measured in the allowed time."""
    if widths == "free":
        return MOST_FREE_BOXES
    points = MOST_WORK // (function.cost + OWN_COST)
    side = points if dimensions == 1 else isqrt(points)
    return min(MOST_BOXES[dimensions], side // LEAST_NODES)


def _check_one_of(boxes: int | None, tolerance: float | None) -> None:
    if (boxes is None) == (tolerance is None):
        what = "give either 'boxes' or 'tolerance'"
        detail = what if boxes is None else f"{what}, not both"
        raise InvalidInputError([Fault("/boxes", detail), Fault("/tolerance", detail)])


def _check_sizes(
    boxes: int | None, most_boxes: int, resolution: int | None, dimensions: int, widths: Widths
) -> None:
    faults = []
    if widths == "free" and dimensions == 2:
        faults.append(Fault("/widths", "must be 'equal' in two dimensions"))
    if boxes is not None and boxes > most_boxes:
        most = f"{most_boxes:,} along each axis for this function in {dimensions} dimension(s)"
        if widths == "free":
            most = f"{most_boxes:,} of free widths"
        faults.append(Fault("/boxes", f"must be from 1 to {most}"))
    if resolution is not None and resolution > MOST_RESOLUTION[dimensions]:
        most = f"{MOST_RESOLUTION[dimensions]:,} in {dimensions} dimension(s)"
        faults.append(Fault("/resolution", f"must be from 2 to {most}"))
    if faults:
        raise InvalidInputError(faults)


def _check_network(boxes: BoxSum, include_network: bool) -> None:
    if include_network and boxes.weights > MOST_WEIGHTS:
        raise InvalidInputError.at(
            "/include_network",
            f"must be false for {boxes.boxes:,} boxes along each axis: the network has "
            f"{boxes.weights:,} weights, but an answer has at most {MOST_WEIGHTS:,}",
        )
