import numpy as np
import pytest

from stepbox.analysis.projection import principal_components, representation
from stepbox.nn.network import Network, dense_layers


def test_points_on_a_line_vary_along_it_only():
    samples = np.array([5, 6, 7]) + np.outer([-1, 0, 3], [0, 3, -4])
    found = principal_components(samples)
    np.testing.assert_allclose(found.axes[0], [0, -0.6, 0.8], atol=1e-12)
    np.testing.assert_allclose(found.shares, [1, 0], atol=1e-12)
    np.testing.assert_allclose(found.points(samples)[:, 0], [25 / 3, 10 / 3, -35 / 3])


def test_equal_samples_have_no_variance():
    found = principal_components(np.ones((4, 3)))
    assert found.shares.tolist() == [0, 0]
    assert not found.points(np.ones((4, 3))).any()


def test_a_single_neuron_varies_along_x_only():
    samples = np.array([[1.0], [3.0], [8.0]])
    found = principal_components(samples)
    assert found.shares.tolist() == [1, 0]
    assert found.points(samples).tolist() == [[-3, 0], [-1, 0], [4, 0]]


def test_a_layer_represents_samples_by_its_outputs():
    network = Network.initial(dense_layers([4, 3, 2], "tanh"), 0)
    inputs = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_array_equal(representation(network, inputs, 0), inputs)
    hidden = np.tanh(inputs @ network.layers[0].weights.T)
    np.testing.assert_allclose(representation(network, inputs, 1), hidden)
    np.testing.assert_array_equal(representation(network, inputs, 2), network.logits(inputs))
    with pytest.raises(IndexError):
        representation(network, inputs, 3)
