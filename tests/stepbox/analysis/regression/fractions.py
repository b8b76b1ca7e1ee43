"""Linear algebra with Python's fractions, to check the exact fits independently of FLINT."""

from fractions import Fraction
from itertools import combinations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def exact(values):
    """Convert an array of float64 numbers to a list of fractions, or of lists of fractions."""
    if np.ndim(values):
        return [exact(value) for value in values]
    return Fraction(float(values))


def dot(a, b):
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def eliminate(rows):
    """Bring a copy of the rows into reduced echelon form. Return it with its pivot columns."""
    rows, pivots = [list(row) for row in rows], []
    for column in range(len(rows[0]) if rows else 0):
        done = len(pivots)
        pivot = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        rows[done] = [value / rows[done][column] for value in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[column]:
                rows[i] = [a - row[column] * b for a, b in zip(row, rows[done], strict=True)]
        pivots.append(column)
    return rows, pivots


def rank(rows):
    return len(eliminate(rows)[1])


def absolute_loss(X, y, w):
    return sum((abs(dot(row, w) - value) for row, value in zip(X, y, strict=True)), Fraction(0))


def vertices(X, y):
    """List the w that go through as many points as X has columns, for X with full column rank."""
    features = len(X[0])
    for chosen in combinations(range(len(X)), features):
        rows, pivots = eliminate([[*X[i], y[i]] for i in chosen])
        if pivots == list(range(features)):
            yield [row[-1] for row in rows[:features]]


@st.composite
def regressions(draw, points=8, features=3):
    """Draw X and y: huge and tiny scales, equal points, and dependent or nearly equal columns."""
    n, d = draw(st.integers(1, points)), draw(st.integers(1, features))
    X = draw(arrays(float, (n, d), elements=st.integers(-3, 3).map(float)))
    y = draw(arrays(float, n, elements=st.integers(-3, 3).map(float)))
    change = draw(
        st.sampled_from(["none", "scales", "tenths", "equal", "dependent", "near", "far"])
    )
    if change == "scales":
        X = X * 10.0 ** np.array(draw(st.lists(st.integers(-40, 40), min_size=d, max_size=d)))
        y = y * 10.0 ** draw(st.integers(-40, 40))
    elif change == "tenths":
        X, y = X / 10, y / 10
    elif change == "equal":
        rows = draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n))
        X, y = X[rows], y[rows]
    elif change == "dependent":
        X[:, -1] = 2 * X[:, 0]
    elif change == "near":  # the columns differ only in the last bits
        X[:, -1] = X[:, 0] * (1 + 2.0**-51 * np.arange(n))
    elif change == "far":  # a column of times in seconds
        X[:, 0], X[:, -1] = 1, 1.7e9 + 60 * X[:, -1]
    return X, y
