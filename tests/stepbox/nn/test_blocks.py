"""Networks run in blocks, which bound the memory and do not change the results."""

import tracemalloc

import numpy as np
import pytest

from stepbox.nn import convolution, network
from stepbox.nn.convolution import ConvolutionSpec
from stepbox.nn.network import Network, dense_layers, layer_specs

LAYERS = [
    {"type": "convolution", "channels": 4, "kernel": 3, "padding": 1, "activation": "relu"},
    {"type": "max-pool", "size": 3, "stride": 2},
    {"type": "convolution", "channels": 5, "kernel": 2, "stride": 2, "activation": "tanh"},
    {"type": "dense", "neurons": 3},
]


@pytest.mark.parametrize("block", [1, 200, 2_000, 10**9])
def test_the_size_of_a_block_of_windows_changes_no_result(monkeypatch, block):
    """A block is one row of outputs, some rows, some samples, or everything."""
    layer = ConvolutionSpec((9, 8, 3), 4, 3, padding=1).initial(
        np.random.default_rng(0), "he", np.float64
    )
    inputs, delta = (np.random.default_rng(1).normal(size=(5, size)) for size in (216, 288))
    padded = np.pad(inputs.reshape(5, 9, 8, 3), [(0, 0), (1, 1), (1, 1), (0, 0)])
    expected = np.zeros((5, 9, 8, 4))
    weight = np.zeros((4, 3, 3, 3))
    for i, j in np.ndindex(9, 8):
        window = padded[:, i : i + 3, j : j + 3]
        expected[:, i, j] = np.tensordot(window, layer.weights, [[1, 2, 3]] * 2)
        weight += np.multiply.outer(delta.reshape(5, 9, 8, 4)[0, i, j], window[0])
    monkeypatch.setattr(convolution, "BLOCK", block)
    np.testing.assert_allclose(layer.forward(inputs), expected.reshape(5, -1), rtol=1e-12)
    np.testing.assert_allclose(layer.forward(inputs[2]), expected[2].ravel(), rtol=1e-12)
    gradients = layer.gradients(inputs[0], delta[0])
    np.testing.assert_allclose(gradients["weight"], weight, rtol=1e-12)


def test_a_convolution_takes_memory_for_some_windows_only():
    """All windows of this layer together have 52 million numbers."""
    layer = ConvolutionSpec((64, 64, 64), 1, 15, padding=7).initial(
        np.random.default_rng(0), "he", np.float32
    )
    inputs = np.ones((1, 64 * 64 * 64), np.float32)
    tracemalloc.start()
    layer.forward(inputs)
    layer.gradients(inputs[0], np.ones(64 * 64, np.float32))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16e6  # a row of windows takes 3.7 MB


def test_blocks_of_samples_have_a_limited_number_of_outputs(monkeypatch):
    small = Network.initial(dense_layers([4, 5, 2], "relu"), 0)
    assert [*small.blocks(2500)] == [slice(0, 1000), slice(1000, 2000), slice(2000, 3000)]
    images = Network.initial(layer_specs((9, 8, 3), LAYERS), 0)
    assert images.outputs == 9 * 8 * 4 + 4 * 3 * 4 + 2 * 1 * 5 + 3
    monkeypatch.setattr(network, "MOST_OUTPUTS_IN_BLOCK", 1000)
    assert [*images.blocks(5)] == [slice(0, 2), slice(2, 4), slice(4, 6)]
    monkeypatch.setattr(network, "MOST_OUTPUTS_IN_BLOCK", 1)
    assert [*images.blocks(2)] == [slice(0, 1), slice(1, 2)]


def test_products_are_those_of_the_specifications():
    specs = layer_specs((9, 8, 3), LAYERS)
    assert Network.initial(specs, 0).products == sum(spec.products for spec in specs)


def test_a_neuron_of_an_image_is_a_channel():
    images = Network.initial(layer_specs((9, 8, 3), LAYERS), 0)
    inputs = np.random.default_rng(0).normal(size=(3, 216))
    off = images.without([(0, 1), (1, 2), (2, 4)])
    for one in (inputs, inputs[0]):
        activations = off.forward(one)[1][1:]
        plain = images.forward(one)[1][1]
        first = plain.reshape(-1, 4).copy()
        first[:, 1] = 0
        np.testing.assert_array_equal(activations[0].reshape(-1, 4), first)
        assert not activations[1].reshape(-1, 4)[:, 2].any()
        assert not activations[2].reshape(-1, 5)[:, 4].any()
        assert activations[2].reshape(-1, 5)[:, :4].all()
    assert images.forward(inputs)[1][1].reshape(-1, 4)[:, 1].any()
