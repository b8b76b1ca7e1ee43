"""Startup of the API and the worker."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from jobs.settings import Settings
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


def check_store(settings: Settings) -> None:
    """Exit with a one-line message if the bucket of the settings refuses to be used.

    If it does not answer, only log this: it may come back. The check runs in a process of its own,
    because this one forks, and must not use the bucket before.
    """
    if settings.bucket is None:
        return
    check = subprocess.run(
        [sys.executable, "-m", "jobs.check_store"], stdout=subprocess.PIPE, text=True
    )
    why = check.stdout.strip()
    if check.returncode == os.EX_TEMPFAIL:
        logging.getLogger(__name__).warning("STEPBOX_STORE: %s", why)
    elif check.returncode:
        raise SystemExit(f"STEPBOX_STORE: {settings.bucket}: {why}")
