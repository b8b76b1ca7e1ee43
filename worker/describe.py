"""Print what this worker trains on, and with which versions, as JSON."""

import json
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from stepbox import __version__
from stepbox.torch_trainer import visible_device

HOST_GPUS = Path("/proc/driver/nvidia/gpus")  # the driver shows it in every container


def main() -> None:
    """Print the description."""
    name, reason = visible_device()
    if name == "cpu" and HOST_GPUS.is_dir() and any(HOST_GPUS.iterdir()):
        reason = (
            "the host has an NVIDIA GPU that this container was not given: start with "
            "ACCELERATOR=cuda docker compose up to train on it"
        )
    versions = {
        "stepbox": __version__,
        "python": python_version(),
        **{name: version(name) for name in ("numpy", "torch", "celery", "redis")},
    }
    print(json.dumps({"device": {"name": name, "detail": reason}, "versions": versions}))


if __name__ == "__main__":
    main()
