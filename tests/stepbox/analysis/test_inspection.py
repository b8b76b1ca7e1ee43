import numpy as np
import pytest

from stepbox.analysis.inspection import (
    Predictions,
    by_confidence,
    entropy,
    input_gradient,
    margin,
    most_changed,
    published_curves,
    signed_grey,
    weight_histograms,
)
from stepbox.nn.activations import ACTIVATIONS
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network, dense_layers
from stepbox.training.presets import RECIPES


def network_of(activation, *sizes, seed=0):
    return Network.initial(dense_layers(sizes, activation), seed)


def test_the_published_curves_are_those_of_recipes():
    assert published_curves().keys() - {"source"} <= RECIPES.keys()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (7,), (9, 5, 6)])
def test_the_input_gradient_equals_the_complex_step_derivative(activation, hidden):
    network = network_of(activation, 12, *hidden, 4)
    inputs, classes = np.random.default_rng(1).normal(size=(3, 12)), np.array([2, 0, 3])
    gradient = input_gradient(network, inputs, classes)
    for sample, chosen in enumerate(classes):
        steps = inputs[sample] + 1e-200j * np.eye(12)
        expected = network.logits(steps)[:, chosen].imag / 1e-200
        np.testing.assert_allclose(gradient[sample], expected, rtol=1e-12, atol=1e-15)


def test_a_saturated_network_has_no_gradient():
    network = network_of("sigmoid", 4, 3, 2)
    network.layers[0].biases += 1e4
    assert not input_gradient(network, np.ones((1, 4)), np.array([0])).any()


def test_entropy_and_margin_worked_by_hand():
    probabilities = np.array([[1, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3], [0.7, 0.1, 0.2]])
    expected = [
        0,
        np.log(2),
        np.log(3),
        -(0.7 * np.log(0.7) + 0.1 * np.log(0.1) + 0.2 * np.log(0.2)),
    ]
    np.testing.assert_allclose(entropy(probabilities), expected, atol=1e-15)
    np.testing.assert_allclose(margin(probabilities), [1, 0, 0, 0.5], atol=1e-15)


def test_predictions_are_the_most_probable_classes():
    logits = np.random.default_rng(2).normal(size=(50, 3))
    predictions = Predictions.of(logits)
    np.testing.assert_array_equal(predictions.classes, logits.argmax(axis=1))
    np.testing.assert_array_equal(
        predictions.probabilities, softmax(logits)[range(50), predictions.classes]
    )


def test_chosen_samples_are_sorted_by_confidence():
    rng = np.random.default_rng(2)
    predictions, chosen = Predictions.of(rng.normal(size=(50, 3))), rng.random(50) < 0.5
    found = by_confidence([predictions], chosen)
    assert sorted(found) == list(np.flatnonzero(chosen))
    assert (np.diff(predictions.probabilities[found]) <= 0).all()


def test_the_least_confident_of_two_networks_decides():
    logits = np.log([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    other = np.log([[0.6, 0.4], [0.3, 0.7], [0.9, 0.1], [0.5001, 0.4999]])
    networks = [Predictions.of(logits), Predictions.of(other)]
    both = by_confidence(networks, np.array([False, True, True, True]))
    assert both.tolist() == [1, 2, 3]  # 0.7 twice: the first stays first


def test_no_chosen_sample_gives_an_empty_list():
    found = by_confidence([Predictions.of(np.zeros((4, 3)))], np.zeros(4, bool))
    assert found.shape == (0,)


def test_histograms_count_every_weight_once():
    before, after = network_of("relu", 784, 40, 10), network_of("relu", 784, 40, 10, seed=1)
    after.layers[0].weights *= 3
    for layer, histogram in enumerate(weight_histograms(before, after)):
        assert histogram.before.sum() == histogram.after.sum() == before.layers[layer].weights.size
        np.testing.assert_allclose(histogram.edges, -histogram.edges[::-1], atol=1e-15)
        assert histogram.spread_before == pytest.approx(before.layers[layer].weights.std())
    first = weight_histograms(before, after)[0]
    inner = slice(1, -1)  # the outer bins also count the weights beyond them
    counted = np.histogram(after.layers[0].weights, first.edges)[0]
    np.testing.assert_array_equal(first.after[inner], counted[inner])


def test_weights_that_are_all_0_have_a_histogram():
    network = network_of("relu", 4, 2)
    network.layers[0].weights[:] = 0
    [histogram] = weight_histograms(network, network)
    assert histogram.after.sum() == 8


def test_the_most_changed_neurons_come_first():
    before = np.random.default_rng(0).normal(size=(3, 28, 28))
    after = before.copy()
    after[1] += 0.5
    after[2] -= 0.1
    neurons, changes = most_changed(before, after)
    assert list(neurons) == [1, 2, 0]
    np.testing.assert_allclose(changes, [14, 2.8, 0], atol=1e-12)


def test_signed_grey_keeps_zero_and_the_signs():
    pictures = np.array([[[0.0, 2.0]], [[-1.0, -2.0]]])
    np.testing.assert_array_equal(signed_grey(pictures), [[128, 255, 64, 1]])
    np.testing.assert_array_equal(signed_grey(np.zeros((1, 1, 2))), [[128, 128]])
