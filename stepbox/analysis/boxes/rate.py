"""How the error of boxes falls with their number, and how their number grows with the dimension."""

from dataclasses import dataclass
from decimal import Decimal
from math import log10

import numpy as np

from stepbox.analysis.boxes.error import Error, Function, approximate, measure_error
from stepbox.analysis.boxes.sum import BoxSum, neurons

TABLE = {
    1: (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256),
    2: (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
}
FITTED_FROM = 16  # boxes from which the rate is fitted: fewer do not resolve the function
DIMENSIONS = (*range(1, 11), 784)


@dataclass(frozen=True)
class Measurement:
    """The error of some number of boxes along each axis; `bound` is that of `Rate`."""

    boxes: int
    neurons: int
    max_error: float
    mean_square_error: float
    bound: float


@dataclass(frozen=True)
class Rate:
    """How the error falls with the boxes n along each axis.

    Attributes
    ----------
    slope
        L, the largest slope that was measured, summed over the axes.
    bound
        L·B/n: no point is further than B/n from its box's middle, along each axis.
    constant
        n times the measured error; at most L·B.
    order
        p of error ~ n^(−p), fitted to the table; None where fewer than two errors are above 0.
    table
        The error of other numbers of boxes.
    """

    slope: float
    bound: float
    constant: float
    order: float | None
    table: list[Measurement]


@dataclass(frozen=True)
class Growth:
    """Hidden neurons in some dimension, `boxes_per_axis` as here.

    Attributes
    ----------
    neurons
        In decimal: exact, from 10^100 on rounded to four digits.
    log10_neurons
        Its logarithm.
    """

    dimension: int
    boxes_per_axis: int
    neurons: str
    log10_neurons: float


def measure_rate(function: Function, boxes: BoxSum, error: Error) -> Rate:
    """Measure the error of other numbers of boxes, and how it falls.

    Parameters
    ----------
    function
        What is approximated.
    boxes
        Its sum of boxes.
    error
        The error of that, already measured.
    """
    errors = {
        n: measure_error(function, approximate(function, boxes.bound, n, boxes.dimensions))
        for n in TABLE[boxes.dimensions]
    } | {boxes.boxes: error}
    slope = max(measured.slope for measured in errors.values())
    table = [
        Measurement(
            boxes=n,
            neurons=neurons(n, boxes.dimensions),
            max_error=measured.largest,
            mean_square_error=measured.mean_square,
            bound=slope * boxes.bound / n,
        )
        for n, measured in sorted(errors.items())
    ]
    points = [(row.boxes, row.max_error) for row in table if row.boxes >= FITTED_FROM]
    falling = np.log([point for point in points if point[1] > 0])
    order = None
    if len(falling) > 1:
        order = 0.0 - float(np.polyfit(falling[:, 0], falling[:, 1], 1)[0])
    return Rate(slope, slope * boxes.bound / boxes.boxes, error.largest * boxes.boxes, order, table)


def count_growth(boxes: int, dimension: int) -> Growth:
    """Count the neurons that keep an error in another dimension.

    If the slopes along all axes add up to the same L, the bound L·B/n asks for the same n along
    each axis, whatever the dimension; their product is what grows.
    """
    count = neurons(boxes, dimension)
    text = str(count) if count < 10**100 else f"{Decimal(count):.3e}"
    return Growth(dimension, boxes, text, log10(count))
