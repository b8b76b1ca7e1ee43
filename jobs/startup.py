"""How the API and the worker start."""

from collections.abc import Iterator
from contextlib import contextmanager

from stepbox.errors import OutOfDeviceMemoryError
from stepbox.memory import loading_explained


@contextmanager
def imports() -> Iterator[None]:
    """End the program with one line where what it imports does not fit into its memory."""
    try:
        with loading_explained():
            yield
    except OutOfDeviceMemoryError as error:
        raise SystemExit(str(error)) from None
