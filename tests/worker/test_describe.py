"""The description of a worker: its device and its versions."""

import json
import os
import subprocess
import sys

import pytest
import torch

from jobs.routing import classes_taken
from stepbox.training.torch_device import visible_device

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

    name = description["device"]["name"]
    assert name.startswith("cuda") == torch.cuda.is_available()
    assert ("v2.cuda" in classes_taken(name, None)) == torch.cuda.is_available()
    assert description["versions"]["torch"] == torch.__version__.split("+")[0]
    assert loaded == torch.cuda.is_available()


def test_a_worker_takes_the_jobs_for_the_device_that_it_finds(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA H200")
    name, _ = visible_device()
    assert "v2.cuda" in classes_taken(name, None)


def test_torch_is_not_imported_if_there_is_no_device():
    description, loaded = describe(CUDA_VISIBLE_DEVICES="")

    assert description["device"]["name"] == "cpu"
    assert not loaded
