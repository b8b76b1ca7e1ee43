"""The torch engine with convolutions and pooling layers."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepbox.data.dataset import Dataset, scale_pixels
from stepbox.errors import InvalidInputError, OutOfDeviceMemoryError
from stepbox.nn.convolution import Convolution
from stepbox.nn.network import Network
from stepbox.nn.pooling import MaxPoolSpec
from stepbox.training import torch_model
from stepbox.training.augmentation import MOTIONS, Augmenter
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES
from stepbox.training.torch_augmentation import DeviceAugmenter
from stepbox.training.torch_device import explain_out_of_memory
from stepbox.training.torch_trainer import FormulaTrainer
from tests.datasets import make_dataset

RECIPE = RECIPES["mnist-torch-convolution"].changed(
    layers=[
        {"type": "convolution", "channels": 3, "kernel": 3, "padding": 1},
        {"type": "max-pool", "size": 3, "stride": 2},
        {"type": "convolution", "channels": 4, "kernel": 5, "stride": 2},
        {"type": "dense", "neurons": 7},
    ],
    batch_size=100,
    dropout=0.1,
)

convolutions = st.fixed_dictionaries(
    {
        "type": st.just("convolution"),
        "channels": st.integers(1, 4),
        "kernel": st.integers(1, 4),
        "stride": st.integers(1, 2),
        "padding": st.integers(0, 2),
    }
)
pools = st.fixed_dictionaries(
    {"type": st.just("max-pool"), "size": st.integers(1, 3), "stride": st.integers(1, 3)}
)
dense = st.fixed_dictionaries({"type": st.just("dense"), "neurons": st.integers(2, 6)})


def splits(shape):
    spec, arrays = make_dataset("small", shape, train=40)
    return tuple(
        Dataset(spec, arrays[f"{split}-samples.npy"], arrays[f"{split}-labels.npy"])
        for split in ("train", "test")
    )


def outputs(trainer, data):
    """Return what the torch model computes after training, for standardized inputs."""
    trainer._model.eval()
    with torch.no_grad():
        return trainer._model(trainer._scaled(torch.from_numpy(data.samples))).numpy()


def logits(network, recipe, data):
    inputs = scale_pixels(data.samples, recipe.pixel_scale, np.float32)
    return network.logits(inputs)


def weights_of(trainer):
    return {name: array.tobytes() for name, array in trainer.network().named_arrays().items()}


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    shape=st.sampled_from([(9, 7), (8, 11), (6, 8, 3)]),
    layers=st.tuples(
        st.lists(convolutions | pools, min_size=1, max_size=3), st.lists(dense, max_size=2)
    ).map(lambda both: [*both[0], *both[1]]),
    options=st.fixed_dictionaries(
        {
            "activation": st.sampled_from(["relu", "gelu", "tanh"]),
            "normalization": st.sampled_from(["none", "batch"]),
            "standardize": st.booleans(),
            "initialization": st.sampled_from(["default", "he"]),
            "optimizer": st.sampled_from(["sgd", "adamw"]),
            "pixel_scale": st.sampled_from(["raw", "unit"]),
        }
    ),
)
def test_the_plain_network_gives_the_outputs_of_the_torch_model(shape, layers, options):
    data, _ = splits(shape)
    recipe = RECIPE.changed(
        layers=layers, learning_rate=1e-4, weight_decay=0.0, batch_size=10, dropout=0.0, **options
    )
    try:
        recipe = recipe.fitted(data.spec)
    except InvalidInputError:
        return  # a layer does not fit
    trainer = make_trainer(recipe, data)
    list(trainer.train_epoch())
    network = trainer.network()
    expected = outputs(trainer, data)

    atol = 1e-5 * max(1, np.abs(expected).max())
    np.testing.assert_allclose(logits(network, recipe, data), expected, rtol=0, atol=atol)
    # Serving pads with 0, whatever the training padded with.
    assert all(layer.fill == 0 for layer in network.layers if isinstance(layer, Convolution))


def test_activations_are_channels_last_in_memory():
    """So flattening them copies nothing, and a dense layer sees them as the plain network does."""
    data, _ = splits((12, 12))
    model = make_trainer(RECIPE.fitted(data.spec), data)._model
    values = torch.rand(5, 144)
    for module in model:
        before, values = values, module(values)
        if isinstance(module, torch_model.Vectors):
            assert values.data_ptr() == before.data_ptr()
        if values.dim() == 4:
            assert values.is_contiguous(memory_format=torch.channels_last)

    assert sum(isinstance(module, torch_model.Vectors) for module in model) == 1


def test_a_training_continues_a_model():
    """The loaded network gives the model's outputs, also with standardized inputs and padding."""
    data, _ = splits((12, 12, 3))
    recipe = RECIPE.fitted(data.spec).changed(normalization="none", activation="gelu")
    start = Network.initial(recipe.layer_specs(data.spec), seed=4, dtype=np.float32)
    trainer = make_trainer(recipe, data, start)
    expected = logits(start, recipe, data)

    np.testing.assert_allclose(outputs(trainer, data), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(logits(trainer.network(), recipe, data), expected, rtol=0, atol=1e-5)


def test_an_interrupted_training_resumes_to_the_same_weights(few):
    """Also in the middle of an epoch."""
    recipe = RECIPE.changed(augmentation="mirror-shift")
    whole = make_trainer(recipe, few(1500))
    states = [whole.state() for _ in range(2) for _ in whole.train_epoch()]
    assert [tuple(state["position"]) for state in states[1::3]] == [(0, 1000), (1, 1000)]

    for state in states[1::3]:
        resumed = make_trainer(recipe, few(1500))
        resumed.restore(state)
        for name, array in resumed.state().items():
            assert array.tobytes() == state[name].tobytes(), name
        for _ in range(resumed.epochs_done, 2):
            list(resumed.train_epoch())

        assert weights_of(resumed) == weights_of(whole)


def test_dropout_leaves_out_whole_channels(few):
    recipe = RECIPE.changed(dropout=0.5, normalization="none", activation="sigmoid")
    model = make_trainer(recipe, few(10))._model
    first = next(n for n, module in enumerate(model) if isinstance(module, torch.nn.Dropout2d))
    maps = model[: first + 1](torch.rand(20, 784)).flatten(2)
    left_out = (maps == 0).all(dim=2)

    assert torch.equal(left_out, (maps == 0).any(dim=2))
    assert 0 < left_out.sum() < left_out.numel()


def test_dense_layers_train_by_formulas_whichever_field_names_them(few):
    plain = RECIPES["fashion-mnist-torch"]
    layers = [{"type": "dense", "neurons": size} for size in plain.hidden_sizes]
    recipes = [plain, plain.changed(layers=layers)]
    trainers = [make_trainer(recipe, few(300)) for recipe in recipes]
    for trainer in trainers:
        list(trainer.train_epoch())

    assert [type(trainer) for trainer in trainers] == [FormulaTrainer] * 2
    assert weights_of(trainers[0]) == weights_of(trainers[1])


def test_a_full_device_is_explained():
    with (
        pytest.raises(OutOfDeviceMemoryError, match=r"batch_size 100 and layers .* smaller layers"),
        explain_out_of_memory(RECIPE),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("kind", ["none", "affine", "distort", "mirror-shift"])
@pytest.mark.parametrize("shape", [(12, 9), (8, 11, 3), (1, 5)])
def test_the_device_augments_like_the_host(kind, shape):
    """Up to one grey level, because it calculates in 32-bit floats."""
    images = np.random.default_rng(5).integers(0, 256, (200, *shape), np.uint8)
    augment = Augmenter(kind, 3, shape)
    expected = augment(images, 2, 1000).astype(int)
    ours = DeviceAugmenter(augment, "cpu")(torch.from_numpy(images), 2, 1000).numpy()

    assert (ours.dtype, ours.shape) == (np.uint8, images.shape)
    assert np.abs(ours - expected).max() <= (kind in MOTIONS)
    assert (ours == expected).mean() > 0.999


def test_a_training_can_augment_on_its_device(few):
    """On CUDA, trainers always do."""
    recipe = RECIPE.changed(optimizer="sgd", weight_decay=0.0)
    trainers = [make_trainer(recipe, few(500)) for _ in range(2)]
    trainers[1].augment_on_device()
    losses = [list(trainer.train_epoch())[-1][1] for trainer in trainers]

    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    networks = [trainer.network().named_arrays() for trainer in trainers]
    for name, array in networks[0].items():
        np.testing.assert_allclose(array, networks[1][name], rtol=1e-2, atol=1e-3)


def test_batch_normalization_refuses_a_last_batch_of_one_sample():
    data, _ = splits((12, 12))
    with pytest.raises(InvalidInputError, match=r"/batch_size: leaves one sample"):
        RECIPE.changed(batch_size=13).fitted(data.spec)  # 40 = 3 · 13 + 1
    for fitting in ({"batch_size": 12}, {"batch_size": 13, "normalization": "none"}):
        list(make_trainer(RECIPE.changed(**fitting).fitted(data.spec), data).train_epoch())


def test_a_type_of_layer_without_a_module_is_refused(few, monkeypatch):
    monkeypatch.delitem(torch_model.LAYER_MODULES, MaxPoolSpec)
    with pytest.raises(InvalidInputError, match=r"/engine: must be numpy: .* type max-pool"):
        make_trainer(RECIPE, few(10))
