"""Boxes of free widths, with a proof that fewer boxes have a larger error."""

import numpy as np
from pydantic import Field

from stepbox.analysis.boxes.free import FreeBoxes
from stepbox.analysis.boxes.sum import BoxSum
from stepbox.analysis.intervals import EPS, Interval
from stepbox.analysis.result import Array, Matrix, Result

MOST_EXCESS = 1e-9  # by which rounding may make an error exceed the tolerance, relatively
PAIRS = "No box contains both points of a pair, because their values differ by more than twice"


class Minimality(Result):
    """A proof that fewer boxes, of any widths and heights and without overlaps, do not suffice."""

    error: float = Field(
        description="The error for which it holds. With `tolerance`, the tolerance. With `boxes`, "
        "an error just below `max_error`."
    )
    at_least: int = Field(
        description="Every sum of boxes without overlaps whose error is at most `error` has at "
        "least this number of boxes: one more than there are pairs. Fewer boxes that overlap may "
        "be enough, because they can have twice as many edges."
    )
    minimal: bool = Field(
        description="With `tolerance`: `at_least` equals the number of boxes; otherwise, "
        "`explanation` says what is not known. With `boxes`: `at_least` exceeds it, so its error "
        "cannot be as small as `error`; or `max_error` is 0."
    )
    pairs: Matrix | None = Field(
        description="Points a < b whose function values differ by more than 2 · `error`, shape "
        "(at_least − 1, 2). Each b is at most the next a. A box must begin in each (a, b]. Null if "
        "there are more than 1,000 boxes, unless `include_network` is true."
    )
    pieces_bound: int = Field(
        description="A simpler lower bound of the number of boxes, 1 + Σ (⌈v / (2 · error)⌉ − 1). "
        "It adds up the monotone pieces of the function, without jumps; in each, its values differ "
        "by v."
    )
    total_variation: float = Field(
        description="Sum of all rises and falls of the function, measured. Divided by 2 · `error`, "
        "it is a lower bound only if the function is monotone."
    )
    explanation: str = Field(description="What is proven, and why the rest is not.")


def free_boxes(
    free: FreeBoxes, boxes: int | None, tolerance: float | None
) -> tuple[BoxSum, Minimality]:
    """Find boxes for either a number of boxes or a tolerance, and a proof of their minimality.

    Raises
    ------
    InvalidInputError
        There are too many boxes, or nothing is proven.
    """
    if tolerance is not None:
        return _for_tolerance(free, tolerance)
    assert boxes is not None
    result, error = free.smallest(boxes)
    return result, _minimality_of_boxes(free, boxes, error)


def _for_tolerance(free: FreeBoxes, tolerance: float) -> tuple[BoxSum, Minimality]:
    """Find the fewest boxes for a tolerance, and prove how many are needed.

    If the boxes would reach exactly the tolerance, rounding their edges and heights makes the error
    a little larger. Then they are used, and not the larger number of boxes that is below it.
    """
    pairs = free.pairs_for(tolerance)
    at_least = len(pairs) + 1
    result, _ = free.fewest(tolerance)
    why = (
        f"{PAIRS} the error. So a box begins between the points of each of the {len(pairs):,} "
        f"pairs, and at least {at_least:,} boxes are needed, unless they overlap."
    )
    if result.boxes > at_least:
        within = result.boxes
        tied, error = free.smallest(at_least)
        excess = error / tolerance - 1
        if excess <= MOST_EXCESS:
            result = tied
            why += (
                f" The error of the boxes in this answer exceeds the tolerance by a share of "
                f"{excess:.1e}, because edges and heights are rounded to float64. {within:,} boxes "
                "are below the tolerance."
            )
        else:
            why += f" It is not known whether fewer than {within:,} are enough."
    minimal = result.boxes == at_least
    return result, _minimality(free, pairs, tolerance, minimal=minimal, explanation=why)


def _minimality_of_boxes(free: FreeBoxes, boxes: int, max_error: float) -> Minimality:
    """Prove how small the error of a number of boxes can be.

    Parameters
    ----------
    free
        The greedy method for the function.
    boxes
        Number of boxes that were allowed.
    max_error
        The proven error of the boxes that were found.
    """
    pairs, error = free.pairs_against(boxes)
    if max_error == 0:
        why = "The error is 0, so it cannot be smaller."
    elif len(pairs):
        why = (
            f"{PAIRS} `error`. So with {len(pairs):,} pairs, {len(pairs):,} boxes have a larger "
            f"error. `max_error` exceeds it by a share of {max_error / error - 1:.1e}."
        )
    else:
        why = "The smallest error is between 0 and `max_error`. Rounding errors leave it open."
    minimal = max_error == 0 or len(pairs) >= boxes
    return _minimality(free, pairs, error, minimal=minimal, explanation=why)


def _minimality(
    free: FreeBoxes, pairs: Array, error: float, *, minimal: bool, explanation: str
) -> Minimality:
    low, high = (np.array(ends) for ends in free.values)
    start, stop = Interval(low[::2], high[::2]), Interval(low[1::2], high[1::2])
    rises = stop - start
    # Rounded down; only for pieces where the function is continuous.
    heights = np.maximum(np.maximum(rises.low, -rises.high), 0.0)[free.pieces.monotone]
    needed = np.ceil(heights * (1 - 4 * EPS) / (2 * error)) - 1 if error else np.zeros(1)
    return Minimality(
        error=error,
        at_least=len(pairs) + 1,
        minimal=minimal,
        pairs=pairs,
        pieces_bound=1 + int(np.maximum(needed, 0).sum()),
        total_variation=float(np.abs(np.diff((low + high) / 2)).sum()),
        explanation=explanation,
    )
