from fractions import Fraction
from random import Random

import pytest
from flint import fmpq, fmpz_mat
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepbox.analysis.regression.vertices import DELTA_BITS, Points
from tests.stepbox.analysis.regression.fractions import absolute_loss, dot, exact, rank, vertices

small = st.integers(-3, 3)
points = st.tuples(st.integers(1, 8), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(
        arrays(int, shape, elements=small), arrays(int, shape[0], elements=small)
    )
)


def any_basis(X, seed=0):
    """Choose rows that are linearly independent, in a random order."""
    basis = []
    for i in Random(seed).sample(range(len(X)), len(X)):
        if rank([X[j] for j in [*basis, i]]) > len(basis):
            basis.append(i)
    return basis


def walk(X, y):
    """Make the points, and walk from any vertex to one with the smallest loss."""
    rows = Points(fmpz_mat(X.tolist()), fmpz_mat([[v] for v in y.tolist()]), [1] * len(y))
    X, y = exact(X), exact(y)
    basis = any_basis(X)
    assume(len(basis) == len(X[0]))
    return rows, rows.minimise(basis), X, y


def fractions(values):
    return [Fraction(int(v.p), int(v.q)) for v in values]


@given(points)
def test_the_walk_ends_at_the_smallest_loss_of_all_vertices(regression):
    _, vertex, X, y = walk(*regression)
    w, s = fractions(vertex.w), fractions(vertex.dual)
    loss = absolute_loss(X, y, w)

    assert loss == min(absolute_loss(X, y, v) for v in vertices(X, y))
    assert max(map(abs, s)) <= 1
    assert all(dot(column, s) == 0 for column in zip(*X, strict=True))
    assert -dot(s, y) == loss
    assert all(dot(X[i], w) == y[i] for i in vertex.basis)


@given(points, st.integers(0, 2), st.sampled_from([1, -1]))
def test_with_a_goal_it_ends_at_the_best_vertex_with_the_smallest_loss(regression, j, side):
    rows, vertex, X, y = walk(*regression)
    j %= len(X[0])
    goal = [fmpq(side * (k == j)) for k in range(len(X[0]))]
    found = fractions(rows.minimise(vertex.basis, goal).w)
    least = absolute_loss(X, y, fractions(vertex.w))

    best = [v for v in vertices(X, y) if absolute_loss(X, y, v) == least]
    assert absolute_loss(X, y, found) == least
    assert side * found[j] == min(side * v[j] for v in best)


@settings(max_examples=5)
@given(st.integers(0, 10**6))
def test_ties_do_not_stop_the_walk(seed):
    """Of 40 points on 9 places, many lie on each line through two of them."""
    rng = Random(seed)
    X = [[1, rng.randrange(3)] for _ in range(40)]
    y = [rng.randrange(3) for _ in X]
    X[:2] = [[1, 0], [1, 1]]
    vertex = Points(fmpz_mat(X), fmpz_mat([[v] for v in y]), [1] * 40).minimise([0, 1])

    w = fractions(vertex.w)
    assert absolute_loss(X, y, w) == min(
        absolute_loss(X, y, v) for v in vertices(exact(X), exact(y))
    )


def test_points_chosen_to_match_the_random_numbers_do_not_stop_the_walk():
    """If the seed were 0, these x would equal the δ, and the walk would repeat two steps forever.

    All points but the last one lie on each fit w = ε: both parts of their residuals are 0.
    """
    rng = Random(0)
    x = [rng.getrandbits(DELTA_BITS) for _ in range(11)]
    x.append(sum(x) // 2)
    y = [0] * 11 + [256 * x[-1]]
    points = Points(fmpz_mat([[v] for v in x]), fmpz_mat([[v] for v in y]), [-1] * 12)
    vertex = points.minimise([0], most_steps=30)

    assert vertex.optimal
    assert vertex.w == [0]


def test_columns_that_depend_on_each_other_are_not_accepted():
    points = Points(fmpz_mat([[1, 1], [2, 2]]), fmpz_mat([[1], [2]]), [1, 1])
    with pytest.raises(ZeroDivisionError):
        points.minimise([0, 1])
