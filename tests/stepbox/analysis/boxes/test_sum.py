import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepbox.analysis.boxes.box import run_network
from stepbox.analysis.boxes.sum import (
    BoxSum,
    box_holding,
    edge,
    equal_edges,
    exact_heights,
    midpoint,
    neurons,
)

heights = st.floats(-10, 10)
squares = st.integers(1, 5).flatmap(lambda n: arrays(np.float64, (n, n), elements=heights))


def run_on_grid(boxes, x, y):
    """Run the network neuron by neuron at all points (x, y)."""
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    return run_network(boxes.network, points).reshape(len(x), len(y))


@given(arrays(np.float64, st.integers(1, 40), elements=heights))
def test_on_a_line_the_network_has_the_heights_of_its_boxes(heights):
    boxes = BoxSum(equal_edges(2.0, len(heights)), heights)
    at = midpoint(2.0, len(heights), np.arange(len(heights)))

    np.testing.assert_allclose(run_network(boxes.network, at[:, None]), heights, atol=1e-13)
    np.testing.assert_allclose(boxes.on_grid(at), heights, atol=1e-13)
    assert boxes.hidden_layers == 1
    assert boxes.neurons == len(boxes.network.layers[0].biases) == len(heights) + 1
    assert boxes.neurons_two_per_box == 2 * len(heights)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=30))
def test_on_a_line_the_search_gives_the_output_of_all_neurons(heights):
    boxes = BoxSum(equal_edges(2.0, len(heights)), np.array(heights, dtype=float))
    at = np.concatenate([boxes.edges, boxes.edges - 2 / boxes.boxes, [-100, 100]])
    at = np.concatenate([at, np.nextafter(boxes.edges, -np.inf)])

    np.testing.assert_array_equal(boxes.on_grid(at), run_network(boxes.network, at[:, None]))


def test_on_a_line_the_network_is_0_outside_the_boxes():
    boxes = BoxSum(equal_edges(1.0, 2), np.array([4.0, 5.0]))

    assert run_network(boxes.network, np.array([[-1.01], [1.0], [7.0]])).tolist() == [0, 0, 0]


def test_four_boxes_in_the_plane_worked_by_hand():
    """Heights 1, 2, 3, 7 on the quarters of [−1, 1)²: 7 is 3 more than 1 + (2 − 1) + (3 − 1)."""
    boxes = BoxSum(equal_edges(1.0, 2), np.array([[1.0, 2.0], [3.0, 7.0]]))
    at = np.array([-1.5, -1.0, -0.5, 0.0, 0.5, 1.0])

    assert boxes.interaction == 3
    assert boxes.hidden_layers == 2
    assert boxes.neurons == 6 + 4
    assert [layer.weights.shape for layer in boxes.network.layers] == [(6, 2), (4, 6), (1, 4)]
    assert boxes.weights == sum(layer.weights.size for layer in boxes.network.layers)
    assert run_on_grid(boxes, at, at).tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 1, 1, 2, 2, 0],
        [0, 1, 1, 2, 2, 0],
        [0, 3, 3, 7, 7, 0],
        [0, 3, 3, 7, 7, 0],
        [0, 0, 0, 0, 0, 0],
    ]


def test_one_hidden_layer_is_enough_if_every_row_has_the_same_rises():
    """Heights [[1, 2], [3, 4]] are aᵢ + bⱼ with a = (1, 3) and b = (0, 1)."""
    boxes = BoxSum(equal_edges(1.0, 2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    inside = np.array([-1.0, -0.5, 0.0, 0.5])

    assert boxes.hidden_layers == 1
    assert boxes.neurons == len(boxes.network.layers[0].biases) == 3
    assert boxes.weights == sum(layer.weights.size for layer in boxes.network.layers)
    assert run_on_grid(boxes, inside, inside).tolist() == [
        [1, 1, 2, 2],
        [1, 1, 2, 2],
        [3, 3, 4, 4],
        [3, 3, 4, 4],
    ]


@given(squares)
def test_in_the_plane_binary_search_gives_the_output_of_all_neurons(heights):
    boxes = BoxSum(equal_edges(3.0, len(heights)), heights)
    n = len(heights)
    at = np.concatenate([boxes.edges[:-1], midpoint(3.0, n, np.arange(n))])

    np.testing.assert_allclose(boxes.on_grid(at, at), run_on_grid(boxes, at, at), atol=1e-13)
    np.testing.assert_allclose(boxes.levels, heights, atol=1e-13)


@given(st.integers(1, 4).flatmap(lambda n: arrays(np.float64, (2, n), elements=heights)))
def test_sums_of_a_function_of_x_and_one_of_y_need_one_layer(parts):
    boxes = BoxSum(equal_edges(1.0, parts.shape[1]), parts[0][:, None] + parts[1])

    assert boxes.hidden_layers == 1
    np.testing.assert_allclose(boxes.levels, boxes.heights, atol=1e-13)


@given(
    st.floats(1e-6, 1e6), st.integers(1, 1_000_000), st.floats(0, 1, exclude_max=True), st.data()
)
def test_the_box_that_contains_a_point_is_found(bound, boxes, share, data):
    k = data.draw(st.integers(0, boxes - 1))
    left, right = edge(bound, boxes, np.array(k)), edge(bound, boxes, np.array(k + 1))
    for x in (left, left + share * (right - left), np.nextafter(right, -np.inf)):
        if left <= x < right:
            assert box_holding(bound, boxes, x) == k


def test_edges_are_rounded_only_once():
    """The edges of twenty boxes on [−1, 1) equal the tenths, without accumulated rounding."""
    assert edge(1.0, 20, np.arange(21)).tolist() == [k / 10 for k in range(-10, 11)]


@pytest.mark.parametrize(
    ("boxes", "dimension", "expected"), [(10, 1, 11), (10, 2, 122), (10, 3, 1033), (1, 784, 1569)]
)
def test_neurons_are_counted_in_any_dimension(boxes, dimension, expected):
    assert neurons(boxes, dimension) == expected


@given(st.floats(1e-6, 1e6), st.integers(1, 1_000_000))
def test_the_outer_edges_are_the_ends_of_the_interval(bound, boxes):
    """bound · n / n may differ from the bound by rounding, for example for 0.1 and 3."""
    assert edge(bound, boxes, np.array([0, boxes])).tolist() == [-bound, bound]


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e9, 1e9)), st.randoms())
def test_the_network_adds_exact_heights_in_any_order_without_rounding(heights, random):
    exact = exact_heights(heights)
    rises = np.diff(exact, prepend=0.0, append=0.0).tolist()

    assert (
        np.abs(exact - heights).max()
        <= 2**-51 * np.abs(np.diff(heights, prepend=0, append=0)).sum()
    )
    for k, height in enumerate(exact.tolist()):
        active = rises[: k + 1]
        random.shuffle(active)
        assert sum(active) == height
