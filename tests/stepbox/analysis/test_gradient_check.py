import numpy as np
import pytest

from stepbox.analysis.gradient_check import (
    ALL_CHECKED,
    LEAST_CHECKED,
    check_gradients,
    complex_step_derivatives,
    published_gradients,
    relative_difference,
    relative_distance,
)
from stepbox.nn.activations import ACTIVATIONS
from stepbox.nn.backprop import sample_gradients
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network, dense_layers

INPUTS = np.random.default_rng(0).uniform(size=12)


def make(activation="sigmoid", sizes=(12, 7, 6, 10)):
    return Network.initial(dense_layers(sizes, activation), 3)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backpropagation_is_correct_up_to_rounding(activation):
    check = check_gradients(make(activation), INPUTS, 4, 0.01)

    assert [layer.layer for layer in check.layers] == [0, 1, 2]
    assert [layer.checked for layer in check.layers] == [84, 42, 60]
    assert [layer.weights for layer in check.layers] == [84, 42, 60]
    assert max(layer.exact for layer in check.layers) < 1e-9
    assert min(layer.largest for layer in check.layers) > 0


def test_the_published_gradient_is_correct_only_in_the_last_layer():
    check = check_gradients(make(), INPUTS, 4, 0.01)

    assert [layer.published > 0.01 for layer in check.layers] == [True, True, False]
    assert [layer.published_distance > 0.01 for layer in check.layers] == [True, True, False]


def test_the_derivative_equals_a_finite_difference():
    """Compare weight (2, 5) of the middle layer with a difference of losses."""
    network, layer, weight = make("tanh"), 1, np.array([2 * 7 + 5])
    step, losses = 1e-6, []
    for sign in (1, -1):
        stepped = network.copy()
        stepped.layers[layer].weights[2, 5] += sign * step
        losses.append(cross_entropy(stepped.logits(INPUTS[None]), np.array([4]))[0])
    by_difference = (losses[0] - losses[1]) / (2 * step)

    derivative = complex_step_derivatives(network, INPUTS, 4, layer, weight)
    assert derivative[0] == pytest.approx(by_difference, rel=1e-6)


def test_a_wrong_gradient_is_found():
    network = make()
    gradient = sample_gradients(network, INPUTS, 4)[1]["weight"].ravel()
    truth = complex_step_derivatives(network, INPUTS, 4, 1, np.arange(42))
    wrong = gradient.copy()
    wrong[17] *= 1.001

    assert relative_difference(gradient, truth) < 1e-9
    assert relative_difference(wrong, truth) == pytest.approx(0.001, rel=0.01)


def test_the_published_gradient_depends_on_the_learning_rate():
    """The last layer is updated before the gradient passes through it."""
    network = make()
    small, large = (published_gradients(network, INPUTS, 4, rate) for rate in (1e-9, 1.0))

    np.testing.assert_array_equal(small[-1]["weight"], large[-1]["weight"])
    assert relative_distance(small[0]["weight"], large[0]["weight"]) > 1e-3


def test_the_check_does_not_change_the_network():
    network = make()
    before = network.copy().named_arrays()
    check_gradients(network, INPUTS, 4, 0.5)

    for name, array in network.named_arrays().items():
        np.testing.assert_array_equal(array, before[name])


def test_large_layers_are_sampled_the_same_way_each_time():
    network = make("relu", (784, 32, 10))
    inputs = np.random.default_rng(1).uniform(size=784)
    check = check_gradients(network, inputs, 4, 0.01)

    assert [(layer.weights, layer.checked) for layer in check.layers] == [
        (784 * 32, ALL_CHECKED),
        (320, 320),
    ]
    assert check == check_gradients(network, inputs, 4, 0.01)


def test_the_sample_is_smaller_where_wide_layers_follow():
    network = make("relu", (784, 1024, 1024, 1024, 10))
    inputs = np.random.default_rng(1).uniform(size=784)
    layers = check_gradients(network, inputs, 4, 0.01).layers

    assert LEAST_CHECKED <= layers[0].checked < layers[1].checked < ALL_CHECKED
    assert layers[2].checked == layers[3].checked == ALL_CHECKED
    assert max(layer.exact for layer in layers) < 1e-9


def test_weights_of_single_precision_are_checked_in_float64():
    single = make().copy(np.float32)

    assert max(layer.exact for layer in check_gradients(single, INPUTS, 4, 0.01).layers) < 1e-9


def test_a_saturated_network_has_a_published_gradient_but_no_exact_one():
    network = make()
    network.layers[0].weights *= 1e4
    first = check_gradients(network, INPUTS, 4, 0.01).layers[0]

    assert (first.largest, first.exact, first.published) == (0, 0, 1)


def test_relative_differences_worked_by_hand():
    truth = np.array([4.0, 1e-9, 0])

    assert relative_difference(np.array([3.0, 1e-9, 0]), truth) == 1 / 4
    assert relative_difference(np.array([-4.0, 1e-9, 0]), truth) == 2
    assert relative_difference(np.array([4, 5e-9, 0]), truth) == pytest.approx(4e-9 / 4e-6)
    assert relative_difference(np.zeros(3), np.zeros(3)) == 0
    assert relative_distance(np.array([3.0, 4]), np.zeros(2)) == 1
    assert relative_distance(np.zeros(2), np.zeros(2)) == 0


def test_an_exception_of_go_on_ends_the_check():
    asked = []

    def go_on():
        asked.append(True)
        if len(asked) == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        check_gradients(make(), INPUTS, 4, 0.01, go_on=go_on)
    assert len(asked) == 2
