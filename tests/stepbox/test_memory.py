"""The peak memory of a training, and the error if memory runs out."""

import json
import subprocess
import sys

import pytest

from stepbox import memory
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES
from tests.processes import ROOT

MIB = 2**20

# Trains each recipe with little more address space than it uses after its engine has run once.
STARVED = """
import json, resource, sys
from pathlib import Path

import numpy as np

from stepbox.data.builtin import MNIST
from stepbox.data.dataset import Dataset
from stepbox.errors import OutOfDeviceMemoryError
from stepbox.training.presets import RECIPES
from stepbox.training.loop import make_trainer, train

samples = 10_000
images = np.resize(np.arange(256, dtype=np.uint8), (samples, 28, 28))
data = Dataset(MNIST, images, np.zeros(samples, np.uint8))
few = data[:100]
_, most = resource.getrlimit(resource.RLIMIT_AS)
network, *names = sys.argv[1:]
for name in names:
    recipe = RECIPES[name].changed(epochs=1)
    list(train(make_trainer(recipe, few), few))
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + 60 * 2**20, most))
    recipe = recipe.changed(batch_size=10_000, **json.loads(network))
    try:
        list(train(make_trainer(recipe, data), data))
    except OutOfDeviceMemoryError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
"""


DENSE = {"hidden_sizes": [1024] * 8}
CONVOLUTION = {
    "layers": [
        {"type": "convolution", "channels": 8, "kernel": 5, "stride": 1, "padding": 0},
        {"type": "dense", "neurons": 1024},
    ]
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "network"),
    [
        (["mnist-numpy"], DENSE),
        (["mnist-numpy-convolution"], CONVOLUTION),
        (["fashion-mnist-torch", "fashion-mnist-torch-best"], DENSE),
        (["mnist-torch-convolution"], CONVOLUTION),
    ],
    ids=["numpy", "numpy convolution", "torch", "torch convolution"],
)
def test_running_out_of_host_memory_is_explained(names, network):
    answer = subprocess.run(
        [sys.executable, "-c", STARVED, json.dumps(network), *names],
        cwd=ROOT,
        env={"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    [(field, value)] = network.items()

    messages = answer.stdout.splitlines()
    assert len(messages) == len(names), answer.stderr
    for message in messages:
        assert message.startswith(
            f"the training ran out of memory with batch_size 10000 and {field} {value}: "
            f"choose a smaller batch_size or smaller {field}, or "
        ), answer.stderr


def test_the_peak_excludes_memory_used_before_the_training(few):
    held = bytearray(300 * MIB)
    before = memory.peak()
    del held
    trainer = make_trainer(RECIPES["mnist-numpy"], few(100))
    first = trainer.peak_memory()
    held = bytearray(b"1") * (100 * MIB)
    assert before - first > 200 * MIB
    assert 90 * MIB < trainer.peak_memory() - first < 200 * MIB
    assert len(held) == 100 * MIB
