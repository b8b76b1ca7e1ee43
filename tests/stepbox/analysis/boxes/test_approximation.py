import numpy as np
import pytest

from stepbox.analysis.boxes.approximation import MOST_WEIGHTS, approximate_function
from stepbox.errors import InvalidInputError


def faults_of(*args, **kwargs):
    with pytest.raises(InvalidInputError) as caught:
        approximate_function(*args, **kwargs)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


def test_x_by_two_boxes_worked_by_hand():
    """Heights −1/2 on [−1, 0) and 1/2 on [0, 1): error 1/2 at the edges, mean square (1/2)²/3."""
    result = approximate_function("x", 1.0, boxes=2)

    assert set(result.curve.approximation.tolist()) == {-0.5, 0.5}
    assert result.network.output_weights.tolist() == [-0.5, 1, -0.5]
    assert result.sampled_error == 0.5 <= result.max_error <= 0.5 * (1 + 1e-14)
    assert result.mean_square_error == pytest.approx(1 / 12)


def test_the_curve_contains_both_ends_of_every_box():
    curve = approximate_function("x", 1.0, boxes=4, resolution=10).curve

    assert curve.x.tolist() == pytest.approx([-1, -0.5, -0.5, 0, 0, 0.5, 0.5, 1])
    assert curve.approximation.tolist() == [-0.75, -0.75, -0.25, -0.25, 0.25, 0.25, 0.75, 0.75]
    np.testing.assert_array_equal(curve.function, curve.x)


@pytest.mark.parametrize(
    ("boxes", "points"), [(1, 2000), (3, 1998), (999, 1998), (1000, 2000), (1001, 2000)]
)
def test_the_curve_has_at_most_2000_points(boxes, points):
    result = approximate_function("sin(x)", 3.0, boxes=boxes)

    curve = result.curve
    assert len(curve.x) == len(curve.function) == len(curve.approximation) == points
    assert (np.diff(curve.x) > 0).all()
    assert (result.network is not None) == (boxes <= 1000)


@pytest.mark.parametrize(("boxes", "points"), [(1, 100), (16, 96), (150, 100)])
def test_the_grid_has_equally_many_points_in_each_box(boxes, points):
    result = approximate_function("x*y", 3.0, boxes=boxes, dimensions=2)

    grid = result.grid
    assert grid.x.shape == grid.y.shape == (points,)
    assert grid.function.shape == grid.approximation.shape == (points, points)
    x, y = np.ix_(grid.x, grid.y)
    np.testing.assert_allclose(grid.function, x * y)
    assert np.abs(grid.function - grid.approximation).max() <= result.max_error + 1e-12


def test_axes_are_in_the_order_of_the_coordinates():
    result = approximate_function("x", 1.0, boxes=2, dimensions=2, resolution=2)

    assert result.grid.function.tolist() == [[-0.5, -0.5], [0.5, 0.5]]
    assert result.hidden_layers == 1


def test_a_tolerance_finds_the_boxes():
    result = approximate_function("sin(3*x)", 3.0, tolerance=0.01)

    assert result.max_error <= 0.01
    assert result.boxes == pytest.approx(3 * 3 / 0.01, rel=0.01)


def test_growth_covers_ten_dimensions_and_an_image():
    growth = approximate_function("x", 1.0, boxes=10).growth

    assert [row.dimension for row in growth] == [*range(1, 11), 784]
    assert [row.neurons for row in growth][:3] == ["11", "122", "1033"]


def test_either_boxes_or_a_tolerance_must_be_given():
    assert faults_of("x", 1.0).keys() == {"/boxes", "/tolerance"}
    assert faults_of("x", 1.0, boxes=2, tolerance=0.5).keys() == {"/boxes", "/tolerance"}


def test_all_violated_limits_are_reported_at_once():
    faults = faults_of("x*y", 1.0, boxes=1001, dimensions=2, resolution=201)

    assert "1,000" in faults["/boxes"]
    assert "200" in faults["/resolution"]


def test_slow_functions_may_have_fewer_boxes():
    long = "abs(x)" + "**abs(x)" * 50

    assert "/boxes" in faults_of(long, 1.0, boxes=1_000_000)
    assert approximate_function(long, 1.0, boxes=1000).boxes == 1000


def test_a_network_too_large_for_an_answer_is_rejected():
    faults = faults_of("x*y", 1.0, boxes=200, dimensions=2, include_network=True)

    assert f"{MOST_WEIGHTS:,}" in faults["/include_network"]
    assert approximate_function("x*y", 1.0, boxes=200, dimensions=2).boxes == 200


def test_an_error_names_the_point_where_the_function_has_no_value():
    assert "x = 0" in faults_of("1/x", 1.0, boxes=4)["/function"]
    assert "y = −" in faults_of("x*log(y)", 1.0, boxes=4, dimensions=2)["/function"]
