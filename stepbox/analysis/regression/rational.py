"""Matrices of whole numbers and fractions, without rounding (FLINT), and their conversions."""

from collections.abc import Iterable, Sequence
from itertools import count
from math import inf
from typing import cast

import numpy as np
from flint import fmpq, fmpq_mat, fmpz, fmpz_mat, nmod_mat

from stepbox.analysis.result import Array

PRIME = 2**63 - 25  # the largest that fits into 63 bits


def independent_rows(matrix: fmpz_mat, rank: int) -> list[int]:
    """Find as many linearly independent rows as the rank of the matrix, the first ones preferably.

    Rows that are independent modulo a prime are independent. There are fewer only if the prime
    divides all subdeterminants of this size. Then the next prime is tried.
    """
    for prime in count(PRIME, -2):
        if fmpz(prime).is_prime():
            reduced, found = nmod_mat(matrix.transpose(), prime).rref()
            if found == rank:
                break
    rows = reduced.tolist()[:rank]
    return [next(i for i, value in enumerate(row) if value) for row in rows]


def rounded_columns(matrix: fmpz_mat) -> tuple[Array, list[int]]:
    """Divide each column by a power of two, so that its largest magnitude is from 1/2 to 1.

    Returns
    -------
    The columns, rounded, and the exponents of the powers.
    """
    columns = [[int(value) for value in row] for row in matrix.transpose().tolist()]
    exponents = [max(map(abs, column)).bit_length() for column in columns]
    rounded = [
        [value / divisor for value in column]
        for column, divisor in zip(columns, (1 << e for e in exponents), strict=True)
    ]
    return np.array(rounded).reshape(len(columns), matrix.nrows()).T, exponents


def whole_numbers(values: Array) -> tuple[fmpz_mat, list[fmpq]]:
    """Write each column as whole numbers times a power of two.

    Parameters
    ----------
    values
        Finite, shape (rows, columns).

    Returns
    -------
    numbers
        Shape (rows, columns).
    scales
        The powers of two, shape (columns,): values[:, j] = numbers[:, j] · scales[j].
    """
    mantissas, exponents = np.frexp(values)
    numbers = (mantissas * 2.0**53).astype(np.int64)
    zeros = np.frexp(np.maximum(numbers & -numbers, 1).astype(np.float64))[1] - 1  # at the end
    exponents = exponents - 53 + zeros
    smallest = np.where(numbers, exponents, np.iinfo(np.int32).max).min(axis=0)
    smallest[~numbers.any(axis=0)] = 0
    shifts = np.where(numbers, exponents - smallest, 0)
    whole = (numbers >> zeros).astype(object) << shifts.astype(object)
    rows, columns = values.shape
    matrix = fmpz_mat(rows, columns, whole.ravel().tolist())
    return matrix, [fmpq(2) ** int(exponent) for exponent in smallest]


def exact_fraction(value: float) -> fmpq:
    """Convert a finite number without rounding."""
    return fmpq(*float(value).as_integer_ratio())


def nearest(values: Iterable[fmpq]) -> Array:
    """Round fractions to the nearest float64 numbers; ±∞ outside their range."""
    return np.array([nearest_float(value) for value in values])


def nearest_float(value: fmpq) -> float:
    """Round a fraction to the nearest float64 number; ±∞ outside their range."""
    return quotient(int(value.p), int(value.q))


def quotient(p: int, q: int) -> float:
    """Round p/q like `nearest_float`, without reducing the fraction first; q is positive."""
    try:
        return p / q  # which Python rounds correctly
    except OverflowError:
        return inf if p > 0 else -inf


def diagonal(values: Iterable[fmpq]) -> fmpq_mat:
    """Make a diagonal matrix."""
    listed = list(values)
    size = len(listed)
    matrix = fmpq_mat(size, size)
    for i, value in enumerate(listed):
        matrix[i, i] = value
    return matrix


def solve(A: fmpz_mat, right: fmpz_mat) -> fmpq_mat:
    """Solve Az = right for an invertible A."""
    return cast(fmpq_mat, A.solve(right))  # the stubs do not know the type


def take_rows(matrix: fmpz_mat, rows: Sequence[int]) -> fmpz_mat:
    """Return some rows of a matrix, in the given order."""
    columns = matrix.ncols()
    return fmpz_mat(len(rows), columns, [matrix[i, j] for i in rows for j in range(columns)])
