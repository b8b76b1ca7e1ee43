"""Exported files give the predictions of their model, in the programs that read them."""

import hashlib
import importlib.util
import io
import json
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import stepbox
from stepbox.data.builtin import DATASETS
from stepbox.data.plane import GeneratedData
from stepbox.errors import ExportError, InvalidInputError
from stepbox.exporting.formats import check_samples, write_model
from stepbox.nn.activations import ACTIVATIONS
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network
from stepbox.store.card import CardDraft
from stepbox.training.evaluation import assess, predict_logits
from stepbox.training.presets import RECIPES
from tests.datasets import make_dataset

WINDOWS = [
    {"type": "max-pool", "size": 3, "stride": 1},
    {"type": "convolution", "channels": 5, "kernel": 4, "padding": 2, "stride": 2},
    {"type": "max-pool", "size": 2},
    {"type": "convolution", "channels": 4, "kernel": 2},
]
SPIRAL = GeneratedData(generate="spiral", noise=0.05).splits()["test"].spec


def untrained(recipe, spec, dtype=np.float64, **changes):
    """Make a model with random weights; return its card and its network."""
    recipe = RECIPES[recipe].changed(dataset=spec.key, **changes).fitted(spec, changes)
    network = Network.initial(recipe.layer_specs(spec), 7, dtype=dtype)
    rng = np.random.default_rng(8)
    for layer in network.layers:
        for array in layer.arrays.values():
            array += rng.normal(0, 0.1, array.shape)  # biases are 0 otherwise
    card = CardDraft(
        id="m-0123456789ab",
        job="local",
        recipe=recipe,
        dataset=spec,
        history=[],
        evaluation=assess(np.eye(len(spec.classes)), np.arange(len(spec.classes))),
        device="cpu",
    )
    return card, network


def of_shape(shape, **options):
    return make_dataset("mine", shape, **options)[0]


def models():
    """Return all kinds of layers, activations and inputs, by name."""
    mnist = DATASETS["mnist"]
    made = {
        name: untrained(name, DATASETS.get(recipe.dataset, SPIRAL), np.float32)
        for name, recipe in RECIPES.items()
    }
    for name in ACTIVATIONS:
        changes = {"activation": name, "hidden_sizes": [12, 9]}
        made[name] = untrained("mnist-numpy", mnist, **changes)
        made[f"plane, {name}"] = untrained("playground", SPIRAL, **changes)
        layers = {"activation": name, "layers": WINDOWS}
        made[f"images, {name}"] = untrained("mnist-numpy", mnist, **layers)
    made["grey"] = untrained("mnist-numpy", of_shape((9, 14)), layers=WINDOWS)
    made["colors"] = untrained("mnist-numpy", of_shape((12, 10, 3)), layers=WINDOWS)
    made["dense colors"] = untrained("mnist-numpy", of_shape((6, 5, 3), classes=25))
    made["flowers"] = untrained("mnist-numpy", of_shape((4,), columns=tuple("abcd")))
    made["no hidden layer"] = untrained("mnist-numpy", mnist, hidden_sizes=[])
    pooled = [{"type": "max-pool", "size": 2}]
    made["pooled"] = untrained("mnist-numpy", of_shape((8, 8, 3)), layers=pooled)
    return made


MODELS = models()


def predictions(card, network, samples):
    return softmax(predict_logits(network, samples, card.recipe.pixel_scale).astype(np.float64))


def written(card, network, format, test_set=None):
    return write_model(card, network, format, lambda: test_set).content


@pytest.fixture(params=MODELS)
def model(request):
    """A model, and a thousand samples for it."""
    card, network = MODELS[request.param]
    return card, network, check_samples(card.dataset, None).samples


def test_onnxruntime_gives_the_same_predictions(model):
    card, network, samples = model
    session = onnxruntime.InferenceSession(written(card, network, "onnx"))
    name = "images" if card.dataset.kind == "images" else "inputs"

    probabilities, logits = session.run(["probabilities", "logits"], {name: samples})

    expected = predict_logits(network, samples, card.recipe.pixel_scale)
    np.testing.assert_allclose(probabilities, softmax(expected.astype(np.float64)), atol=1e-5)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)
    assert probabilities.dtype == logits.dtype == np.float32
    for count in (0, 1):
        assert session.run(None, {name: samples[:count]})[0].shape[0] == count


def test_an_onnx_file_is_valid_and_says_what_it_is(model):
    card, network, _ = model
    file = onnx.load_from_string(written(card, network, "onnx"))

    onnx.checker.check_model(file, full_check=True)

    described = {one.key: one.value for one in file.metadata_props}
    assert described["model"] == card.id
    assert json.loads(described["classes"]) == [*card.dataset.classes]
    assert described["dataset_checksum"] == card.dataset.checksum
    assert ("pixels from 0 (black) to 255" in described["input"]) == (card.dataset.kind == "images")


def test_the_archive_for_torch_gives_the_same_predictions(model, tmp_path):
    card, network, samples = model
    with zipfile.ZipFile(io.BytesIO(written(card, network, "torch"))) as archive:
        assert archive.namelist() == ["load.py", "model.safetensors"]
        archive.extractall(tmp_path)
    specification = importlib.util.spec_from_file_location("exported", tmp_path / "load.py")
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)

    with torch.no_grad():
        found = loaded.probabilities(torch.tensor(samples)).numpy()

    np.testing.assert_allclose(found, predictions(card, network, samples), atol=1e-5)


def test_npz_has_the_arrays_of_the_network(model):
    card, network, _ = model
    with np.load(io.BytesIO(written(card, network, "npz")), allow_pickle=False) as found:
        arrays = dict(found)
    assert arrays.keys() == network.named_arrays().keys()
    for name, array in network.named_arrays().items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("format", ["onnx", "npz", "torch"])
def test_equal_models_give_equal_bytes(format):
    first, second = (
        written(*untrained("mnist-numpy", of_shape((9, 14)), layers=WINDOWS), format)
        for _ in range(2)
    )
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()


def test_the_samples_are_those_of_the_test_set_while_it_is_there(load):
    card, network = MODELS["mnist-numpy"]
    mnist, fashion = load("mnist", "test"), load("fashion-mnist", "test")
    contents = set()
    for test_set, source in (
        (mnist, "the first 1,000 test samples of mnist"),
        (mnist[:1], "the first 1 test samples of mnist"),
        (fashion, "1,000 random samples"),
    ):
        file = write_model(card, network, "onnx", lambda test_set=test_set: test_set)
        assert file.checked_on == source
        contents.add(file.content)
    assert len(contents) == 1


def test_a_file_with_other_predictions_is_never_returned(load):
    """The logits are so large that rounding them to 32 bits changes the probabilities."""
    card, network = untrained("mnist-numpy", DATASETS["mnist"], hidden_sizes=[])
    network.layers[0].biases += 1e6
    with pytest.raises(ExportError, match="the first 1,000 test samples of mnist, a prob"):
        written(card, network, "onnx", load("mnist", "test"))


def test_vectors_keep_their_digits():
    """Columns such as times in seconds have more digits than a 32-bit float."""
    spec = of_shape((2,))
    card, network = untrained("mnist-numpy", spec, hidden_sizes=[])
    large = replace(network.layers[0], biases=network.layers[0].biases - 1.7e9)
    large.weights[:] = 1.0, 0.0
    session = onnxruntime.InferenceSession(written(card, Network([large]), "onnx"))
    inputs = 1.7e9 + np.random.default_rng(0).normal(size=(1000, 2))
    _, logits = session.run(None, {"inputs": inputs})
    np.testing.assert_allclose(logits, Network([large]).logits(inputs), atol=1e-6)


def test_an_unknown_format_is_rejected():
    card, network = MODELS["flowers"]
    model = SimpleNamespace(card=card, network=network)
    with pytest.raises(InvalidInputError, match="/format: must be onnx, npz or torch"):
        stepbox.export(model, "pickle")


@pytest.fixture(scope="module")
def run(data_folder):
    return stepbox.train("mnist-numpy", epochs=1, hidden_sizes=[8], data=data_folder)


@pytest.mark.slow
def test_a_trained_model_and_a_loaded_one_give_the_same_file(run, data_folder, tmp_path):
    loaded = stepbox.load(run.save(tmp_path / "digits"))
    for name, format in (("d.onnx", "onnx"), ("d.npz", "npz"), ("d.zip", "torch")):
        path = loaded.export(tmp_path / name)
        assert path.read_bytes() == stepbox.export(run, format, data=data_folder)
    assert run.export(tmp_path / "file", "npz").read_bytes() == (tmp_path / "d.npz").read_bytes()
    with pytest.raises(InvalidInputError, match=r"must be given.*\*\.onnx, \*\.npz, \*\.zip"):
        run.export(tmp_path / "digits.bin")
