"""The library as users install it: with pip, outside the checkout."""

import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import stepbox
from stepbox.errors import DamagedModelError, InvalidInputError
from tests.processes import ROOT

WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "stepbox").rglob("*.py")
    if ">>> " in path.read_text()
)


def run_python(code, **environment):
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd="/",
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.split()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the package to an empty folder, as `pip install .` does."""
    folder = tmp_path_factory.mktemp("site-packages")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--target", folder, ROOT], check=True
    )
    return folder


@pytest.mark.slow
def test_pip_installs_the_library_alone(installed):
    assert {path.name for path in installed.iterdir()} == {
        "bin",
        "stepbox",
        f"stepbox-{stepbox.__version__}.dist-info",
    }
    assert (installed / "stepbox" / "py.typed").is_file()


@pytest.mark.slow
def test_the_installed_library_trains(installed, data_folder):
    """Train with `compiled=False`: the installed copy has no compiled functions yet."""
    code = (
        "import numpy as np, stepbox; from stepbox.training.loop import make_trainer;"
        "train_set = stepbox.load_dataset('mnist', 'train')[:2000];"
        "trainer = make_trainer(stepbox.RECIPES['mnist-numpy'], train_set, compiled=False);"
        "losses = [trainer.train_samples(np.arange(i, i + 500))[0] for i in (0, 500, 1000, 1500)];"
        "print(stepbox.__file__, losses[0].mean(), losses[-1].mean())"
    )
    data = str(Path(data_folder).resolve())
    file, first, last = run_python(code, PYTHONPATH=str(installed), STEPBOX_DATA_DIR=data)

    assert Path(file).is_relative_to(installed)
    assert float(last) < 0.9 * float(first)


@pytest.mark.slow
def test_pip_installs_the_command(installed):
    version = subprocess.run(
        [installed / "bin" / "stepbox", "--version"],
        env=os.environ | {"PYTHONPATH": str(installed)},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout == f"{stepbox.__version__}\n"


def test_import_loads_no_engine():
    code = "import sys, stepbox; print(*sorted({'torch', 'numba', 'scipy'} & {*sys.modules}))"

    assert run_python(code, PYTHONPATH=str(ROOT)) == []


def test_every_public_name_exists_and_is_listed():
    for name in stepbox.__all__:
        assert getattr(stepbox, name)
        assert name in dir(stepbox)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = stepbox.nothing


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings(module, data_folder, monkeypatch):
    monkeypatch.setenv("STEPBOX_DATA_DIR", str(data_folder))
    failed, tried = doctest.testmod(importlib.import_module(module))

    assert failed == 0
    assert tried > 0


@pytest.fixture(scope="module")
def run(data_folder):
    return stepbox.train("mnist-numpy", epochs=1, hidden_sizes=[8], data=data_folder)


def test_a_loaded_model_predicts_like_the_saved_one(run, load, tmp_path):
    seven = load("mnist", "test").samples[0]
    folder = run.save(tmp_path / "models" / "digits")
    loaded = stepbox.load(folder)

    assert loaded.recipe == run.recipe
    assert loaded.history == run.history
    assert loaded.predict(seven).label == "7"
    np.testing.assert_array_equal(
        loaded.predict(seven).probabilities, run.predict(seven).probabilities
    )
    with pytest.raises(FileExistsError):
        run.save(folder)
    with pytest.raises(ValueError, match="copy its folder"):
        loaded.save(tmp_path / "other")


def test_a_damaged_model_is_not_loaded(run, tmp_path):
    folder = run.save(tmp_path / "digits")
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")

    with pytest.raises(DamagedModelError, match="checksum"):
        stepbox.load(folder)


def test_what_is_no_folder_of_a_model_is_not_loaded(tmp_path):
    file = tmp_path / "digits.onnx"
    file.write_bytes(b"onnx")

    for path in (tmp_path / "none", file, tmp_path):
        with pytest.raises(FileNotFoundError, match=f"not a folder that Model.save.*'{path}'"):
            stepbox.load(path)


def test_a_model_describes_itself(run):
    accuracy = run.history[-1].test_accuracy

    assert repr(run) == f"<Model {run.card.id}: mnist-numpy, test accuracy {accuracy:.2%}>"


def test_a_model_that_has_learned_nothing_says_so(data_folder):
    changes = {"epochs": 1, "hidden_sizes": [8], "learning_rate": 10}

    diverged = stepbox.train("mnist-numpy", data=data_folder, **changes)

    assert repr(diverged).endswith("%, no better than guessing>")


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16])
def test_integers_of_every_type_are_predicted_alike(run, load, dtype):
    seven = load("mnist", "test").samples[0]

    np.testing.assert_array_equal(
        run.predict(seven.astype(dtype)).probabilities, run.predict(seven).probabilities
    )


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (np.full((28, 28), 0.5), r"integers 0\.\.255 .* array of float64 of shape \(28, 28\)"),
        (np.ones((28, 28), bool), "array of bool"),
        (np.zeros((1, 28, 28), np.uint8), r"of shape \(1, 28, 28\)"),
        (np.zeros((0, 28), np.uint8), r"of shape \(0, 28\)"),
        (np.full((28, 28), 300), r"0\.\.255, but its values are 300\.\.300"),
        (np.full((28, 28), -1), r"-1\.\.-1"),
    ],
)
def test_an_array_that_does_not_consist_of_grey_levels_is_rejected(run, image, problem):
    with pytest.raises(InvalidInputError, match=f"^/image: .*{problem}"):
        run.predict(image)


def test_a_change_that_the_recipe_does_not_allow_is_rejected(data_folder):
    with pytest.raises(TypeError, match=r"a recipe has no epoch_count, rate; it has .* epochs"):
        stepbox.train("mnist-numpy", epoch_count=3, rate=1, data=data_folder)
    with pytest.raises(ValueError, match="needs the torch engine"):
        stepbox.train("mnist-numpy", dropout=0.5, data=data_folder)


def test_a_training_continues_a_model_or_its_folder(tmp_path):
    changes = {"hidden_sizes": [8], "epochs": 1, "progress": False}
    first = stepbox.train("mnist-numpy", **changes)
    first.save(tmp_path / "first")
    for start in (first, tmp_path / "first"):
        second = stepbox.train("mnist-numpy", from_model=start, validation=0.5, **changes)
        assert second.recipe.from_model == first.card.id
        assert second.history[0].test_loss == first.history[-1].test_loss
        assert second.history[1].test_loss < first.history[-1].test_loss
    with pytest.raises(InvalidInputError, match=r"hidden_sizes \[8\].*hidden_sizes \[9\]"):
        stepbox.train("mnist-numpy", from_model=first, **changes | {"hidden_sizes": [9]})
    with pytest.raises(ValueError, match="pass this model"):
        stepbox.train(second.recipe, progress=False)
