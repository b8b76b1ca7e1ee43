"""The division of an interval into the monotone and critical pieces of a function."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from stepbox.analysis.boxes.pieces import Pieces
from stepbox.analysis.boxes.sum import edge
from stepbox.analysis.enclosures import Enclosure
from stepbox.analysis.expressions import Expression
from stepbox.analysis.intervals import Interval
from stepbox.analysis.result import Array, Flags, Integers

CELLS = 256  # at first; even, so that 0, where many functions have a kink, is between two cells
NEW_CELLS = 512  # made by dividing cells, unless there are too many cells to divide
PARTS = (4, NEW_CELLS)  # fewest and most parts of a cell
# Limits of the work to find the pieces, in additions of intervals, without and with their jumps.
MOST_WORK = (2_000_000, 5_000_000)
BLOCK = 2**13  # cells per block
OWN_COST = 8  # cost of keeping a cell
# Share of the function's range by which the values in a critical piece may differ, likewise.
FLAT = (1e-10, 1e-14)
STEEPEST = 1.01  # the bound of the slopes should exceed an existing slope by less than this factor


@dataclass(frozen=True)
class _Cells:
    """Cells [low, high] of the interval, and what is proven about the function there."""

    low: Array
    high: Array
    proof: Enclosure
    jumps_apart: bool

    @property
    def direction(self) -> Integers:
        """1 where the function rises, −1 where it falls, 0 where it may do both, or jump."""
        slope, single = self.proof.slope, self.low == self.high
        rises, falls = single | (slope.low >= 0), slope.high <= 0
        unknown = ~self.finite
        if self.jumps_apart:
            unknown |= ~self.continuous
        return np.select([unknown, rises, falls], [0, 1, -1], 0)

    @property
    def finite(self) -> Flags:
        """Where the values are bounded."""
        return np.isfinite(self.proof.value.width)

    @property
    def continuous(self) -> Flags:
        """Where the slopes are bounded, or there is only one number."""
        continuous: Flags = np.isfinite(self.proof.slope.magnitude) | (self.low == self.high)
        return continuous

    @classmethod
    def of(cls, function: Expression, low: Array, high: Array, jumps_apart: bool) -> Self:
        """Enclose a function over cells, a block at a time, so that temporary arrays are small."""
        blocks = [slice(start, start + BLOCK) for start in range(0, len(low), BLOCK)]
        proofs = [function.enclose(low[block], high[block]) for block in blocks]
        proof = proofs[0] if len(proofs) == 1 else _concatenated(proofs)
        return cls(low, high, proof, jumps_apart)

    def __getitem__(self, chosen: Flags | Integers) -> "_Cells":
        proof = self.proof
        proof = Enclosure(proof.value[chosen], proof.slope[chosen], proof.rounding[chosen])
        return _Cells(self.low[chosen], self.high[chosen], proof, self.jumps_apart)


def find_pieces(function: Expression, bound: float, *, jumps_apart: bool = False) -> Pieces:
    """Divide [−bound, bound) into monotone and critical pieces.

    Cells in which the function may turn are divided, until its values there are nearly equal. If
    this takes too much work, some critical pieces stay larger. Then the bounds that they prove are
    looser, but still true.

    Parameters
    ----------
    function
        A function of x.
    bound
        B > 0: the interval is [−B, B).
    jumps_apart
        Find the jumps, too, so that the function is continuous in each monotone piece. Critical
        pieces become as flat as rounding allows.
    """
    ends = edge(bound, CELLS, np.arange(CELLS + 1))
    ends[-1] = np.nextafter(bound, -np.inf)
    low, high = ends[:-1], ends[1:]
    work = MOST_WORK[jumps_apart] // (function.cost + OWN_COST)
    leaves: list[_Cells] = []
    jumps: list[_Cells] = []
    flat = 0.0
    while len(low):
        cells = _Cells.of(function, low, high, jumps_apart)
        value = cells.proof.value
        if not leaves and cells.finite.any():
            flat = FLAT[jumps_apart] * float(np.ptp(value.low[cells.finite]))
        work -= len(low)
        adjacent = np.nextafter(low, np.inf) >= high
        rounding = np.where(cells.continuous, 4 * cells.proof.rounding, 0.0)
        settled = (
            (cells.direction != 0)
            | (value.width <= np.maximum(flat, rounding))
            | (adjacent & ~cells.finite)
        )
        leaf = settled | (np.count_nonzero(~settled) * PARTS[0] > work)
        leaves.append(cells[leaf])
        # The function jumps between adjacent numbers. Each of them becomes a cell.
        jumps.append(cells[~leaf & adjacent])
        points = np.concatenate([jumps[-1].low, jumps[-1].high])
        low, high = _divide(low[~leaf & ~adjacent], high[~leaf & ~adjacent])
        low, high = np.concatenate([low, points]), np.concatenate([high, points])
    slope = _steepest(function, _joined(leaves + jumps), work)
    return _merged(function, _joined(leaves), slope)


def _divide(low: Array, high: Array) -> tuple[Array, Array]:
    """Divide cells into equal parts."""
    if not len(low):
        return low, high
    parts = int(np.clip(NEW_CELLS // len(low), *PARTS))
    ends = low[:, None] + (high - low)[:, None] * (np.arange(parts + 1) / parts)
    ends[:, -1] = high
    low, high = ends[:, :-1].ravel(), ends[:, 1:].ravel()
    return low[low < high], high[low < high]


def _joined(cells: list[_Cells]) -> _Cells:
    """Sort cells into one sequence."""
    low = np.concatenate([part.low for part in cells])
    high = np.concatenate([part.high for part in cells])
    proof = _concatenated([part.proof for part in cells])
    return _Cells(low, high, proof, cells[0].jumps_apart)[np.lexsort([high, low])]


def _concatenated(proofs: list[Enclosure]) -> Enclosure:
    value, slope = (
        Interval(
            np.concatenate([interval.low for interval in intervals]),
            np.concatenate([interval.high for interval in intervals]),
        )
        for intervals in ([proof.value for proof in proofs], [proof.slope for proof in proofs])
    )
    return Enclosure(value, slope, np.concatenate([proof.rounding for proof in proofs]))


def _steepest(function: Expression, cells: _Cells, work: int) -> float:
    """Bound the slopes. Divide up to `work` of the steepest cells if their bounds are not tight."""
    cells = cells[cells.low < cells.high]
    steepest = 0.0
    while True:
        slope = cells.proof.slope
        attained = np.maximum(np.maximum(slope.low, -slope.high), 0.0).max(initial=steepest)
        loose = slope.magnitude / STEEPEST > attained
        steepest = float(slope.magnitude[~loose].max(initial=steepest))
        low, high = _divide(cells.low[loose], cells.high[loose])
        work -= len(low)
        if not len(low) or work < 0 or np.isinf(slope.magnitude).any():
            return float(slope.magnitude.max(initial=steepest))
        cells = _Cells.of(function, low, high, cells.jumps_apart)


def _merged(function: Expression, cells: _Cells, slope: float) -> Pieces:
    """Merge neighbouring cells in which the function rises, and those in which it falls."""
    low, high, direction = cells.low, cells.high, cells.direction
    # A constant continues in the direction before it.
    bounds = cells.proof.slope
    constant = (bounds.low == 0) & (bounds.high == 0) & (direction != 0)
    last = np.maximum.accumulate(np.where(constant, 0, np.arange(len(low))))
    direction = np.where(constant & (direction[last] != 0), direction[last], direction)
    begins = (direction == 0) | (np.diff(direction, prepend=0) != 0)
    begins[1:] |= low[1:] != high[:-1]
    begins[0] = True
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(low)) - 1

    start, stop, monotone = low[first], high[last], direction[first] != 0
    rounding = np.maximum.reduceat(cells.proof.rounding, first)
    # The ends of the monotone pieces are intervals of one number.
    ends = np.concatenate([start[monotone], stop[monotone]])
    at_ends = function.enclose(ends, ends).value
    inside = cells.proof.value[first[~monotone]]
    left = np.concatenate([ends, start[~monotone]])
    right = np.concatenate([ends, stop[~monotone]])
    order = np.lexsort([right, left])
    values = Interval(
        np.concatenate([at_ends.low, inside.low])[order],
        np.concatenate([at_ends.high, inside.high])[order],
    )
    return Pieces(
        function,
        start,
        stop,
        monotone,
        np.where(monotone, rounding, 0.0),
        left[order],
        right[order],
        values,
        slope,
    )
