"""Standardization, folded into the first layer with weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.errors import InvalidInputError
from stepbox.nn.network import Network, layer_specs
from stepbox.training.standardization import Standardization

NETWORKS = {
    "convolution": [
        {"type": "convolution", "channels": 3, "kernel": 3, "padding": 2, "activation": "tanh"}
    ],
    "convolution after pools": [
        {"type": "max-pool", "size": 2, "stride": 1},
        {"type": "max-pool", "size": 2, "stride": 2},
        {"type": "convolution", "channels": 3, "kernel": 2, "padding": 1, "activation": "tanh"},
        {"type": "convolution", "channels": 2, "kernel": 2, "padding": 1, "activation": "tanh"},
    ],
    "dense": [],
    "dense after a pool": [{"type": "max-pool", "size": 3, "stride": 2}],
}
networks = pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS.keys())


def make(layers, shape=(7, 6, 2)):
    specs = layer_specs(shape, [*layers, {"type": "dense", "neurons": 4}])
    return Network.initial(specs, seed=5, initialization="he")


@networks
@given(mean=st.floats(-300, 300), deviation=st.floats(1e-3, 300), seed=st.integers(0, 2**32 - 1))
def test_the_folded_network_computes_the_same_from_the_inputs_themselves(
    layers, mean, deviation, seed
):
    """Padding is black in both: 0, and what becomes of 0."""
    rng = np.random.default_rng(seed)
    standardization = Standardization(np.array([mean]), np.array([deviation]))
    network = make(layers)
    standardization.set_fill(network)
    folded = network.copy()
    standardization.fold(folded)
    inputs = rng.uniform(0, 255, (3, 84))
    expected = network.logits(standardization.apply(inputs.copy()))

    np.testing.assert_allclose(
        folded.logits(inputs), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max()
    )
    assert {layer.fill for layer in folded.layers if hasattr(layer, "fill")} <= {0.0}


@networks
def test_unfolding_undoes_folding(layers):
    standardization = Standardization(np.array([0.13]), np.array([0.31]))
    network = make(layers)
    standardization.set_fill(network)
    again = network.copy()
    standardization.fold(again)
    standardization.unfold(again)

    for name, array in network.named_arrays().items():
        np.testing.assert_allclose(again.named_arrays()[name], array, rtol=1e-12, atol=1e-14)
    for one, other in zip(network.layers, again.layers, strict=True):
        assert getattr(one, "fill", None) == getattr(other, "fill", None)


def test_only_the_first_convolution_pads_with_another_value_than_0():
    network = make(NETWORKS["convolution after pools"])
    Standardization(np.array([0.5]), np.array([0.25])).set_fill(network)

    assert [layer.fill for layer in network.layers[2:4]] == [-2, 0]


def test_a_first_layer_that_cannot_be_folded_is_refused():
    """Without this, the model would compute something else than the trained network."""
    network = make([])
    network.layers[0] = object()  # neither a max-pool, nor dense, nor a convolution
    standardization = Standardization(np.array([0.5]), np.array([0.25]))
    for function in (standardization.set_fill, standardization.fold, standardization.unfold):
        with pytest.raises(InvalidInputError, match="/standardize: must be false"):
            function(network)
