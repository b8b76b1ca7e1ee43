"""Startup of the API and the worker."""

from collections.abc import Iterator
from contextlib import contextmanager

from stepbox.errors import OutOfDeviceMemoryError
from stepbox.memory import loading_explained


@contextmanager
def imports() -> Iterator[None]:
    """Exit with a one-line message if an import runs out of memory."""
    try:
        with loading_explained():
            yield
    except OutOfDeviceMemoryError as error:
        raise SystemExit(str(error)) from None
