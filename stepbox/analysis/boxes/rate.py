"""The error as a function of the number of boxes, and the number of neurons by dimension."""

from decimal import Decimal
from math import log10

import numpy as np
from pydantic import Field

from stepbox.analysis.boxes.error import (
    Deviation,
    Function,
    Sample,
    approximate,
    measure_error,
)
from stepbox.analysis.boxes.free import FreeBoxes
from stepbox.analysis.boxes.pieces import Pieces
from stepbox.analysis.boxes.sum import BoxSum, exact_heights, neurons
from stepbox.analysis.boxes.trained import train_steps
from stepbox.analysis.result import Result
from stepbox.data.builtin import MNIST

TABLE = {
    1: (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256),
    2: (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64),
}
MOST_TRAINED = 256  # neurons: the training of more takes long
FITTED_FROM = 16  # the order is fitted to the rows with at least this many boxes
DIMENSIONS = (*range(1, 11), MNIST.features)


class ErrorOfBoxes(Result):
    """The error of equal boxes, for one number of boxes."""

    boxes: int = Field(description="Number n of boxes along each axis.")
    neurons: int = Field(description="Number of hidden neurons.")
    max_error: float | None = Field(description="As `max_error` of the answer, for equal boxes.")
    sampled_error: float = Field(description="Largest |function − network| at the points.")
    mean_square_error: float = Field(description="Mean of (function − network)².")
    free_error: float | None = Field(
        description="Smallest proven error of n boxes of free widths. Null unless `widths` is free."
    )
    trained_error: float | None = Field(
        description="Proven error of n step neurons that were trained to minimize the mean square "
        f"error. Null unless `widths` is free, and above {MOST_TRAINED} neurons."
    )
    bound: float | None = Field(
        description="Upper bound L·B/n of the largest error, apart from rounding. Null without L."
    )


class Rate(Result):
    """How the error of equal boxes falls with the number n of boxes along each axis."""

    slope: float | None = Field(
        description="L. In one dimension, a proven upper bound of |f′|. Null if none was found: "
        "the function has a jump or a vertical tangent, or is too complicated. In two dimensions, "
        "the sum over the axes of the largest measured slopes; with a jump or a vertical tangent, "
        "`bound` is no bound."
    )
    bound: float | None = Field(
        description="Upper bound L·B/n of the largest error, apart from rounding: along each axis, "
        "no point is further than B/n from the middle of its box. Null without L."
    )
    constant: float | None = Field(
        description="n · max_error, at most L·B apart from rounding. Null if max_error is null."
    )
    order: float | None = Field(
        description="p, if the error falls like n^(−p). It is fitted to the rows of the table with "
        f"at least {FITTED_FROM} boxes. It is near 1 for a Lipschitz function that varies little "
        "in each of these boxes, else lower: near 0 at a jump. Null if one of these errors is not "
        "known or is 0."
    )
    table: list[ErrorOfBoxes] = Field(description="The error for this and other numbers of boxes.")


class Growth(Result):
    """The number of hidden neurons for the same error in another dimension."""

    dimension: int
    boxes_per_axis: int = Field(
        description="Number n of boxes along each axis. The bound is L·B/n in any dimension, so "
        "the same n gives the same bound if L is the same."
    )
    neurons: str = Field(
        description="Number of hidden neurons, d(n + 1) + n^d (n + 1 for d = 1), in decimal. It "
        "is exact below 10^100, else rounded to four digits."
    )
    log10_neurons: float


def measure_rate(
    function: Function,
    boxes: BoxSum,
    error: Deviation,
    sample: Sample,
    pieces: Pieces | None,
    free: FreeBoxes | None = None,
) -> Rate:
    """Measure the error of equal boxes, for this and other numbers of them, and how fast it falls.

    Parameters
    ----------
    function
        The function that is approximated.
    boxes
        The sum of equal boxes that approximates it.
    error
        The error of `boxes`.
    sample
        Random points.
    pieces
        Pieces of the function on a line, None in the plane.
    free
        Boxes of free widths for the function, to compare with.
    """
    bound, dimensions = boxes.bound, boxes.dimensions
    errors = {
        n: measure_error(function, approximate(function, bound, n, dimensions), sample, pieces)
        for n in TABLE[dimensions]
        if n != boxes.boxes
    } | {boxes.boxes: error}
    slope = finite(max(measured.slope for measured in errors.values()))
    table = [
        ErrorOfBoxes(
            boxes=n,
            neurons=neurons(n, dimensions),
            max_error=finite(measured.max_error),
            sampled_error=measured.sampled_error,
            mean_square_error=measured.mean_square_error,
            free_error=free.smallest(n)[1] if free else None,
            trained_error=_trained_error(free, n) if free and n <= MOST_TRAINED else None,
            bound=None if slope is None else slope * bound / n,
        )
        for n, measured in sorted(errors.items())
    ]
    fitted = [row for row in table if row.boxes >= FITTED_FROM]
    order = None
    if all(row.max_error for row in fitted):
        falling = np.log([(row.boxes, row.max_error or 0) for row in fitted])
        order = 0.0 - float(np.polyfit(falling[:, 0], falling[:, 1], 1)[0])
    return Rate(
        slope=slope,
        bound=None if slope is None else slope * bound / boxes.boxes,
        constant=None if np.isinf(error.max_error) else error.max_error * boxes.boxes,
        order=order,
        table=table,
    )


def _trained_error(free: FreeBoxes, neurons: int) -> float:
    """Train step neurons, and prove their error."""
    edges, levels = train_steps(free.pieces.function, free.bound, neurons)
    return free.pieces.tight_error(BoxSum(edges, exact_heights(levels)))


def finite(value: float) -> float | None:
    """Return a value, or None if it is infinite."""
    return value if np.isfinite(value) else None


def count_growth(boxes: int, dimension: int) -> Growth:
    """Count the neurons that keep the same error bound in another dimension.

    The bound is L·B/n in any dimension, so it needs the same number n of boxes along each axis if L
    is the same. The total number of boxes, n^d, is what grows.
    """
    count = neurons(boxes, dimension)
    text = str(count) if count < 10**100 else f"{Decimal(count):.3e}"
    return Growth(
        dimension=dimension, boxes_per_axis=boxes, neurons=text, log10_neurons=log10(count)
    )
