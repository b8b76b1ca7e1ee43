"""Find out the device that a worker trains on, in a separate process, while the worker starts.

If the worker's main process used CUDA, its forked children could not.
"""

import json
import logging
import subprocess
import sys
import time
from multiprocessing import Value
from tempfile import TemporaryFile
from typing import Any

log = logging.getLogger(__name__)

SEARCH = "worker.describe"  # the module that prints the device and the versions
PATIENCE_S = 60  # importing torch takes seconds, on a busy machine many
AGAIN_S = 60  # between two searches for a device that was not found
UNKNOWN = "unknown"

_lost = Value("b", False, lock=False)  # shared by the processes of the worker


def lose_device() -> None:
    """Note that trainings no longer run on the device that was found, but on another."""
    _lost.value = True


def device_is_lost() -> bool:
    """Return whether a process of this worker has called `lose_device`."""
    return bool(_lost.value)


class DeviceSearch:
    """A run of the module `SEARCH`. It writes to files: forked children would keep a pipe open.

    Create it before the pool forks.
    """

    def __init__(self) -> None:
        self._output, self._errors = TemporaryFile("w+"), TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", SEARCH],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
        )
        self._deadline = time.monotonic() + PATIENCE_S

    def is_over(self) -> bool:
        """Return whether `result` does not wait any more."""
        return self._process.poll() is not None or time.monotonic() >= self._deadline

    def result(self) -> dict[str, Any]:
        """Wait for the device and the versions, and return them, or why they are not known."""
        late = ""
        try:
            self._process.wait(max(0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            late = f"the search took longer than {PATIENCE_S} s"
        return self._read(self._process.wait(), late)

    def _read(self, status: int, late: str) -> dict[str, Any]:
        with self._output as output, self._errors as errors:
            for file in (output, errors):
                file.seek(0)
            printed, fault = output.read(), late or errors.read().strip() or f"exit status {status}"
        if status:
            log.warning("cannot find out the device: %s", fault[-500:])
            detail = f"not found: {fault.splitlines()[-1]}"
            return {"device": {"name": UNKNOWN, "detail": detail}, "versions": {}}
        found: dict[str, Any] = json.loads(printed)
        log.info("trains on %s: %s", found["device"]["name"], found["device"]["detail"])
        return found


class RepeatedSearch:
    """Searches for a device that was not found: it may be found later, after a repair."""

    def __init__(self) -> None:
        self._search: DeviceSearch | None = None
        self._due = time.monotonic() + AGAIN_S

    def succeeds(self) -> bool:
        """Return whether a search has found the device; begin one when it is due. Do not wait."""
        if self._search is None:
            if time.monotonic() >= self._due:
                self._search = DeviceSearch()
        elif self._search.is_over():
            name = self._search.result()["device"]["name"]
            self._search, self._due = None, time.monotonic() + AGAIN_S
            return bool(name != UNKNOWN)
        return False
