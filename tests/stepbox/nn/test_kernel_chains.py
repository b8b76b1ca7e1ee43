"""The compiled form of convolutions and pools against their definition."""

from math import prod

import numpy as np
import pytest

from stepbox.nn.activations import ACTIVATIONS
from stepbox.nn.backprop import descend
from stepbox.nn.convolution import Convolution
from stepbox.nn.kernels.chain import Chain
from stepbox.nn.kernels.convolution import COLUMNS_AT_ONCE
from stepbox.nn.kernels.first_convolution import column_order, place_of
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import ImpossibleLayerError, Network, layer_specs
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES

CLASSES = 4
SAMPLES = 9
CHAINS = 10
RATE = 0.01
LAYERS = [
    {"type": "convolution", "channels": 3, "kernel": 5, "stride": 2, "padding": 2},
    {"type": "max-pool", "size": 3, "stride": 2},
    {"type": "convolution", "channels": 5, "kernel": 3},
    {"type": "dense", "neurons": 7},
]


def random_layers(rng, activation):
    """Draw up to four hidden layers, with every option."""
    layers = []
    for kind in rng.integers(0, 3, rng.integers(1, 5)):
        a, b, c, d = (int(number) for number in rng.integers(1, [9, 6, 4, 4]))
        window = {"kernel": b, "stride": c, "padding": d - 1}
        layers.append(
            (
                {"type": "convolution", "channels": a, **window, "activation": activation},
                {"type": "max-pool", "size": d, "stride": c},
                {"type": "dense", "neurons": a, "activation": activation},
            )[kind]
        )
    return [*layers, {"type": "dense", "neurons": CLASSES}]


def random_network(rng, activation, fill, dtype):
    """Draw a network whose layers fit each other."""
    while True:
        shape = tuple(int(number) for number in rng.integers([4, 4, 1], [12, 12, 4]))
        try:
            specs = layer_specs(shape, random_layers(rng, activation))
        except ImpossibleLayerError:
            continue
        network = Network.initial(specs, int(rng.integers(1000)), dtype=dtype)
        for layer in network.layers:
            if isinstance(layer, Convolution):
                layer.fill = fill
        return network, specs[0].inputs


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("fill", [0.0, -0.4])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("gradient", "batch_size"), [("exact", 1), ("published", 1), ("exact", 4)])
def test_a_chain_takes_the_same_steps_as_its_definition(
    activation, gradient, batch_size, fill, dtype
):
    rng = np.random.default_rng(7)
    tolerance = 1e-9 if dtype == np.float64 else 2e-4
    for _ in range(CHAINS):
        network, features = random_network(rng, activation, fill, dtype)
        inputs = rng.normal(size=(SAMPLES, features)).astype(dtype)
        inputs *= rng.random(inputs.shape) < 0.5
        labels = rng.integers(0, CLASSES, SAMPLES)
        weights = rng.uniform(0.5, 1.5, CLASSES).astype(dtype)
        chain = Chain.of(network)
        for start in range(0, SAMPLES, batch_size):
            batch = slice(start, start + batch_size)
            logits = descend(network, inputs[batch], labels[batch], RATE, gradient, weights)
            expected = cross_entropy(logits, labels[batch]) * weights[labels[batch]]
            losses, wrong = chain.descend(
                gradient == "published",
                inputs[batch],
                None,
                labels[batch],
                weights,
                batch_size,
                np.full(1, RATE, dtype),
            )
            np.testing.assert_allclose(losses, expected, rtol=10 * tolerance, atol=tolerance)
            np.testing.assert_array_equal(wrong, logits.argmax(axis=1) != labels[batch])
            compiled = chain.network().named_arrays()
            for name, array in network.named_arrays().items():
                assert compiled[name].dtype == dtype
                np.testing.assert_allclose(
                    compiled[name], array, rtol=tolerance, atol=tolerance, err_msg=str(network)
                )


@pytest.mark.parametrize(
    ("shape", "kernel", "padding"),
    [((1, 1, 3), 15, 14), ((2, COLUMNS_AT_ONCE + 5, 1), 3, 1)],
    ids=["windows much larger than the image", "a long row of outputs"],
)
def test_images_may_be_small_or_wide(shape, kernel, padding):
    layer = {"type": "convolution", "channels": 2, "kernel": kernel, "padding": padding}
    layers = [layer | {"activation": "tanh"}] * 2
    network = Network.initial(layer_specs(shape, [*layers, {"type": "dense", "neurons": 2}]), 1)
    inputs = np.random.default_rng(5).normal(size=(1, prod(shape)))
    chain, labels = Chain.of(network), np.array([1])
    descend(network, inputs, labels, RATE)
    chain.descend(False, inputs, None, labels, np.ones(2), 1, np.full(1, RATE))
    for name, array in network.named_arrays().items():
        np.testing.assert_allclose(chain.network().named_arrays()[name], array, atol=1e-12)


def test_a_network_keeps_its_arrays_on_the_way_to_a_chain_and_back():
    rng = np.random.default_rng(3)
    for _ in range(CHAINS):
        network, _ = random_network(rng, "relu", -0.4, np.float64)
        returned = Chain.of(network).network()
        for name, array in network.named_arrays().items():
            np.testing.assert_array_equal(returned.named_arrays()[name], array)
        assert [vars(layer).get("fill") for layer in returned.layers] == [
            vars(layer).get("fill") for layer in network.layers
        ]


def test_columns_of_a_kernel_are_in_the_order_in_which_an_input_meets_them():
    for kernel in range(1, 16):
        for stride in range(1, 9):
            order = column_order(kernel, stride).tolist()
            assert [place_of(column, kernel, stride) for column in order] == list(range(kernel))
            for place, column in enumerate(order):
                if column >= stride:
                    assert order[place + 1] == column - stride


@pytest.mark.parametrize("layers", [LAYERS, LAYERS[1:]], ids=["convolution", "pool"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"standardize": True}, {"class_weights": "balanced"}, {"batch_size": 30}],
    ids=lambda changes: ", ".join(changes) or "plain",
)
def test_a_training_of_images_equals_its_definition_and_continues_byte_for_byte(
    few, layers, changes
):
    recipe = RECIPES["mnist-numpy"].changed(layers=layers, activation="tanh", **changes)
    data = few(40)
    indices = np.arange(len(data.labels))
    compiled, again, readable, resumed = (
        make_trainer(recipe, data, compiled=compiled) for compiled in (True, True, False, True)
    )
    for trainer in (compiled, again, readable):
        trainer.train_samples(indices)
    # Not "parameters", under which checkpoints of dense networks have another order.
    order = "parameters by window"
    assert list(compiled.arrays()) == [order]
    np.testing.assert_array_equal(compiled.arrays()[order], again.arrays()[order])
    for name, array in readable.network().named_arrays().items():
        result = compiled.network().named_arrays()[name]
        np.testing.assert_allclose(result, array, rtol=1e-9, atol=1e-9)

    resumed.set_arrays(compiled.arrays())
    for trainer in (compiled, resumed):
        trainer.train_samples(indices)
    np.testing.assert_array_equal(resumed.arrays()[order], compiled.arrays()[order])
