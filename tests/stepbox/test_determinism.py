"""One recipe, seed and kind of processor: the same weights, byte for byte, in any process."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT

FINGERPRINT = """
import hashlib, os, sys
from pathlib import Path

from stepbox.datasets import Dataset, load_dataset
from stepbox.recipes import RECIPES
from stepbox.training import make_trainer

recipe = RECIPES[sys.argv[1]]
whole = load_dataset(Path(os.environ.get("STEPBOX_DATA_DIR", "data")), recipe.dataset, "train")
trainer = make_trainer(recipe, Dataset(whole.name, whole.images[:3000], whole.labels[:3000]))
for _ in range(2):
    list(trainer.train_epoch())
arrays = trainer.network().named_arrays()
print(hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest())
print(trainer.computer())
"""


def trained(name, **environment):
    """Train in a fresh process on the CPU; returns the weights' digest, and what computed them."""
    return subprocess.check_output(
        [sys.executable, "-c", FINGERPRINT, name],
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""} | environment,
        text=True,
    )


@pytest.mark.parametrize(
    "name",
    ["mnist-numpy", "mnist-numpy-best", "fashion-mnist-torch", "fashion-mnist-torch-best"],
)
def test_processes_agree_byte_for_byte(name):
    """Whatever the number of threads is that the surroundings ask for: a sum has one."""
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    one, two = (
        trained(name, PYTHONHASHSEED=str(n), **dict.fromkeys(threads, str(n))) for n in (1, 2)
    )

    assert one == two
    assert "threads=1" in one
