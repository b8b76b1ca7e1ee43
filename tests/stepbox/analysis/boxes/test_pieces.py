import numpy as np
import pytest

from stepbox.analysis.boxes.division import find_pieces
from stepbox.analysis.boxes.error import Sample, approximate, measure_error
from stepbox.analysis.expressions import Expression

SMOOTH = ["x", "x**2", "sin(3*x)", "exp(x)", "1/(x+4)", "x**3-x", "tanh(2*x)*cos(x)"]
ROUGH = ["abs(x-0.3)", "floor(2*x)", "step(x-0.1)", "sin(x)+sign(x-1)", "sqrt(abs(x))", "sqrt(x+3)"]


def errors_of(text, bound, boxes):
    """Return the proven bound, and the errors at many random numbers and next to the edges."""
    function = Expression(text)
    staircase = approximate(function, bound, boxes)
    pieces = find_pieces(function, bound)
    proven = measure_error(function, staircase, Sample.of(function, bound), pieces).max_error
    x = np.random.default_rng(boxes).uniform(-bound, bound, 100_000)
    x = np.concatenate([x, staircase.edges[:-1], staircase.last])
    return proven, np.abs(function(x) - staircase.on_grid(x))


@pytest.mark.parametrize("boxes", [1, 2, 7, 50])
@pytest.mark.parametrize("text", [*SMOOTH, *ROUGH])
def test_no_error_exceeds_the_proven_bound_and_some_are_near_it(text, boxes):
    proven, errors = errors_of(text, 3.0, boxes)

    assert errors.max() <= proven <= errors.max() * (1 + 1e-4)


@pytest.mark.parametrize(
    ("text", "boxes", "exact"),
    [("x", 6, 0.5), ("x**2", 2, 6.75), ("step(x)", 2, 0), ("floor(2*x)", 12, 0), ("7", 3, 0)],
)
def test_errors_known_by_hand(text, boxes, exact):
    proven, _ = errors_of(text, 3.0, boxes)

    assert exact <= proven <= exact * (1 + 1e-14)


def test_a_maximum_between_the_points_of_the_grid_is_found():
    """On [−1, 1), the maximum of the cosine at 0.3 is not at a point of the grid or an edge."""
    function = Expression("cos(x-0.3)")
    staircase = approximate(function, 1.0, 1)
    error = measure_error(function, staircase, Sample.of(function, 1.0), find_pieces(function, 1.0))

    worst = staircase.heights[0] - np.cos(1.3)
    assert worst <= error.max_error <= worst * (1 + 1e-9)


@pytest.mark.parametrize("text", ["tan(x)", "1/(x-0.1)", "log(abs(x-0.1))", "sqrt(x**2-1e-9)"])
def test_without_a_finite_bound_the_place_is_named(text):
    pieces = find_pieces(Expression(text), 3.0)

    assert "near x = " in pieces.explanation
