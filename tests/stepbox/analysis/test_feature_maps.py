import numpy as np
import pytest

from stepbox.analysis.feature_maps import layer_outputs, positions_of_maxima
from stepbox.nn.network import Network, layer_specs
from stepbox.nn.pooling import MaxPool

LAYERS = [
    {"type": "convolution", "channels": 4, "kernel": 3, "activation": "relu"},
    {"type": "max-pool", "size": 2, "stride": 1},
    {"type": "dense", "neurons": 5, "activation": "tanh"},
    {"type": "dense", "neurons": 3},
]


def test_outputs_are_the_activations_in_the_shapes_of_the_layers():
    network = Network.initial(layer_specs((7, 6), LAYERS), 0)
    inputs = np.random.default_rng(0).normal(size=(2, 42))
    outputs = [*layer_outputs(network, inputs)]
    assert [one.values.shape for one in outputs] == [(2, 5, 4, 4), (2, 4, 3, 4), (2, 5), (2, 3)]
    _, activations = network.forward(inputs)
    for one, expected in zip(outputs, [*activations[1:], network.logits(inputs)], strict=True):
        np.testing.assert_array_equal(one.values.reshape(2, -1), expected)
    assert [one.winners is None for one in outputs] == [True, False, True, True]


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 3), (1, 1)])
def test_a_maximum_is_in_its_window_and_has_the_value_of_the_output(size, stride):
    pool = MaxPool((8, 7, 3), size, stride)
    inputs = np.random.default_rng(1).normal(size=(4, 8 * 7 * 3))
    rows, columns = np.moveaxis(positions_of_maxima(pool, inputs), -1, 0)
    n, i, j, c = np.indices(rows.shape)
    images, outputs = inputs.reshape(4, 8, 7, 3), pool.forward(inputs).reshape(rows.shape)
    np.testing.assert_array_equal(images[n, rows, columns, c], outputs)
    for found, window in ((rows, i), (columns, j)):
        assert ((found >= stride * window) & (found < stride * window + size)).all()


def test_the_first_of_equal_maxima_in_row_major_order_is_found():
    pool = MaxPool((4, 2, 1), 2, 2)
    equal = np.array([[0, 1, 1, 0, 5, 5, 5, 5.0]])
    found = positions_of_maxima(pool, equal)
    assert found[0, :, 0, 0].tolist() == [[0, 1], [2, 0]]
