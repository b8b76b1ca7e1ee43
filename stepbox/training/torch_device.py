"""The device that torch trains on, and what to do when its memory is full."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from stepbox.training.recipe import Recipe
from stepbox.training.trainer import out_of_memory

HOST_FULL = "DefaultCPUAllocator"  # part of torch's error message when the host's memory is full


def visible_device() -> tuple[str, str]:
    """Return the name of the device that trainings run on, and why."""
    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})", "a CUDA device is visible"
    if torch.version.cuda is None:
        return "cpu", "this build of torch has no CUDA"
    return "cpu", "torch finds no usable CUDA device"


@contextmanager
def explain_out_of_memory(recipe: Recipe) -> Iterator[None]:
    """Turn torch's out-of-memory errors into errors that say what to do.

    If the host's memory is full, torch raises a plain RuntimeError. It becomes a MemoryError, the
    error that NumPy raises.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        remedy = "train where no CUDA device is visible"
        raise out_of_memory(recipe, "the device", remedy) from error
    except RuntimeError as error:
        if HOST_FULL not in str(error):
            raise
        raise MemoryError(str(error)) from error
