"""A worker that has found a GPU, which fails before the first training."""

import os

from worker.app import app as app
from worker.device import DeviceSearch

os.environ["CUDA_VISIBLE_DEVICES"] = ""


def result(search):
    found = find(search)
    found["device"]["name"] = "cuda (NVIDIA H200)"
    return found


find, DeviceSearch.result = DeviceSearch.result, result
