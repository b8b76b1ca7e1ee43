import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepbox.nn.activations import ACTIVATIONS
from stepbox.nn.network import Network

TANH = ACTIVATIONS["tanh"]
layer_sizes = st.lists(st.integers(1, 20), min_size=2, max_size=5)


def test_forward_worked_by_hand():
    network = Network(
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
def test_same_seed_same_weights(sizes, seed):
    first, second = (Network.initial(sizes, TANH, seed).named_arrays() for _ in range(2))

    assert {name: array.tobytes() for name, array in first.items()} == {
        name: array.tobytes() for name, array in second.items()
    }


@given(sizes=layer_sizes, seed=st.integers(0, 2**32 - 1))
def test_initial_weights_are_drawn_layer_by_layer(sizes, seed):
    network = Network.initial(sizes, TANH, seed)
    normal = np.random.default_rng(seed).standard_normal

    for layer, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        expected = normal(n_out * n_in).reshape(n_out, n_in) / max(n_in, n_out) ** 0.5
        np.testing.assert_allclose(weights, expected, rtol=1e-14)
        assert biases.tolist() == [0] * n_out


def test_he_weights_are_the_same_draws_at_another_scale():
    default, he = (
        Network.initial((784, 50, 10), TANH, 3, kind, np.float32) for kind in ("default", "he")
    )

    for layer, factor in ((0, 2**0.5), (1, 2**0.5)):
        np.testing.assert_allclose(he.weights[layer], factor * default.weights[layer], rtol=1e-6)
    assert {array.dtype for array in he.named_arrays().values()} == {np.dtype(np.float32)}


@given(sizes=layer_sizes, count=st.integers(1, 5))
def test_a_batch_is_its_samples(sizes, count):
    network = Network.initial(sizes, TANH, seed=1)
    inputs = np.random.default_rng(2).normal(size=(count, sizes[0]))
    logits = network.logits(inputs)

    assert logits.shape == (count, sizes[-1])
    for row, sample in zip(logits, inputs, strict=True):
        np.testing.assert_allclose(row, network.logits(sample[None])[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(network.probabilities(inputs).sum(axis=1), 1)


@given(sizes=layer_sizes)
def test_named_arrays_make_the_same_network_again(sizes):
    network = Network.initial(sizes, TANH, seed=3)
    again = Network.from_named_arrays(network.named_arrays(), network.activation)

    assert list(network.named_arrays()) == [
        f"{layer}.{kind}" for layer in range(len(sizes) - 1) for kind in ("weight", "bias")
    ]
    for name, array in network.named_arrays().items():
        assert again.named_arrays()[name].tobytes() == array.tobytes()


def test_a_copy_shares_nothing():
    network = Network.initial((3, 2), TANH, seed=4)
    before = network.weights[0].copy()
    network.copy().weights[0] += 1

    np.testing.assert_array_equal(network.weights[0], before)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_arithmetic_is_in_the_weights_dtype(dtype):
    network = Network([np.ones((2, 3), dtype)], [np.ones(2, dtype)], TANH)

    assert network.probabilities(np.ones((1, 3), dtype)).dtype == dtype
