import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.analysis.boxes.box import box_network, draw_box, run_network, staircase_network

any_number = st.floats(allow_nan=False, allow_infinity=False)


def test_height_2_and_width_3_worked_by_hand():
    """At −1, both steps are off; at 0 and 1.5, the first is on; at 3 and 4, both: 2 − 2 = 0."""
    box = draw_box(2.0, 3.0, np.array([-1, 0, 1.5, 3, 4]))

    assert box.values.tolist() == [0, 2, 2, 0, 0]
    assert (box.edges.left, box.edges.right) == (2, 0)


def test_the_network_of_height_2_and_width_3():
    network = box_network(2.0, 3.0)

    assert network.layers[0].weights.tolist() == [[1], [1]]
    assert network.layers[0].biases.tolist() == [0, -3]
    assert network.layers[1].weights.tolist() == [[2, -2]]
    assert network.layers[1].biases.tolist() == [0]
    assert network.parameters == 7


def test_default_points_are_chosen():
    box = draw_box(-1.0, 4.0)

    assert box.at.tolist() == [-1, 0, 2, 4, 5]
    assert box.values.tolist() == [0, -1, -1, 0, 0]


@given(any_number, any_number.filter(lambda w: w > 0), st.lists(any_number, min_size=1))
def test_any_box_has_its_height_from_0_up_to_its_width(height, width, points):
    at = np.array([*points, 0.0, width])
    values = draw_box(height, width, at).values

    np.testing.assert_array_equal(values, np.where((at >= 0) & (at < width), height, 0))


def test_neighbours_share_an_edge():
    """Heights 1, 3, 2 on [0, 1), [1, 2), [2, 3): four neurons rise by 1, 2, −1, −2."""
    network = staircase_network(np.arange(4.0), np.array([1.0, 3.0, 2.0]))

    assert network.layers[0].biases.tolist() == [0, -1, -2, -3]
    assert network.layers[1].weights.tolist() == [[1, 2, -1, -2]]
    at = np.array([-0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5])
    assert run_network(network, at[:, None]).tolist() == [0, 1, 1, 3, 3, 2, 2, 0, 0]


@pytest.mark.parametrize("height", [1.7e308, -1.7e308, 5e-324, 0.0])
def test_boxes_with_the_largest_and_smallest_numbers(height):
    box = draw_box(height, 1.7e308, np.array([-1.7e308, 0.0, 1.6e308, 1.7e308]))

    assert box.values.tolist() == [0, height, height, 0]
