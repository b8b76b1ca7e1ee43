import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.analysis.boxes.division import find_pieces
from stepbox.analysis.boxes.error import Sample, approximate, measure_error
from stepbox.analysis.expressions import Expression


def error_of(function, bound, boxes, dimensions=1):
    sample = Sample.of(function, bound, dimensions)
    proven = dimensions == 1 and isinstance(function, Expression)
    pieces = find_pieces(function, bound) if proven else None
    return measure_error(function, approximate(function, bound, boxes, dimensions), sample, pieces)


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 10), st.integers(1, 3000))
def test_a_straight_line_has_the_theoretical_error(slope, intercept, bound, boxes):
    """With slope L, the largest error is |L|·B/n, and the mean square is a third of its square."""
    error = error_of(lambda x: slope * x + intercept, bound, boxes)

    largest = abs(slope) * bound / boxes
    assert error.max_error == pytest.approx(largest, rel=1e-9, abs=1e-11)
    assert error.mean_square_error == pytest.approx(largest**2 / 3, rel=1e-9, abs=1e-22)
    assert error.slope == pytest.approx(abs(slope), rel=1e-6, abs=1e-6)


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(1, 20))
def test_a_plane_has_the_theoretical_error(a, b, boxes):
    error = error_of(lambda x, y: a * x + b * y, 2.0, boxes, dimensions=2)

    assert error.max_error == pytest.approx((abs(a) + abs(b)) * 2 / boxes, rel=1e-9, abs=1e-12)
    assert error.mean_square_error == pytest.approx((a**2 + b**2) * 4 / boxes**2 / 3, abs=1e-9)
    assert error.slope == pytest.approx(abs(a) + abs(b), rel=1e-6, abs=1e-9)


def test_a_square_worked_by_hand():
    """One box of height 0 for x² on [−1, 1): error 1 at the edge, mean square ∫x⁴/2 = 1/5."""
    error = error_of(np.square, 1.0, 1)

    assert error.max_error == 1
    assert error.worst == (-1.0,)
    assert error.mean_square_error == pytest.approx(1 / 5)


def test_a_step_has_an_error_only_inside_a_box():
    step = Expression("step(x)")

    assert error_of(step, 1.0, 2).max_error == 0
    assert error_of(step, 1.0, 3).max_error == pytest.approx(1, rel=1e-15)


@pytest.mark.parametrize("boxes", [500, 1000, 2000])
def test_the_error_of_a_function_that_repeats_in_every_box_is_found(boxes):
    """The function is 0 in the middle of each box, and at each point of a uniform grid."""
    error = error_of(lambda x: np.sin(2 * np.pi * 1000 * x), 1.0, boxes)

    assert error.max_error > 0.9
    assert error.mean_square_error > 0.2


@pytest.mark.slow
def test_a_million_boxes_at_a_million_points():
    """Each value is the function at the middle of the box. The computation takes under 500 MB."""
    n = 1_000_000
    points = np.random.default_rng(0).uniform(-3, 3, n)
    tracemalloc.start()
    values = approximate(np.sin, 3.0, n).on_grid(points)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    middles = -3 + 6 * (np.floor((points + 3) / 6 * n) + 0.5) / n
    near_edge = np.abs(points - middles) > 0.4999 * 6 / n  # rounding above may choose the wrong box
    np.testing.assert_allclose(values[~near_edge], np.sin(middles[~near_edge]), atol=1e-11)
    assert peak < 500e6
