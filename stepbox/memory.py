"""How much memory is held, how it is given back, and what to do where there is not enough."""

import ctypes
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stepbox.errors import OutOfDeviceMemoryError
from stepbox.training.recipe import Recipe

PROCESS = Path("/proc/self")
UNMAPPED = "failed to map segment"  # what the loader says where a library does not fit
RESET_PEAK = "5"  # what Linux takes, in clear_refs, as: begin anew with the peak


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h has them
LARGE_BYTES = 8 * 2**20


def give_back_large_blocks() -> None:
    """Let each block of over 8 MiB go back to the system when it is freed.

    By itself glibc keeps ever larger ones, once the first has been freed. Other libraries of C have
    no such setting.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES)  # else smaller blocks go back too, each time


def reset_peak() -> None:
    """Begin anew with this process's peak; where that is forbidden the old one stands."""
    with suppress(OSError):
        (PROCESS / "clear_refs").write_text(RESET_PEAK)


def peak() -> int:
    """Return the most memory, bytes, that this process has held at once since `reset_peak`."""
    for line in (PROCESS / "status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.removesuffix("kB")) * 1024
    raise OSError(f"{PROCESS / 'status'} does not tell the peak")


def out_of_memory(recipe: Recipe, who: str, remedy: str) -> OutOfDeviceMemoryError:
    """Make the error that names what a training's memory goes with."""
    sizes = list(recipe.hidden_sizes)
    return OutOfDeviceMemoryError(
        f"{who} ran out of memory with batch_size {recipe.batch_size} and hidden_sizes {sizes}: "
        f"choose a smaller batch_size or smaller hidden_sizes, or {remedy}"
    )


@contextmanager
def loading_explained() -> Iterator[None]:
    """Turn the error of a library that a limit keeps out into one that names the limit.

    Without a limit a library may also be kept out by what forbids programs on its disk.
    """
    try:
        yield
    except (ImportError, OSError) as error:
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        reasons = [reason for reason in _chain(error) if UNMAPPED in reason]
        if not reasons or limit == resource.RLIM_INFINITY:
            raise
        raise OutOfDeviceMemoryError(
            f"not enough memory to load a library ({reasons[-1]}): `ulimit -v` lets a process "
            f"have {limit // 1024:,} KiB; allow it more"
        ) from error


@contextmanager
def out_of_memory_explained(recipe: Recipe) -> Iterator[None]:
    """Turn a MemoryError, or a library that does not fit, into an error that says what to do."""
    try:
        with loading_explained():
            yield
    except MemoryError as error:
        raise out_of_memory(recipe, "the worker", "give it more memory") from error


def _chain(error: BaseException | None) -> Iterator[str]:
    """Tell what an error says, then what those say that led to it."""
    while error is not None:
        yield str(error)
        error = error.__context__
