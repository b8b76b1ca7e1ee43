"""The same recipe, seed and processor give the same weights, byte for byte, in any process."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

FINGERPRINT = """
import hashlib, sys

from stepbox.data.builtin import load_dataset
from stepbox.training.presets import RECIPES
from stepbox.training.loop import make_trainer

for name in sys.argv[1:]:
    recipe = RECIPES[name]
    whole = load_dataset(recipe.dataset, "train")
    trainer = make_trainer(recipe, whole[:1000])
    for _ in range(2):
        list(trainer.train_epoch())
    arrays = trainer.network().named_arrays()
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest()
    print(digest, trainer.computer())
"""
RECIPES = ("mnist-numpy", "mnist-numpy-best", "fashion-mnist-torch", "fashion-mnist-torch-best")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@pytest.fixture(scope="module")
def fingerprints():
    """Train all recipes on the CPU in two new processes, with different environments.

    Return both processes' lines for each recipe: a digest of the weights, and the computer.
    """
    outputs = [
        subprocess.check_output(
            [sys.executable, "-c", FINGERPRINT, *RECIPES],
            cwd=ROOT,
            env=os.environ
            | {"CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": number}
            | dict.fromkeys(THREADS, number),
            text=True,
        )
        for number in ("1", "2")
    ]
    lines = (output.splitlines() for output in outputs)
    return dict(zip(RECIPES, zip(*lines, strict=True), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_processes_agree_byte_for_byte(fingerprints, name):
    """The number of threads in the environment has no effect: one thread computes each sum."""
    one, two = fingerprints[name]

    assert one == two
    assert "threads=1" in one
