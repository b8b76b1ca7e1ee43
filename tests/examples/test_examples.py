"""The examples run as documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stepbox.store.models import ModelStore
from tests.processes import ROOT

EXAMPLES = {path.name: path for path in (ROOT / "examples").glob("*.py")}


@pytest.fixture
def run_example(tmp_path):
    """Run an example in an empty folder and return what it prints."""

    def run(name):
        data = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data")).resolve()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "STEPBOX_DATA_DIR": str(data)}
        environment.pop("STEPBOX_MODELS_DIR", None)
        finished = subprocess.run(
            [sys.executable, "-W", "error", EXAMPLES[name]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return run


def test_each_is_short_and_says_what_it_shows():
    assert len(EXAMPLES) == 4
    for path in EXAMPLES.values():
        code = path.read_text("utf-8")
        assert code.startswith('"""')
        assert len(code.splitlines()) < 40


@pytest.mark.slow
def test_training_by_hand(run_example):
    output = run_example("train_by_hand.py")
    losses = [float(loss) for loss in re.findall(r"images ([\d.]+)", output)]
    [accuracy] = re.findall(r"test accuracy: ([\d.]+)%", output)

    assert losses == sorted(losses, reverse=True)
    assert float(accuracy) > 80


@pytest.mark.slow
def test_comparing_the_gradients(run_example):
    rows = [line.split() for line in run_example("compare_gradients.py").splitlines()[-3:]]
    exact = [float(row[2]) for row in rows]
    published = [float(row[3]) for row in rows]

    assert max(exact) < 1e-9
    assert min(published[:2]) > 0.1
    assert published[2] < 1e-9  # in the last layer, both gradients have the same δ


@pytest.mark.slow
def test_serving_your_own_model(run_example, tmp_path):
    output = run_example("serve_your_own_model.py")

    [model_id] = ModelStore(tmp_path / "models").ids()
    assert output.startswith(model_id)
    assert "the first test image is a 7" in output


@pytest.mark.slow
def test_building_the_box_network(run_example):
    output = run_example("build_the_box_network.py")
    values = [int(value) for value in re.findall(r"b\(.*\) = (\d)", output)]
    errors = [float(error) for error in re.findall(r"error ([\d.]+)", output)]

    assert values == [0, 2, 2, 2, 0]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.02
