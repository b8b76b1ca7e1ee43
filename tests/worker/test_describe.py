"""The description of a worker: its device and its versions."""

import json
import os
import subprocess
import sys

import pytest
import torch

pytestmark = pytest.mark.slow

CODE = """
import runpy, sys
runpy.run_module("worker.describe", run_name="__main__")
print("torch" in sys.modules)
"""


def describe(**environment):
    command = [sys.executable, "-c", CODE]
    output = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    ).stdout
    description, loaded = output.splitlines()
    return json.loads(description), loaded == "True"


def test_the_device_is_the_one_that_torch_uses():
    description, loaded = describe()

    assert description["device"]["name"].startswith("cuda") == torch.cuda.is_available()
    assert description["versions"]["torch"] == torch.__version__.split("+")[0]
    assert loaded == torch.cuda.is_available()


def test_torch_is_not_imported_if_there_is_no_device():
    description, loaded = describe(CUDA_VISIBLE_DEVICES="")

    assert description["device"]["name"] == "cpu"
    assert not loaded
