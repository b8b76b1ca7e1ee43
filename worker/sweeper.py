"""A thread that removes what nobody needs any more from the store, and archives finished jobs.

It also submits the first job.

It runs in the process that runs the jobs. The main process of a worker forks, so it must not use a
bucket.
"""

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from math import inf
from subprocess import CalledProcessError
from threading import Thread
from typing import Any

from redis.exceptions import RedisError

from stepbox.errors import StepboxError, UnavailableError
from worker.archive import archiver_of
from worker.first_model import submit_first_job
from worker.settings import WorkerSettings
from worker.stores import Stores

log = logging.getLogger(__name__)

ARCHIVE = "worker.archive"  # the module that archives
SWEEP_S = 60.0  # a queued job that is cancelled leaves its upload for at most this long
CLEAN_UP_S = 86_400.0  # between two searches for what lost attempts left


class Sweeper(Thread):
    """A thread that sweeps the store, at once and then every `SWEEP_S`.

    Parameters
    ----------
    settings
        The settings of the worker.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._settings = settings
        self._cleaned_up_at = -inf

    def run(self) -> None:
        """Sweep until the process ends."""
        stores = Stores.of(self._settings)
        started = False
        while True:
            if not started:
                started = self._does(submit_first_job, stores, self._settings.first_model)
            self._sweep(stores)
            time.sleep(SWEEP_S if started else 1.0)

    def _sweep(self, stores: Stores) -> None:
        archiver = archiver_of(self._settings, stores)
        self._does(stores.sweep)
        if time.monotonic() - self._cleaned_up_at <= CLEAN_UP_S:
            self._does(_archive, archiver.sweep_is_due)
            return
        done = [
            self._does(stores.clean_up),
            self._does(_archive, archiver.clean_up_is_due, "clean-up"),
        ]
        if all(done):
            self._cleaned_up_at = time.monotonic()

    def _does(self, part: Callable[..., None], *arguments: Any) -> bool:
        """Do a part of the work, and tell whether it succeeded. No error stops the other parts."""
        try:
            part(*arguments)
        except (OSError, RedisError, UnavailableError) as error:  # the next round tries again
            log.info("the store cannot be swept now: %s", error)
        except (StepboxError, CalledProcessError) as error:
            log.warning("the store cannot be swept: %s", error)
        except Exception:  # the thread must survive every error
            log.exception("the store cannot be swept")
        else:
            return True
        return False


def _archive(is_due: Callable[[], bool], *arguments: str) -> None:
    """Run `worker.archive` if there is something to do, and wait for its end."""
    if is_due():
        subprocess.run(
            [sys.executable, "-m", ARCHIVE, *arguments], stdin=subprocess.DEVNULL, check=True
        )
