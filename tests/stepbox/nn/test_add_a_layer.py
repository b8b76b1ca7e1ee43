"""Follow docs/how-to/add-a-layer.md, which writes a toy layer, in a copy of the project."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data")).resolve()
PAGE = (ROOT / "docs/how-to/add-a-layer.md").read_text("utf-8")
BLOCKS = dict(re.findall(r'```python title="(.*?)"\n(.*?)```', PAGE, re.DOTALL))
FILES = {path: code for path, code in BLOCKS.items() if "/" in path}
NEW = ("stepbox/nn/scale.py", "tests/stepbox/nn/test_scale.py")

# What runs after the code of the page.
PROGRAM = """
import numpy as np
import pytest
import stepbox
from stepbox.analysis.gradient_check import check_gradients as check
from stepbox.data.builtin import MNIST
from stepbox.errors import InvalidInputError
from stepbox.nn.backprop import sample_gradients
from stepbox.nn.scale import Scale
from stepbox.store.weights import decode_weights, encode_weights
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES

recipe = request.resolve(MNIST)
few = stepbox.load_dataset("mnist", "train")[:600]


def train(recipe):
    trainer = make_trainer(recipe, few)
    losses = []
    for _ in range(3):
        list(trainer.train_epoch())
        losses.append(trainer.loss_sum)
    assert losses[2] < losses[1] < losses[0]
    return trainer
"""
CHECKS = {
    "the loss falls as the page says": "assert losses[0] > 1.1; assert losses[-1] < 0.2",
    "its gradients are correct at every position in the network": """
dense = {"type": "dense", "neurons": 4, "activation": "sigmoid"}
logits, scale = {"type": "dense", "neurons": 10}, {"type": "scale"}
image = {"type": "convolution", "channels": 3, "kernel": 2, "activation": "tanh"}
pool = {"type": "max-pool", "size": 2, "stride": 2}
rng = np.random.default_rng(4)
for order in (
    [dense, scale, logits], [scale, image, scale, scale, pool, scale, dense, logits, scale]
):
    network = Network.initial(layer_specs((5, 4), order), seed=5)
    for array in network.named_arrays().values():
        array += 0.1 * rng.normal(size=array.shape)
    inputs = rng.normal(size=20)
    check_gradients(network, inputs, 7)
    layers = check(network, inputs, 7, 0.01).layers
    assert [layer.layer for layer in layers] == [
        number for number, layer in enumerate(order) if layer is not pool
    ]
    assert max(layer.exact for layer in layers) < 1e-9
    assert min(layer.largest for layer in layers) > 0
""",
    "both checks find a wrong formula": """
class Wrong(Scale):
    def backward(self, inputs, delta):
        return delta

order = [{"type": "dense", "neurons": 4, "activation": "tanh"}, {"type": "scale"}]
network = Network.initial(layer_specs((6,), [*order, {"type": "dense", "neurons": 10}]), seed=5)
network.layers[1] = Wrong(np.full(4, 1.5), (4,))
with pytest.raises(AssertionError):
    check_gradients(network, np.arange(6.0), 7)
assert check(network, np.arange(6.0), 7, 0.01).layers[0].exact > 0.1
""",
    "the engine numpy trains it, and resumes": """
trainer = train(recipe)
assert list(trainer.network().named_arrays()) == [
    "0.weight", "0.bias", "1.weight", "2.weight", "2.bias", "3.weight", "3.bias"
]
assert (trainer.network().layers[1].weights != 1).any()
assert trainer.network().layers[1].output_shape == (6, 6, 4)
resumed = make_trainer(recipe, few)
resumed.restore(trainer.state())
for one in (trainer, resumed):
    list(one.train_epoch())
for name, array in trainer.network().named_arrays().items():
    np.testing.assert_array_equal(array, resumed.network().named_arrays()[name])
""",
    "any step of its training can be opened": """
from stepbox.training.replay import Replay
from stepbox.training.trace import trace_step

trainer = make_trainer(recipe.changed(epochs=1), few)
list(trainer.train_epoch())
record = trainer.recorder.record()
replay = Replay(trainer.recipe, few, record, trainer.network())
for step in (1, record.steps):
    trace = trace_step(replay, step)
    assert trace.check.difference < 1e-9
    assert list(trace.layers[1].gradient) == ["weight"]
""",
    "the engine torch computes the same": """
step = recipe.changed(batch_size=600, learning_rate=0.5)
numpy = make_trainer(step, few)
torch = make_trainer(step.changed(engine="torch"), few, numpy.network())
for one in (numpy, torch):
    list(one.train_epoch())
expected = numpy.network().named_arrays()
for name, array in torch.network().named_arrays().items():
    np.testing.assert_allclose(array, expected[name], rtol=1e-3, atol=1e-4)
assert (torch.network().layers[1].weights != 1).any()
best = RECIPES["fashion-mnist-torch-best"].changed(
    layers=[*recipe.layers[::-1]][:2], batch_size=50, learning_rate=0.01, dataset="mnist"
)
assert [layer.type for layer in best.layers] == ["dense", "scale"]
train(best)
""",
    "its weights are stored by name": """
specs = recipe.layer_specs(MNIST)
network = Network.initial(specs, seed=3)
network.layers[1].weights += 0.5
again = decode_weights(*encode_weights(network), specs)
assert type(again.layers[1]) is Scale
np.testing.assert_array_equal(again.layers[1].weights, network.layers[1].weights)
""",
    "what cannot be folded is rejected": """
for engine in ("numpy", "torch"):
    first = recipe.changed(engine=engine, standardize=True, layers=[{"type": "scale"}])
    with pytest.raises(InvalidInputError, match="/standardize"):
        make_trainer(first, few).network()
""",
}


def statements(code):
    """List the statements of a module: what they define, the first line, and the last."""
    for one in ast.parse(code).body:
        if isinstance(one, ast.Import | ast.ImportFrom):
            name = "import"
        elif isinstance(one, ast.Assign | ast.AnnAssign):
            name = ast.unparse(one.targets[0] if isinstance(one, ast.Assign) else one.target)
        else:
            name = getattr(one, "name", "")
        yield name, one.lineno - 1, one.end_lineno


def changed(code, block):
    """Make the changes of a block: add imports, replace what is there, and add the rest before."""
    lines, added = code.splitlines(), []
    for name, start, end in statements(block):
        text = block.splitlines()[start:end]
        where = [(a, b) for known, a, b in statements("\n".join(lines)) if known == name]
        if name == "import":
            lines[where[-1][1] : where[-1][1]] = text
        elif where:
            [(a, b)] = where
            lines[a:b] = [*added, *text]
            added = []
        else:
            added += [*text, "", ""]
    assert not added
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Make the changes of the page in a copy of the project."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(
        ROOT / "stepbox", folder / "stepbox", ignore=shutil.ignore_patterns("__pycache__")
    )
    for path, code in FILES.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code if path in NEW else changed(file.read_text("utf-8"), code), "utf-8")
    return folder


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder), "STEPBOX_DATA_DIR": str(DATA)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_table_of_files_matches_the_project():
    table = re.findall(r"^\| `(.*?)` \| (.*?) \|$", PAGE, re.MULTILINE)
    files = {path: "new file" in what for path, what in table if path.endswith(".py")}

    assert list(files) == list(FILES)
    assert [path for path, new in files.items() if new] == list(NEW)
    for path in re.findall(r"`((?:stepbox|tests)/[\w/]+\.py)`", PAGE):
        assert (ROOT / path).exists() or files[path]


@pytest.mark.parametrize("path", sorted(set(FILES) - set(NEW)))
def test_each_changed_statement_is_that_of_the_project_and_the_toy_layer(path):
    block = FILES[path]
    [(_, start, end)] = [
        one for one in statements(block) if one[0].isupper() or one[0] == "HiddenLayer"
    ]
    statement = "\n".join(block.splitlines()[start:end])
    without = re.sub(r"^ +(\"scale\"|ScaleSpec):.*\n| \| ScaleOptions", "", statement, flags=re.M)

    assert ast.unparse(ast.parse(without)) in ast.unparse(
        ast.parse((ROOT / path).read_text("utf-8"))
    )


@pytest.mark.parametrize("path", NEW)
def test_a_new_file_passes_ruff(path):
    for command in (["check"], ["format", "--check"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--no-cache", "--stdin-filename", path]
        subprocess.run([*arguments, "-"], cwd=ROOT, input=BLOCKS[path].encode(), check=True)


def test_the_toy_layer_is_short():
    code = [line for line in BLOCKS[NEW[0]].splitlines() if line.strip()]
    assert len(code) <= 45


@pytest.mark.slow
def test_the_test_of_the_page_passes(copy):
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", NEW[1])


@pytest.mark.slow
def test_the_toy_layer_works_everywhere(copy):
    code = [code for title, code in BLOCKS.items() if title not in FILES or title == NEW[1]]
    checks = [f"print({name!r})\n{check}" for name, check in CHECKS.items()]
    run(copy, "-c", "\n".join([*code, PROGRAM, *checks]))
