"""Minimise Σ|aᵢᵀw − bᵢ| in exact arithmetic, by steps from vertex to vertex.

At a *vertex*, the fit goes through as many points as it has weights: the *basis*. A vertex is a
minimiser if its dual s satisfies |sᵢ| ≤ 1 (`least_absolute` has the proof). If |sᵢ| > 1 for a point
of the basis, the loss falls along the edge that leaves this point and keeps the others. A step
follows this edge to its smallest loss, which is at another vertex.

If the fit goes through more points than it has weights, steps of length 0 could repeat forever. So
bᵢ becomes bᵢ + εδᵢ, with a random integer δᵢ and an infinitely small ε. Residuals are then pairs:
the value, and the coefficient of ε. Pairs compare like tuples. From a basis near a minimiser, few
steps remain if the signs of the δᵢ agree with its dual.

References
----------
I. Barrodale, F. D. K. Roberts: An improved algorithm for discrete l1 linear approximation, SIAM
Journal on Numerical Analysis 10 (1973).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop
from itertools import count
from random import Random

from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

from stepbox.analysis.regression.rational import solve, take_rows

DELTA_BITS = 62  # of each δ, so that residuals are practically never equal
Pair = tuple[fmpz, fmpz]
Slope = tuple[fmpq, fmpq]


@dataclass(frozen=True)
class Vertex:
    """A fit through the points of a basis.

    Attributes
    ----------
    basis
        Indices of the points, one for each weight.
    w
        Shape (features,).
    dual
        s with Aᵀs = 0, shape (points,). Outside the basis it is the sign of the residual; if the
        residual is 0, the sign of its coefficient of ε.
    residuals, denominator
        The residuals are these pairs divided by the denominator, shape (points,).
    optimal
        Whether no fit has a smaller loss.
    """

    basis: list[int]
    w: list[fmpq]
    dual: list[fmpq]
    residuals: list[Pair]
    denominator: fmpz
    optimal: bool

    @property
    def loss(self) -> Slope:
        """Σ|r|, and its coefficient of ε."""
        sizes = [max(pair, (-pair[0], -pair[1])) for pair in self.residuals]
        value, coefficient = (sum(column, fmpz(0)) for column in zip(*sizes, strict=True))
        return fmpq(value, self.denominator), fmpq(coefficient, self.denominator)


class Points:
    """Points (aᵢ, bᵢ), and the walk over the vertices that they define.

    Parameters
    ----------
    A
        Full column rank, shape (points, features).
    b
        Shape (points, 1).
    sides
        Shape (points,): the sign of −δᵢ, and so of the dual if the fit goes through the point. It
        may be 0 only for linearly independent points.
    """

    def __init__(self, A: fmpz_mat, b: fmpz_mat, sides: Sequence[int]) -> None:
        self._A = A
        self._transposed = A.transpose()
        rng = Random(str(A.entries()))  # so that A cannot be chosen to match the δ
        deltas = [-side * rng.getrandbits(DELTA_BITS) for side in sides]
        shifted = [n for pair in zip(b.entries(), deltas, strict=True) for n in pair]
        self._values = fmpz_mat(len(sides), 2, shifted)

    def minimise(
        self,
        basis: Sequence[int],
        goal: Sequence[fmpq] | None = None,
        most_steps: int | None = None,
    ) -> Vertex:
        """Walk from the vertex of a basis to one with the smallest loss.

        Parameters
        ----------
        basis
            Indices of points whose rows of A are linearly independent, one for each weight.
        goal
            Shape (features,). With a goal, the vertex also has the smallest goalᵀw of all fits with
            the smallest loss.
        most_steps
            If given, stop after so many steps, even if the loss can become smaller.
        """
        basis = list(basis)
        for step in count():
            A_basis = take_rows(self._A, basis)
            solution = solve(A_basis, take_rows(self._values, basis))
            w, denominator = solution.numer_denom()
            residuals = [(r, e) for r, e in (self._A * w - self._values * denominator).tolist()]
            signs = [_sign(residual) for residual in residuals]
            for i in basis:
                signs[i] = 0
            dual, goal_dual = self._dual(A_basis, signs, goal)
            # Moving the fit off point k, to the side of this sign, changes the loss and goalᵀw so.
            fall, k, side = min(
                (
                    ((1 - side * s, -side * t), k, side)
                    for k, (s, t) in enumerate(zip(dual, goal_dual, strict=True))
                    for side in (1, -1)
                ),
                default=((fmpq(0), fmpq(0)), 0, 0),  # there are no weights
            )
            optimal = _sign(fall) >= 0
            if optimal or step == most_steps:
                s = [fmpq(sign) for sign in signs]
                for i, value in zip(basis, dual, strict=True):
                    s[i] = value
                w_exact = [solution[k, 0] for k in range(len(basis))]
                return Vertex(basis, w_exact, s, residuals, denominator, optimal)
            basis[k] = self._end_of_edge(A_basis, k, side, fall, residuals, signs)
        raise AssertionError  # the loop has no end

    def _dual(
        self, A_basis: fmpz_mat, signs: list[int], goal: Sequence[fmpq] | None
    ) -> tuple[list[fmpq], list[fmpq]]:
        """Solve Aᵀs = 0 for the basis, and the same for the goal, where Aᵀt = −goal."""
        forces = self._transposed * fmpz_mat(len(signs), 1, signs)
        transposed = A_basis.transpose()
        dual = [-s for s in solve(transposed, forces).entries()]
        if goal is None:
            return dual, [fmpq(0)] * len(dual)
        right = fmpq_mat(len(dual), 1, [-value for value in goal])
        return dual, fmpq_mat(transposed).solve(right).entries()

    def _end_of_edge(
        self,
        A_basis: fmpz_mat,
        k: int,
        side: int,
        slope: Slope,
        residuals: list[Pair],
        signs: list[int],
    ) -> int:
        """Follow an edge until the loss stops falling, and return the point reached there.

        Each point that the fit passes on its way makes the loss fall less steeply.
        """
        features = A_basis.nrows()
        unit = fmpz_mat(features, 1, [side * (i == k) for i in range(features)])
        direction, denominator = solve(A_basis, unit).numer_denom()
        moves = (self._A * direction).entries()
        ahead = [
            (fmpq(-residual[0], move), fmpq(-residual[1], move), i)
            for i, (residual, move, sign) in enumerate(zip(residuals, moves, signs, strict=True))
            if sign * move < 0
        ]
        heapify(ahead)  # few points are passed, so the others need not be sorted
        loss, goal = slope
        while ahead:
            *_, i = heappop(ahead)
            loss += 2 * abs(fmpq(moves[i], denominator))
            if _sign((loss, goal)) >= 0:
                return i
        raise AssertionError("the loss falls forever: A does not have full column rank")


def _sign(pair: Pair | Slope) -> int:
    """Return the sign of a + εb for infinitely small ε: that of a, or if a is 0, that of b."""
    leading = pair[0] or pair[1]
    return (leading > 0) - (leading < 0)
