"""The gradient check of convolutions and max-pools: shared weights, and maxima that are shared."""

import numpy as np
import pytest

from stepbox.analysis import complex_step, gradient_check
from stepbox.analysis.complex_step import ComplexSteps
from stepbox.analysis.gradient_check import LEAST_CHECKED, check_gradients
from stepbox.nn.activations import ACTIVATIONS, IDENTITY
from stepbox.nn.backprop import sample_gradients
from stepbox.nn.convolution import Convolution
from stepbox.nn.dense import Dense
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network, layer_specs
from stepbox.nn.pooling import MaxPool

RELU = ACTIVATIONS["relu"]
POOL = {"type": "max-pool", "size": 2, "stride": 2}
INPUTS = np.random.default_rng(0).uniform(size=8 * 7 * 2)


def convolution(channels, kernel, activation="relu", **options):
    return {
        "type": "convolution", "channels": channels, "kernel": kernel, "activation": activation,
        **options,
    }  # fmt: skip


def make(*layers, shape=(8, 7, 2), classes=10):
    specs = layer_specs(shape, [*layers, {"type": "dense", "neurons": classes}])
    return Network.initial(specs, 3)


def two_blocks(activation="relu"):
    """Return a network with convolutions as layers 0 and 2, and dense ones as layers 4 and 5."""
    return make(
        convolution(3, 3, activation, padding=1), POOL,
        convolution(4, 2, activation, stride=2, padding=1),
        {"type": "max-pool", "size": 2, "stride": 1},
        {"type": "dense", "neurons": 6, "activation": activation},
    )  # fmt: skip


def excluded(network, inputs, label=0):
    """Return how many weights of each layer are excluded, and how many windows have ties."""
    check = check_gradients(network, inputs, label, 0.01)
    check_numbers(check)
    return [(layer.excluded, layer.ties) for layer in check.layers]


def check_numbers(check):
    for layer in check.layers:
        assert layer.exact < 1e-9
        assert np.isfinite([layer.largest, layer.published, layer.published_distance]).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("fill", [0.0, -0.4])
def test_backpropagation_is_correct_up_to_rounding(activation, fill):
    network = two_blocks(activation)
    network.layers[0].fill = fill
    check = check_gradients(network, INPUTS, 4, 0.01)

    assert [layer.layer for layer in check.layers] == [0, 2, 4, 5]
    assert [layer.inputs for layer in check.layers] == [112, 36, 8, 6]
    assert [layer.outputs for layer in check.layers] == [168, 24, 6, 10]
    weights = [3 * 3 * 3 * 2, 4 * 2 * 2 * 3, 6 * 8, 60]
    assert [layer.weights for layer in check.layers] == weights
    assert [layer.checked for layer in check.layers] == weights
    assert [layer.excluded for layer in check.layers] == [0, 0, 0, 0]
    assert min(layer.largest for layer in check.layers) > 0
    check_numbers(check)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "gelu"])
def test_the_published_gradient_is_correct_only_in_the_last_layer(activation):
    check = check_gradients(two_blocks(activation), INPUTS, 4, 0.01)

    assert [layer.published > 0.01 for layer in check.layers] == [True, True, True, False]
    assert [layer.published_distance > 0.001 for layer in check.layers] == [True, True, True, False]


def test_a_derivative_equals_a_finite_difference():
    network, place, step = two_blocks("tanh"), (3, 1, 0, 2), 1e-6
    losses = []
    for sign in (1, -1):
        stepped = network.copy()
        stepped.layers[2].weights[place] += sign * step
        losses.append(cross_entropy(stepped.logits(INPUTS[None]), np.array([4]))[0])
    weight = np.ravel_multi_index(place, network.layers[2].weights.shape)

    [derivative] = ComplexSteps(network, INPUTS, 4).derivatives(2, np.array([weight]))
    assert derivative == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-6)


class MirroredConvolution(Convolution):
    """Its backward pass has a frequent mistake: the filters are upside down."""

    def backward(self, inputs, delta):
        mirrored = self.copy()
        mirrored.weights = np.ascontiguousarray(mirrored.weights[:, ::-1])
        return Convolution.backward(mirrored, inputs, delta)


class LastPool(MaxPool):
    """Its backward pass passes δ to the last cell of each window."""

    def backward(self, inputs, delta):
        return super().backward(np.arange(inputs.size) * 1.0, delta)


@pytest.mark.parametrize(("number", "wrong"), [(2, MirroredConvolution), (1, LastPool)])
def test_a_wrong_backward_pass_is_found_in_the_layers_before_it(number, wrong):
    network = two_blocks()
    layer = object.__new__(wrong)
    layer.__dict__.update(network.layers[number].__dict__)
    network.layers[number] = layer
    check = check_gradients(network, INPUTS, 4, 0.01)

    assert check.layers[0].exact > 0.01
    assert max(layer.exact for layer in check.layers[1:]) < 1e-9


# Shared maxima


def one_filter(weight, bias):
    """Return a network of one 1 × 1 filter, a pool over all four pixels, and two logits.

    Logit 0 is the maximum, and logit 1 is 0.
    """
    return Network(
        [
            Convolution(
                np.full((1, 1, 1, 1), weight), np.array([bias]), (2, 2, 1), activation=RELU
            ),
            MaxPool((2, 2, 1), size=2, stride=2),
            Dense(np.array([[1.0], [0.0]]), np.zeros(2)),
        ]
    )


def test_inputs_that_share_a_maximum_and_move_apart_have_two_one_sided_derivatives():
    """At w = 0, logit 0 is 1 + max(w, 2w, 0, 0): its slopes are 0 on the left, 2 on the right."""
    network, inputs = one_filter(0.0, 1.0), np.array([1.0, 2, 0, 0])
    check = check_gradients(network, inputs, 0, 0.01)
    left, at, right = ComplexSteps(network, inputs, 0).one_sided(0, np.array([0]))
    slope = -1 / (1 + np.e)  # of the loss with respect to logit 0, which is 1

    assert left == 0
    assert at == pytest.approx(slope, rel=1e-15)  # the first input, as in backpropagation
    assert right == pytest.approx(2 * slope, rel=1e-15)
    assert sample_gradients(network, inputs, 0)[0]["weight"].ravel() == pytest.approx(at, rel=1e-15)
    assert [(layer.excluded, layer.subgradients) for layer in check.layers] == [(1, 1), (0, 0)]
    assert [layer.ties for layer in check.layers] == [1, 0]


@pytest.mark.parametrize(
    ("weight", "bias", "inputs", "expected"),
    [
        (0.0, 1.0, [2, 2, 2, 2], (0, 1)),  # all move alike
        (1.0, 0.5, [2, 1, 2, 1], (0, 1)),  # those that share the maximum move alike
        (0.0, -1.0, [1, 2, 0, 0], (0, 0)),  # dead units stay at 0
        (1.0, 0.5, [0, 1, 2, 3], (0, 0)),  # only one input has the maximum
        (-1.0, 0.0, [1, 0, 2, 3], (0, 1)),  # a unit at a kink, whose weight moves nothing
        (0.0, 0.0, [1, 2, 0, 0], (1, 1)),  # units at a kink that share the maximum
    ],
)
def test_exactly_the_weights_that_move_a_maximum_apart_are_excluded(weight, bias, inputs, expected):
    network = one_filter(weight, bias)

    assert excluded(network, np.array(inputs, dtype=np.float64)) == [expected, (0, 0)]


def test_a_maximum_that_is_shared_up_to_rounding_causes_no_false_alarm():
    """0.1 + 0.2 is 4e-17 more than 0.3, and another order of a sum may round otherwise."""
    network = Network(
        [
            Convolution(np.array([0.1, 0.2, 0.3]).reshape(1, 1, 1, 3), np.zeros(1), (2, 2, 3)),
            MaxPool((2, 2, 1), size=2, stride=2),
            Dense(np.array([[1.0], [0.0]]), np.zeros(2)),
        ]
    )
    inputs = np.array([[0, 0, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]], dtype=np.float64)
    [(count, ties), _] = excluded(network, inputs.ravel())

    assert ties == 1
    assert count == 3  # each weight moves one of the two, and not the other


def test_ties_of_a_second_pool_are_found_too():
    """Both pools pass a maximum on, and the second has two that are equal."""
    network = Network(
        [
            Convolution(np.zeros((1, 1, 1, 1)), np.ones(1), (4, 4, 1), activation=RELU),
            MaxPool((4, 4, 1), size=2, stride=2),
            MaxPool((2, 2, 1), size=2, stride=2),
            Dense(np.array([[1.0], [0.0]]), np.zeros(2)),
        ]
    )
    same, differ = np.full((4, 4), 3.0), np.full((4, 4), 3.0)
    differ[:2, :2] = 2

    assert excluded(network, same.ravel()) == [(0, 5), (0, 0)]
    assert excluded(network, differ.ravel()) == [(1, 5), (0, 0)]


def test_a_pool_of_the_image_itself_has_maxima_that_no_weight_moves():
    network = make(POOL, convolution(3, 2))

    assert excluded(network, np.ones(112)) == [(0, 0), (0, 0)]


def test_a_plain_background_has_ties_that_do_no_harm():
    """Most windows of a digit are black, and their maximum is the bias."""
    network = two_blocks()
    network.layers[0].biases += 0.5
    image = np.zeros((8, 7, 2))
    image[2:5, 3:5] = np.random.default_rng(1).uniform(size=(3, 2, 2))
    [first, *others] = excluded(network, image.ravel())

    assert first[0] == 0
    assert first[1] > 5
    assert sum(count for count, _ in others) == 0


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("activation", [RELU, IDENTITY], ids=["relu", "identity"])
def test_one_sided_derivatives_equal_one_sided_differences(seed, activation):
    """Small integers put many units exactly at a kink, and many maxima are shared."""
    rng = np.random.default_rng(seed)
    network = make(
        convolution(2, 2), {"type": "max-pool", "size": 2, "stride": 1},
        convolution(3, 2, padding=1), {"type": "max-pool", "size": 3, "stride": 2},
        shape=(4, 4, 1), classes=3,
    )  # fmt: skip
    for layer in network.layers:
        for array in layer.arrays.values():
            array[:] = rng.integers(-1, 2, array.shape)
        if isinstance(layer, Convolution):
            layer.activation = activation
    inputs = rng.integers(0, 3, 16).astype(np.float64)
    check = check_gradients(network, inputs, 0, 0.01)
    check_numbers(check)
    steps, size = ComplexSteps(network, inputs, 0), 1e-7
    gradients = sample_gradients(network, inputs, 0)
    for entry in check.layers:
        exact, weights = gradients[entry.layer]["weight"].ravel(), np.arange(entry.weights)
        sides = steps.one_sided(entry.layer, weights)
        for side, derivatives in zip((-1, 1), sides[::2], strict=True):
            np.testing.assert_array_equal(
                derivatives, steps.derivatives(entry.layer, weights, side=side)
            )
            for weight, derivative in enumerate(derivatives):
                losses = []
                for moved in (0, side * size):
                    stepped = network.copy()
                    stepped.layers[entry.layer].weights.flat[weight] += moved
                    losses.append(cross_entropy(stepped.logits(inputs[None]), np.array([0]))[0])
                difference = (losses[1] - losses[0]) / (side * size)
                assert derivative == pytest.approx(difference, abs=1e-5)
        differ = np.abs(np.array(sides) - exact).max(axis=0) > 1e-9
        assert np.count_nonzero(differ) == entry.excluded


# Costs


def test_fewer_weights_are_checked_where_more_work_follows(monkeypatch):
    """A convolution uses each of its weights at every position."""
    after_the_first = (
        (4 * 3 * 3) * 4  # a maximum of 4 values for each of 4 × 3 × 3 outputs
        + (3 * 2 * 4) * (2 * 2 * 3)
        + (2 * 1 * 4) * 4
        + 6 * 8
        + 10 * 6
    )
    checked = []
    for affordable in (100, 30, 5):
        monkeypatch.setattr(gradient_check, "MOST_WORK", affordable * after_the_first)
        checked.append(check_gradients(two_blocks(), INPUTS, 4, 0.01).layers[0].checked)

    assert checked == [54, 30, LEAST_CHECKED]


def test_wide_layers_are_stepped_in_small_blocks(monkeypatch):
    """A block has at most so many numbers in each layer, unless a single weight has more."""
    network = make(convolution(6, 3, padding=1), POOL)
    widths = (8 * 7 * 3 * 3 * 2, 4 * 3 * 6)  # values in all windows, and inputs of the last layer
    for most in (2**21, 10 * widths[0], 1):
        monkeypatch.setattr(complex_step, "BLOCK_VALUES", most)
        asked = []
        check = check_gradients(network, INPUTS, 4, 0.01, lambda asked=asked: asked.append(True))
        blocks = [min(500, max(1, most // width)) for width in widths]
        weights = [layer.weights for layer in check.layers]
        assert len(asked) == sum(-(-n // block) for n, block in zip(weights, blocks, strict=True))
