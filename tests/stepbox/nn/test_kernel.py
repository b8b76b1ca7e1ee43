"""The compiled form of `descend` against its definition."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stepbox.data.builtin import MNIST
from stepbox.data.dataset import Dataset, scale_pixels
from stepbox.nn.activations import ACTIVATIONS
from stepbox.nn.backprop import descend
from stepbox.nn.kernels.activations import CODES, activate
from stepbox.nn.kernels.chain import Chain
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network, layer_specs
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES

STEPS = 100
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("shape", [(5, 7), (1, 3), (8, 8)])
def test_the_compiled_form_accepts_any_number_of_pixels(few, shape):
    """The compiled form reads eight pixels at a time, so images are padded to a multiple of 8."""
    small = MNIST.model_copy(update={"shape": shape})
    whole = few(300)
    height, width = shape
    images = np.ascontiguousarray(whole.samples[:, 8 : 8 + height, 8 : 8 + width])
    data = Dataset(small, images, whole.labels)
    recipe = RECIPES["mnist-numpy"]
    compiled, readable = (
        make_trainer(recipe, data, compiled=compiled) for compiled in (True, False)
    )
    for trainer in (compiled, readable):
        trainer.train_samples(np.arange(len(images)))

    expected = readable.network().named_arrays()
    for name, array in compiled.network().named_arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden_sizes", [(), (13,), (13, 7), (13, 7, 20)], ids=len)
@pytest.mark.parametrize(
    ("gradient", "batch_size"), [("exact", 1), ("published", 1), ("exact", 2), ("exact", 7)]
)
def test_the_compiled_form_takes_the_same_steps_as_its_definition(
    few, activation, hidden_sizes, gradient, batch_size
):
    recipe = RECIPES["mnist-numpy"].model_copy(
        update={
            "activation": activation,
            "hidden_sizes": hidden_sizes,
            "gradient": gradient,
            "batch_size": batch_size,
        }
    )
    data = few(STEPS * batch_size - batch_size // 2)  # the last batch is shorter
    inputs = scale_pixels(data.samples, "unit")
    trainer = make_trainer(recipe, data)
    network = trainer.network()
    losses = 0.0
    for start in range(0, len(inputs), batch_size):
        batch = slice(start, start + batch_size)
        logits = descend(network, inputs[batch], data.labels[batch], recipe.learning_rate, gradient)
        losses += cross_entropy(logits, data.labels[batch]).sum()
        seen, wrong = trainer.train_samples(np.arange(start, min(start + batch_size, len(inputs))))

        compiled = trainer.network().named_arrays()
        for name, array in network.named_arrays().items():
            np.testing.assert_allclose(compiled[name], array, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(seen, cross_entropy(logits, data.labels[batch]), rtol=1e-9)
        np.testing.assert_array_equal(wrong, logits.argmax(axis=1) != data.labels[batch])

    whole = make_trainer(recipe, data)
    assert whole.train_samples(np.arange(len(inputs)))[0].sum() == pytest.approx(losses, rel=1e-9)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gradient": "published", "pixel_scale": "raw"},
        {"batch_size": 300, "schedule": "cosine", "shuffle": True},
        {"single_precision": True, "augmentation": "distort", "activation": "relu"},
    ],
    ids=lambda changes: ", ".join(changes) or "plain",
)
def test_the_definition_and_the_compiled_form_train_to_the_same_weights(few, changes):
    recipe = RECIPES["mnist-numpy"].model_copy(update=changes)
    data = few(2500)
    compiled, readable, resumed = (
        make_trainer(recipe, data, compiled=compiled) for compiled in (True, False, False)
    )
    assert list(readable.arrays()) == list(readable.network().named_arrays())
    for samples, _ in readable.train_epoch():
        if 0 < samples < 2500:
            resumed.restore(readable.state())
    for trainer in (compiled, resumed):
        list(trainer.train_epoch())

    tolerance = 1e-3 if recipe.single_precision else 1e-8
    assert readable.loss_sum == pytest.approx(compiled.loss_sum, rel=tolerance)
    for name, array in readable.network().named_arrays().items():
        assert array.dtype == compiled.network().dtype
        np.testing.assert_array_equal(array, resumed.network().named_arrays()[name])
        np.testing.assert_allclose(
            array, compiled.network().named_arrays()[name], rtol=tolerance, atol=tolerance
        )


def test_only_chains_with_one_activation_have_a_compiled_form():
    def compiled(*activations):
        layers = [{"type": "dense", "neurons": 3, "activation": name} for name in activations]
        return Chain.of(Network.initial(layer_specs((3,), layers), seed=1)) is not None

    for name in ACTIVATIONS:
        assert compiled(name, name, None)
        assert compiled(name, None)
        assert not compiled(name)  # the last layer has an activation function
    assert compiled(None)
    assert not compiled("relu", "tanh", None)
    assert not compiled("relu", None, None)
    pool = [{"type": "max-pool", "size": 2, "stride": 2}]
    assert Chain.of(Network.initial(layer_specs((4, 4), pool), seed=1)) is None


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_compiled_values_and_slopes_equal_the_definition(name):
    """Compare them at ordinary points and at the ends of the float range."""
    places = np.concatenate([np.linspace(-40, 40, 801), [-1e308, 1e308]])
    compiled = np.array([activate(CODES[name], z) for z in places])

    np.testing.assert_allclose(compiled[:, 0], ACTIVATIONS[name].function(places), atol=1e-15)
    np.testing.assert_allclose(compiled[:, 1], ACTIVATIONS[name].derivative(places), atol=1e-15)


# Compilation ahead of time


TRAIN = """
import numpy
from stepbox.nn.kernels.descend import descend
from stepbox.training import augmentation_loops
from stepbox.data.builtin import MNIST
from stepbox.data.dataset import Dataset
from stepbox.training.presets import RECIPES
from stepbox.training.loop import make_trainer

images = numpy.arange(3 * 784, dtype="uint8").reshape(3, 28, 28)
for name in ("mnist-numpy", "mnist-numpy-best"):
    trainer = make_trainer(RECIPES[name], Dataset(MNIST, images, numpy.zeros(3, "uint8")))
    list(trainer.train_epoch())
for function in (descend, augmentation_loops.resample):
    print(sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values()))
"""


@pytest.mark.slow
@pytest.mark.container
def test_trainings_use_functions_that_were_compiled_ahead():
    """After `compile_ahead`, a training finds all compiled functions in the cache."""
    for arguments in (["-m", "stepbox.training.compile_ahead"], ["-c", TRAIN]):
        finished = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert finished.stderr == ""
    assert finished.stdout.splitlines() == ["2 0", "1 0"]
