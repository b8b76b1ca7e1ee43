import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.analysis.boxes.division import find_pieces
from stepbox.analysis.boxes.error import Sample
from stepbox.analysis.boxes.fewest import fewest_boxes
from stepbox.analysis.expressions import Expression
from stepbox.errors import InvalidInputError
from tests.stepbox.analysis.boxes.test_error import error_of

LIMITS = {"most_boxes": 1_000_000, "most_points": 100_000_000}


def search(text, bound, tolerance, **limits):
    function = Expression(text)
    sample, pieces = Sample.of(function, bound), find_pieces(function, bound)
    found, error = fewest_boxes(
        function, bound, tolerance, 1, **LIMITS | limits, sample=sample, pieces=pieces
    )
    assert error.sampled_error <= error.max_error <= tolerance
    return found.boxes


@pytest.mark.slow
@given(
    st.sampled_from(["x", "sin(3*x)", "abs(x-0.3)", "x**2", "tanh(4*x)", "step(x)+x/5"]),
    st.floats(0.02, 1),
)
def test_no_smaller_number_of_boxes_is_within_the_tolerance(text, tolerance):
    function = Expression(text)
    found = search(text, 2.0, tolerance)

    assert error_of(function, 2.0, found).max_error <= tolerance
    for fewer in range(1, found):
        assert error_of(function, 2.0, fewer).max_error > tolerance


def test_no_smaller_number_of_boxes_is_within_the_tolerance_in_the_plane():
    function = Expression("x*y", ("x", "y"))
    sample = Sample.of(function, 1.0, 2)
    boxes, _ = fewest_boxes(function, 1.0, 0.3, 2, **LIMITS, sample=sample, pieces=None)
    found = boxes.boxes

    assert error_of(function, 1.0, found, 2).max_error <= 0.3
    for fewer in range(1, found):
        assert error_of(function, 1.0, fewer, 2).max_error > 0.3


def test_an_edge_where_the_function_jumps_is_found():
    """Only boxes with an edge at 0.1 can represent this step: 20 boxes on [−1, 1) have one."""
    assert search("step(x-0.1)", 1.0, 0.5) == 20


@pytest.mark.parametrize("text", ["step(x-0.123456789)", "sin(1e7*x)"])
def test_a_tolerance_that_is_not_reached_is_rejected(text):
    with pytest.raises(InvalidInputError) as caught:
        search(text, 1.0, 0.1)
    assert caught.value.faults[0].pointer == "/tolerance"
    assert "1,000,000" in caught.value.faults[0].detail


def test_a_search_that_takes_too_long_is_rejected():
    with pytest.raises(InvalidInputError, match="too long"):
        search("sin(x)", 1.0, 1e-4, most_points=100_000)
