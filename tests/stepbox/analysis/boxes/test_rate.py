import numpy as np
import pytest

from stepbox.analysis.boxes.division import find_pieces
from stepbox.analysis.boxes.error import Sample, approximate, measure_error
from stepbox.analysis.boxes.rate import count_growth, measure_rate
from stepbox.analysis.expressions import Expression


def rate_of(text, boxes, bound=3.0):
    function = Expression(text)
    summed = approximate(function, bound, boxes)
    sample, pieces = Sample.of(function, bound), find_pieces(function, bound)
    error = measure_error(function, summed, sample, pieces)
    return measure_rate(function, summed, error, sample, pieces)


def test_the_error_of_a_straight_line_falls_with_the_boxes():
    rate = rate_of("2*x", 10)

    assert rate.slope == pytest.approx(2)
    assert rate.bound == pytest.approx(2 * 3 / 10)
    assert rate.constant == pytest.approx(2 * 3)
    assert rate.order == pytest.approx(1)
    assert [row.boxes for row in rate.table][:7] == [1, 2, 3, 4, 6, 8, 10]
    assert [row.max_error * row.boxes for row in rate.table] == pytest.approx([6] * 17)
    assert rate.table[-1].neurons == 257


@pytest.mark.parametrize(
    ("text", "order"), [("sin(3*x)", 1), ("sqrt(abs(x))", 0.5), ("step(x-pi/4)", 0)]
)
def test_the_order_depends_on_the_smoothness(text, order):
    """The vertical tangent of a square root halves the order. With a jump, the order is 0."""
    assert rate_of(text, 64).order == pytest.approx(order, abs=0.05)


def test_an_error_that_is_0_for_some_numbers_of_boxes_has_no_order():
    """The edges of 24 boxes are on the jumps; an edge of 16 boxes is not."""
    rate = rate_of("floor(x)", 16)

    assert {row.boxes: row.max_error == 0 for row in rate.table if row.boxes in (16, 24)} == {
        16: False,
        24: True,
    }
    assert rate.order is None


@pytest.mark.parametrize("text", ["sin(3*x)", "tanh(5*x)*x", "abs(x)"])
def test_the_error_in_every_row_is_within_its_bound(text):
    for row in rate_of(text, 50).table:
        assert row.sampled_error <= row.max_error <= row.sampled_error * (1 + 1e-6)
        assert row.max_error <= row.bound * (1 + 1e-9)
        assert row.mean_square_error <= row.max_error**2


def test_a_constant_has_no_error_and_no_order():
    rate = rate_of("5", 7)

    assert (rate.slope, rate.bound, rate.constant, rate.order) == (0, 0, 0, None)


@pytest.mark.parametrize("text", ["step(x)", "sqrt(x+3)", "floor(2*x)"])
def test_without_a_largest_slope_there_is_no_bound(text):
    rate = rate_of(text, 10)

    assert rate.slope is rate.bound is None
    assert {row.bound for row in rate.table} == {None}
    assert rate.constant == 10 * rate.table[6].max_error


def test_without_a_largest_error_there_is_no_order():
    rate = rate_of("tan(x)", 10)

    assert rate.slope is rate.constant is rate.order is None
    assert {row.max_error for row in rate.table} == {None}
    assert all(row.sampled_error > 100 for row in rate.table)


def test_large_growth_is_rounded():
    assert count_growth(10, 1).neurons == "11"
    assert count_growth(10, 10).neurons == str(10**10 + 110)
    assert count_growth(16, 784).neurons == "1.072e+944"
    assert count_growth(16, 784).log10_neurons == pytest.approx(784 * np.log10(16))
    assert count_growth(1_000_000, 784).neurons == "1.000e+4704"
