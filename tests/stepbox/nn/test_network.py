from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.nn.activations import ACTIVATIONS
from stepbox.nn.network import (
    ImpossibleLayerError,
    Network,
    array_shapes,
    dense_layers,
    layer_specs,
)

layer_sizes = st.lists(st.integers(1, 20), min_size=2, max_size=5)


def untrained(sizes, seed, **options):
    return Network.initial(dense_layers(sizes, "tanh"), seed, **options)


def test_the_forward_pass_equals_one_worked_by_hand():
    network = Network.dense(
        [np.array([[1.0, -1.0], [2.0, 0.5]]), np.array([[3.0, 1.0]])],
        [np.array([0.0, -1.0]), np.array([0.25])],
        ACTIVATIONS["relu"],
    )
    pre_activations, activations = network.forward(np.array([1.0, 2.0]))

    # Hidden: relu(1 − 2 = −1) = 0 and relu(2 + 1 − 1 = 2) = 2; logit: 3·0 + 1·2 + 0.25.
    np.testing.assert_array_equal(pre_activations[0], [-1, 2])
    np.testing.assert_array_equal(activations[1], [0, 2])
    np.testing.assert_array_equal(pre_activations[1], [2.25])
    assert network.parameters == 9


@given(sizes=layer_sizes, seed=st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_weights(sizes, seed):
    first, second = (untrained(sizes, seed).named_arrays() for _ in range(2))

    assert {name: array.tobytes() for name, array in first.items()} == {
        name: array.tobytes() for name, array in second.items()
    }


@given(sizes=layer_sizes, seed=st.integers(0, 2**32 - 1))
def test_initial_weights_are_drawn_layer_by_layer(sizes, seed):
    network = untrained(sizes, seed)
    normal = np.random.default_rng(seed).standard_normal

    for layer, (n_in, n_out) in zip(network.layers, pairwise(sizes), strict=True):
        expected = normal(n_out * n_in).reshape(n_out, n_in) / max(n_in, n_out) ** 0.5
        np.testing.assert_allclose(layer.weights, expected, rtol=1e-14)
        assert layer.biases.tolist() == [0] * n_out


def test_he_weights_are_the_same_draws_at_another_scale():
    default, he = (
        untrained((784, 50, 10), 3, initialization=kind, dtype=np.float32)
        for kind in ("default", "he")
    )

    for layer, default_layer in zip(he.layers, default.layers, strict=True):
        np.testing.assert_allclose(layer.weights, 2**0.5 * default_layer.weights, rtol=1e-6)
    assert {array.dtype for array in he.named_arrays().values()} == {np.dtype(np.float32)}


@given(sizes=layer_sizes, count=st.integers(1, 5))
def test_a_batch_gives_the_logits_of_its_samples(sizes, count):
    network = untrained(sizes, 1)
    inputs = np.random.default_rng(2).normal(size=(count, sizes[0]))
    logits = network.logits(inputs)

    assert logits.shape == (count, sizes[-1])
    for row, sample in zip(logits, inputs, strict=True):
        np.testing.assert_allclose(row, network.logits(sample[None])[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(network.probabilities(inputs).sum(axis=1), 1)


@given(sizes=layer_sizes)
def test_a_network_is_restored_from_its_named_arrays(sizes):
    network = untrained(sizes, 3)
    specs = dense_layers(sizes, "tanh")
    again = Network.from_named_arrays(specs, network.named_arrays())

    assert list(network.named_arrays()) == [
        f"{layer}.{kind}" for layer in range(len(sizes) - 1) for kind in ("weight", "bias")
    ]
    assert array_shapes(specs) == {n: a.shape for n, a in network.named_arrays().items()}
    assert sum(spec.parameters for spec in specs) == network.parameters
    assert [layer.activation for layer in again.layers] == [
        layer.activation for layer in network.layers
    ]
    for name, array in network.named_arrays().items():
        assert again.named_arrays()[name].tobytes() == array.tobytes()


def test_a_copy_shares_nothing():
    network = untrained((3, 2), 4)
    before = network.layers[0].weights.copy()
    network.copy().layers[0].weights += 1

    np.testing.assert_array_equal(network.layers[0].weights, before)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_the_network_computes_in_the_dtype_of_its_weights(dtype):
    network = untrained((3, 2), 1).copy(dtype)

    assert network.probabilities(np.ones((1, 3), dtype)).dtype == dtype


IMAGE_LAYERS = [
    {"type": "max-pool", "size": 2, "stride": 1},
    {"type": "convolution", "channels": 3, "kernel": 2, "activation": "tanh"},
    {"type": "max-pool", "size": 2, "stride": 2},
    {"type": "dense", "neurons": 5, "activation": "tanh"},
    {"type": "dense", "neurons": 4},
]


def image_network(seed=1, **options):
    specs = layer_specs((6, 7), IMAGE_LAYERS)
    return specs, Network.initial(specs, seed, **options)


def test_layers_keep_their_number_in_the_names_of_arrays():
    specs, network = image_network()
    shapes = {name: array.shape for name, array in network.named_arrays().items()}

    assert shapes == array_shapes(specs) == {
        "1.weight": (3, 2, 2, 1), "1.bias": (3,),
        "3.weight": (5, 2 * 2 * 3), "3.bias": (5,), "4.weight": (4, 5), "4.bias": (4,),
    }  # fmt: skip
    again = Network.from_named_arrays(specs, network.named_arrays())
    inputs = np.random.default_rng(2).normal(size=(3, 42))
    np.testing.assert_array_equal(again.logits(inputs), network.logits(inputs))
    assert sum(spec.parameters for spec in specs) == network.parameters


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_images_are_computed_in_the_dtype_of_the_weights_even_if_a_pool_comes_first(dtype):
    network = image_network()[1].copy(dtype)

    assert network.dtype == dtype
    assert network.logits(np.ones((2, 42), dtype)).dtype == dtype
    assert network.probabilities(np.ones((2, 42), dtype)).dtype == dtype


def test_forward_returns_vectors_that_the_next_layer_takes():
    specs, network = image_network()
    inputs = np.random.default_rng(2).normal(size=42)
    pre_activations, activations = network.forward(inputs)

    assert [z.shape for z in pre_activations] == [(30,), (60,), (12,), (5,), (4,)]
    assert [a.shape for a in activations] == [(42,), (30,), (60,), (12,), (5,)]
    assert [spec.outputs for spec in specs] == [z.size for z in pre_activations]
    np.testing.assert_allclose(network.logits(inputs[None])[0], pre_activations[-1], rtol=1e-12)


@pytest.mark.parametrize("layer", [1, 2])
def test_a_channel_is_switched_off_with_its_whole_feature_map(layer):
    _, network = image_network()
    inputs = np.random.default_rng(2).normal(size=(3, 42))
    _, activations = network.without([(layer, 1)]).forward(inputs)
    _, before = network.forward(inputs)
    off = activations[layer + 1].reshape(3, -1, 3)

    assert not off[..., 1].any()
    np.testing.assert_array_equal(off[..., ::2], before[layer + 1].reshape(3, -1, 3)[..., ::2])
    assert before[layer + 1].all()


def test_an_impossible_layer_is_named_with_what_comes_before():
    with pytest.raises(ImpossibleLayerError, match="a window of 8 × 8 does not fit in") as caught:
        layer_specs((6, 7), [*IMAGE_LAYERS[:2], {"type": "max-pool", "size": 8, "stride": 8}])

    assert caught.value.layer == 2
    assert [spec.output_shape for spec in caught.value.before] == [(5, 6, 1), (4, 5, 3)]


def test_the_initial_weights_of_all_layers_are_drawn_in_order():
    _, network = image_network(seed=9, initialization="he")
    normal = np.random.default_rng(9).standard_normal
    for number, n_in in ((1, 4), (3, 12), (4, 5)):
        weights = network.layers[number].weights
        expected = normal(weights.size).reshape(weights.shape) * (2 / n_in) ** 0.5
        np.testing.assert_allclose(weights, expected, rtol=1e-14)
    assert not any(layer.biases.any() for layer in network.layers if layer.arrays)
