import numpy as np
import pytest

from stepbox.analysis.complex_step import ComplexSteps
from stepbox.analysis.gradient_check import (
    ALL_CHECKED,
    LEAST_CHECKED,
    check_gradients,
    published_gradients,
    relative_difference,
    relative_distance,
)
from stepbox.errors import InvalidInputError
from stepbox.nn.activations import ACTIVATIONS, IDENTITY
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

    derivative = ComplexSteps(network, INPUTS, 4).derivatives(layer, weight)
    assert derivative[0] == pytest.approx(by_difference, rel=1e-6)


def test_a_wrong_gradient_is_found():
    network = make()
    gradient = sample_gradients(network, INPUTS, 4)[1]["weight"].ravel()
    truth = ComplexSteps(network, INPUTS, 4).derivatives(1, np.arange(42))
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
    check = check_gradients(single, INPUTS, 4, 0.01)

    assert max(layer.exact for layer in check.layers) < 1e-9
    assert "stored as float32" in check.precision
    assert "a float64 copy" in check.precision
    assert check.layers == check_gradients(single.copy(np.float64), INPUTS, 4, 0.01).layers


def test_weights_of_double_precision_are_checked_as_they_are():
    precision = check_gradients(make(), INPUTS, 4, 0.01).precision

    assert precision == "The model's weights are stored as float64. All was computed in float64."


def relu_network(*weights, biases=None):
    weights = [np.array(one, dtype=np.float64) for one in weights]
    biases = biases or [np.zeros(len(one)) for one in weights]
    return Network.dense(weights, biases, ACTIVATIONS["relu"])


def units_and_excluded(check):
    return [(layer.kinks, layer.dead, layer.excluded) for layer in check.layers]


def check_numbers(check):
    """Check that all numbers of a check are finite, and that backpropagation agrees."""
    for layer in check.layers:
        assert layer.exact < 1e-9
        assert np.isfinite([layer.largest, layer.published, layer.published_distance]).all()


def test_a_weight_into_a_unit_at_a_kink_has_two_one_sided_derivatives():
    """C(w) = log(1 + exp(1 − relu(w))) at w = 0, because unit 1 is 1, and adds to logit 1."""
    network = relu_network([[0], [1], [-1]], [[1, 0, 5], [0, 1, 5]])
    inputs, weight = np.ones(1), np.array([0])
    check = check_gradients(network, inputs, 0, 0.01)
    left, at, right = (
        ComplexSteps(network, inputs, 0).derivatives(0, weight, side=side) for side in (-1, 0, 1)
    )

    assert units_and_excluded(check) == [([0], [2], 1), ([], [], 0)]
    assert [layer.subgradients for layer in check.layers] == [1, 0]
    assert (left, at) == (0, 0)
    assert right == pytest.approx(-np.e / (1 + np.e), rel=1e-15)
    check_numbers(check)
    assert check.layers[0].largest > 0.1


@pytest.mark.parametrize(
    ("into_the_unit", "inputs", "excluded"),
    [
        ([0, 0], [1, 1], [0, 2, 0]),  # only its own weights move it
        ([1, -1], [1, 1], [4, 2, 0]),  # all weights before it move it
        ([1, -1], [1, 0], [2, 2, 0]),  # weights of an input that is 0 move nothing
    ],
)
def test_exactly_the_weights_that_move_a_kink_are_excluded(into_the_unit, inputs, excluded):
    network = relu_network([[1, 1], [1, 1]], [into_the_unit, [1, 1]], [[1, 0], [0, 1]])
    check = check_gradients(network, np.array(inputs, dtype=np.float64), 0, 0.01)

    assert [layer.kinks for layer in check.layers] == [[], [0], []]
    assert [layer.excluded for layer in check.layers] == excluded
    assert [layer.subgradients for layer in check.layers] == excluded
    check_numbers(check)


def test_a_kink_that_the_loss_does_not_depend_on_excludes_nothing():
    network = relu_network([[0, 0], [1, 1]], [[0, 1], [0, 2]])
    check = check_gradients(network, np.ones(2), 0, 0.01)

    assert units_and_excluded(check) == [([0], [], 0), ([], [], 0)]
    check_numbers(check)


def test_two_kinks_that_cancel_are_excluded_but_are_no_subgradient():
    """Logit 0 is relu(w) − relu(−w) = w. Backpropagation gives 0, which is wrong."""
    network = relu_network([[0]], [[1], [-1]], [[1, -1], [0, 0]])
    layers = check_gradients(network, np.ones(1), 1, 0.01).layers

    assert layers[1].kinks == [0, 1]
    # The first unit is at a kink as well. It follows the step to the right only.
    assert [layer.excluded for layer in layers] == [1, 0, 0]
    network.layers[0].activation = IDENTITY
    layers = check_gradients(network, np.ones(1), 1, 0.01).layers
    derivatives = [
        ComplexSteps(network, np.ones(1), 1).derivatives(0, np.array([0]), side=side)[0]
        for side in (-1, 0, 1)
    ]

    assert derivatives == [0.5, 0, 0.5]
    assert (layers[0].excluded, layers[0].subgradients, layers[0].exact) == (1, 0, 0)


@pytest.mark.parametrize("seed", range(12))
def test_one_sided_derivatives_equal_one_sided_differences(seed):
    """Small integers put many units exactly at a kink."""
    rng = np.random.default_rng(seed)
    shapes, step = [(4, 3), (4, 4), (3, 4)], 1e-7
    network = relu_network(*(rng.integers(-1, 2, shape) for shape in shapes))
    inputs = rng.integers(0, 3, 3).astype(np.float64)
    check = check_gradients(network, inputs, 0, 0.01)
    check_numbers(check)
    for layer, (rows, columns) in enumerate(shapes):
        exact = sample_gradients(network, inputs, 0)[layer]["weight"].ravel()
        differ = np.zeros(rows * columns, dtype=bool)
        for side in (-1, 1):
            derivatives = ComplexSteps(network, inputs, 0).derivatives(
                layer, np.arange(rows * columns), side=side
            )
            for weight, derivative in enumerate(derivatives):
                losses = []
                for size in (0, side * step):
                    stepped = network.copy()
                    stepped.layers[layer].weights.flat[weight] += size
                    losses.append(cross_entropy(stepped.logits(inputs[None]), np.array([0]))[0])
                difference = (losses[1] - losses[0]) / (side * step)
                assert derivative == pytest.approx(difference, abs=1e-5)
            differ |= np.abs(derivatives - exact) > 1e-9
        assert np.count_nonzero(differ) == check.layers[layer].excluded


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_a_network_of_zeros_has_finite_numbers(activation):
    network = make(activation)
    for array in network.named_arrays().values():
        array[:] = 0
    check = check_gradients(network, INPUTS, 4, 0.01)

    check_numbers(check)
    assert [layer.largest for layer in check.layers] == [0, 0, 0]
    assert [layer.kink_count for layer in check.layers] == (
        [7, 6, 0] if activation == "relu" else [0, 0, 0]
    )


def test_a_black_image_puts_units_without_biases_at_a_kink():
    check = check_gradients(make("relu"), np.zeros(12), 4, 0.01)

    assert [layer.kink_count for layer in check.layers] == [7, 6, 0]
    assert [layer.excluded for layer in check.layers] == [0, 0, 0]  # their inputs are 0
    check_numbers(check)


def test_a_dead_layer_is_named():
    network = make("relu")
    network.layers[1].biases -= 100
    check = check_gradients(network, INPUTS, 4, 0.01)

    assert check.layers[1].dead == [0, 1, 2, 3, 4, 5]
    assert [layer.largest for layer in check.layers] == [0, 0, 0]
    assert [layer.exact for layer in check.layers] == [0, 0, 0]
    assert [layer.published for layer in check.layers] == [0, 0, 0]


def test_lists_of_units_are_limited():
    network = make("relu", (12, 150, 10))
    network.layers[0].biases[:120] = -100
    network.layers[0].weights[120:] = 0
    first = check_gradients(network, INPUTS, 4, 0.01).layers[0]

    assert (first.dead, first.dead_count) == ([*range(100)], 120)
    assert (first.kinks, first.kink_count) == ([*range(120, 150)], 30)


def test_pre_activations_that_are_0_up_to_rounding_cause_no_false_alarm():
    """In another order, their sum may round to another sign."""
    network = make("relu", (12, 12, 200, 10))
    _, activations = network.forward(INPUTS)
    inputs, weights = activations[1], network.layers[1].weights
    column = inputs.argmax()
    weights[:, column] -= weights @ inputs / inputs[column]
    check = check_gradients(network, INPUTS, 4, 0.01)

    assert check.layers[1].kink_count == 200
    check_numbers(check)


def test_a_unit_that_another_order_of_a_sum_moves_over_0_causes_no_false_alarm():
    """The units of layer 1 are differences of large numbers, and have errors of about 1e-9."""
    network = make("relu", (12, 40, 40, 200, 10))
    network.layers[1].weights *= 1e7
    pre_activations, _ = network.forward(INPUTS)
    network.layers[1].biases -= pre_activations[1] - 1
    pre_activations, _ = network.forward(INPUTS)
    network.layers[2].biases -= pre_activations[2] - 1e-12
    check = check_gradients(network, INPUTS, 4, 0.01)

    assert check.layers[2].kink_count == 0
    assert check.layers[0].excluded == 0
    check_numbers(check)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("size", [1e5, 300, 50, -50, -150, -300, -1e5])
def test_saturated_units_cause_no_false_alarm(activation, size):
    network = make(activation)
    network.layers[0].weights[:] = size / INPUTS.sum()
    network.layers[0].weights *= np.linspace(0.9, 1.1, 7)[:, None]
    check = check_gradients(network, INPUTS, 4, 0.01)

    check_numbers(check)
    slope_is_0 = {"relu": size < 0, "gelu": size < -40}.get(activation, abs(size) > 1e4)
    assert check.layers[0].dead == ([*range(7)] if slope_is_0 else [])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("margin", [15, 30, 37, 60, 800])
def test_a_certain_prediction_causes_no_false_alarm(activation, margin):
    """Its y − t is a difference of equal numbers, unless it is computed as the sum of others."""
    network = make(activation)
    network.layers[-1].biases[4] = margin
    check = check_gradients(network, INPUTS, 4, 0.01)

    check_numbers(check)
    assert check.layers[-1].published < 1e-9
    assert (check.loss > 0) == (check.layers[0].largest > 0) == (margin < 800)


def test_a_network_that_overflows_is_rejected():
    network = make("relu")
    for layer in network.layers:
        layer.weights *= 1e200
    with pytest.raises(InvalidInputError) as caught:
        check_gradients(network, INPUTS, 4, 0.01)

    assert caught.value.faults[0].pointer == "/model"
    assert "not finite" in caught.value.faults[0].detail


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
    assert relative_distance(np.array([3e200, 4e200]), np.zeros(2)) == 1


def test_an_exception_of_go_on_ends_the_check():
    asked = []

    def go_on():
        asked.append(True)
        if len(asked) == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        check_gradients(make(), INPUTS, 4, 0.01, go_on=go_on)
    assert len(asked) == 2
