"""The same recipe, seed and processor give the same weights, byte for byte, in any process."""

import os
import subprocess
import sys
from functools import partial

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
    trainer = make_trainer(recipe, whole[:400])
    for _ in range(2):
        list(trainer.train_epoch())
    arrays = trainer.network().named_arrays()
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest()
    print(digest, trainer.computer())
"""
RECIPES = {  # and the number of threads that compute each sum
    "mnist-numpy": 1,
    "mnist-numpy-best": 1,
    "fashion-mnist-torch": 1,
    "fashion-mnist-torch-best": 1,
    "mnist-torch-convolution": 2,
}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@pytest.fixture(scope="module")
def fingerprints():
    """Train all recipes on the CPU in two new processes, with different environments and cores.

    Return both processes' lines for each recipe: a digest of the weights, and the computer.
    """
    all_cores = os.sched_getaffinity(0)
    outputs = [
        subprocess.check_output(
            [sys.executable, "-c", FINGERPRINT, *RECIPES],
            cwd=ROOT,
            env=os.environ
            | {"CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": number}
            | dict.fromkeys(THREADS, number),
            text=True,
            preexec_fn=partial(os.sched_setaffinity, 0, cores),
        )
        for number, cores in (("1", all_cores), ("2", {min(all_cores)}))
    ]
    lines = (output.splitlines() for output in outputs)
    return dict(zip(RECIPES, zip(*lines, strict=True), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_processes_agree_byte_for_byte(fingerprints, name):
    """Neither the number of threads in the environment nor the number of cores has an effect."""
    one, two = fingerprints[name]

    assert one == two
    assert f"threads={RECIPES[name]}" in one
