"""The memory of this process: its peak, its return to the system, and errors if it runs out."""

import ctypes
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stepbox.errors import OutOfDeviceMemoryError

PROCESS = Path("/proc/self")
UNMAPPED = "failed to map segment"  # the loader's message when a library does not fit
RESET_PEAK = "5"  # written to clear_refs, it resets the peak memory counter

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
LARGE_BYTES = 8 * 2**20


def give_back_large_blocks() -> None:
    """Return each block of over 8 MiB to the system when it is freed.

    By default, once a large block has been freed, glibc keeps freed blocks of up to its size.
    Other C libraries have no such setting.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, 2 * LARGE_BYTES)  # otherwise it would return smaller blocks too


def reset_peak() -> None:
    """Reset the peak memory counter of this process, if that is allowed."""
    with suppress(OSError):
        (PROCESS / "clear_refs").write_text(RESET_PEAK)


def peak() -> int:
    """Return the peak memory of this process since `reset_peak`, in bytes."""
    for line in (PROCESS / "status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.removesuffix("kB")) * 1024
    raise OSError(f"{PROCESS / 'status'} does not contain the peak")


@contextmanager
def loading_explained() -> Iterator[None]:
    """If a memory limit prevents a library from loading, raise an error that names the limit.

    Without a limit, the loader's message has another cause, such as a disk that is mounted
    ``noexec``. The error is not changed then.
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


def _chain(error: BaseException | None) -> Iterator[str]:
    """Yield the message of an error, and those of the errors that led to it."""
    while error is not None:
        yield str(error)
        error = error.__context__
