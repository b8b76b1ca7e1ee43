"""Follow docs/how-to/add-a-layer.md, which writes a toy layer."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stepbox.data.builtin import MNIST
from stepbox.nn import network as networks
from stepbox.nn.network import Network, layer_specs
from stepbox.store.weights import decode_weights, encode_weights
from stepbox.training.loop import make_trainer

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/add-a-layer.md").read_text("utf-8")
BLOCKS = dict(re.findall(r'```python title="(.*?)"\n(.*?)```', PAGE, re.DOTALL))
NEW_FILE = "stepbox/nn/scale.py"
REGISTRY = "stepbox/nn/network.py"
DENSE = {"type": "dense", "neurons": 4, "activation": "sigmoid"}
LOGITS = {"type": "dense", "neurons": 10}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Import the toy layer from a file of its own, and register it, as the page says."""
    path = tmp_path_factory.mktemp("layer") / "scale.py"
    path.write_text(BLOCKS[NEW_FILE], "utf-8")
    spec = importlib.util.spec_from_file_location("stepbox.nn.scale", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "stepbox.nn.scale", module)
        spec.loader.exec_module(module)
        names = {**vars(networks)}
        exec(BLOCKS[REGISTRY], names)
        patch.setitem(networks.LAYERS, "scale", names["LAYERS"]["scale"])
        yield module


@pytest.fixture
def page(toy):
    """Run the code blocks of the page, and return the names that they define."""
    names = {}
    for title, code in BLOCKS.items():
        if title not in (NEW_FILE, REGISTRY):
            exec(compile(code, title, "exec"), names)
    return names


def test_the_table_of_files_matches_the_project():
    table = re.findall(r"^\| `(.*?)` \| (.*?) \|$", PAGE, re.MULTILINE)
    files = {path: "new file" in what for path, what in table if "/" in path}

    assert list(files) == [title for title in BLOCKS if "/" in title]
    for path in re.findall(r"`((?:stepbox|tests)/[\w/]+\.py)`", PAGE):
        assert (ROOT / path).exists() or files[path]


def test_the_entry_is_that_of_the_project_and_the_toy_layer():
    entry = re.search(r"^LAYERS.*?^}\n", BLOCKS[REGISTRY], re.MULTILINE | re.DOTALL)[0]
    registry = (ROOT / REGISTRY).read_text("utf-8")
    assert entry in registry or entry.replace('    "scale": ScaleSpec,\n', "") in registry


@pytest.mark.parametrize("path", [NEW_FILE, "tests/stepbox/nn/test_scale.py"])
def test_a_new_file_passes_ruff(path):
    for command in (["check"], ["format", "--check"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--no-cache", "--stdin-filename", path]
        subprocess.run([*arguments, "-"], cwd=ROOT, input=BLOCKS[path].encode(), check=True)


def test_the_toy_layer_is_short():
    code = [line for line in BLOCKS[NEW_FILE].splitlines() if line.strip()]
    assert len(code) <= 45


def test_the_gradients_are_correct_at_every_position_in_the_network(page):
    page["test_the_gradients_are_those_of_a_complex_step"]()
    rng = np.random.default_rng(4)
    for order in ([DENSE, "scale", LOGITS], [DENSE, "scale", "scale", DENSE, LOGITS, "scale"]):
        layers = [{"type": "scale"} if layer == "scale" else layer for layer in order]
        network = Network.initial(layer_specs((6,), layers), seed=5)
        for array in network.named_arrays().values():
            array += 0.1 * rng.normal(size=array.shape)
        page["check_gradients"](network, rng.normal(size=6), 7)


def test_the_check_finds_a_wrong_formula(page, toy):
    class Wrong(toy.Scale):
        def backward(self, inputs, delta):
            return delta

    network = Network.initial(layer_specs((6,), [DENSE, {"type": "scale"}, LOGITS]), seed=5)
    network.layers[1] = Wrong(np.full(4, 1.5))
    with pytest.raises(AssertionError):
        page["check_gradients"](network, np.arange(6.0), 7)


def test_the_loss_falls_as_the_page_says(page):
    assert page["losses"][0] > 1.1
    assert page["losses"][-1] < 0.2


def test_a_trainer_runs_the_definition_of_a_network_without_a_compiled_form(page, few):
    recipe = page["recipe"].changed(batch_size=2)
    trainer = make_trainer(recipe, few(1000))
    assert list(trainer.network().named_arrays()) == [
        *("0.weight", "0.bias"),
        "1.scale",
        *("2.weight", "2.bias"),
    ]
    losses = []
    for _ in range(3):
        list(trainer.train_epoch())
        losses.append(trainer.loss_sum)
    assert losses[2] < losses[1] < losses[0]
    assert (trainer.network().layers[1].scale != 1).all()

    resumed = make_trainer(recipe, few(1000))
    resumed.restore(trainer.state())
    for one in (trainer, resumed):
        list(one.train_epoch())
    assert trainer.network().named_arrays().keys() == resumed.network().named_arrays().keys()
    for name, array in trainer.network().named_arrays().items():
        np.testing.assert_array_equal(array, resumed.network().named_arrays()[name])


def test_the_weights_of_the_toy_layer_are_stored_by_name(page, toy):
    recipe = page["recipe"]
    network = Network.initial(recipe.layer_specs(MNIST), seed=3)
    network.layers[1].scale += 0.5
    again = decode_weights(*encode_weights(network), recipe.layer_specs(MNIST))

    assert type(again.layers[1]) is toy.Scale
    np.testing.assert_array_equal(again.layers[1].scale, network.layers[1].scale)
