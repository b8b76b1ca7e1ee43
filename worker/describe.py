"""Print the device that this worker trains on, and the versions it uses, as JSON."""

import ctypes
import json
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from stepbox import __version__

HOST_GPUS = Path("/proc/driver/nvidia/gpus")  # also visible in containers without a GPU


def driver_sees_device() -> bool:
    """Tell whether NVIDIA's driver sees a device; if it sees none, torch cannot either."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    return driver.cuInit(0) == 0 == driver.cuDeviceGetCount(ctypes.byref(count)) and count.value > 0


def find_device() -> tuple[str, str]:
    """Return the device that trainings run on and the reason; import torch only if needed."""
    if not driver_sees_device():
        return "cpu", "no CUDA device is visible"
    from stepbox.training.torch_device import visible_device  # imports torch: takes seconds

    return visible_device()


def main() -> None:
    """Print the description."""
    name, reason = find_device()
    if name == "cpu" and HOST_GPUS.is_dir() and any(HOST_GPUS.iterdir()):
        reason = (
            "the host has an NVIDIA GPU, but this container has no access to it: to train on it, "
            "start with ACCELERATOR=cuda docker compose up"
        )
    versions = {
        "stepbox": __version__,
        "python": python_version(),
        **{name: version(name) for name in ("numpy", "torch", "celery", "redis")},
    }
    print(json.dumps({"device": {"name": name, "detail": reason}, "versions": versions}))


if __name__ == "__main__":
    main()
