"""A thread that removes what nobody needs any more from the store, and archives finished jobs.

It also submits the first job.

It runs in the process that runs the jobs. The main process of a worker forks, so it must not use a
bucket.
"""

import logging
import time
from math import inf
from threading import Thread

from redis.exceptions import RedisError

from jobs.archiving import Archiver
from stepbox.errors import StepboxError
from worker.first_model import submit_first_job
from worker.settings import WorkerSettings
from worker.stores import Stores

log = logging.getLogger(__name__)

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
        archiver = Archiver(
            stores.jobs,
            stores.archive,
            days=self._settings.archive_days,
            most=self._settings.archive_jobs,
        )
        started = False
        while True:
            try:
                if not started:
                    submit_first_job(stores, self._settings.first_model)
                    started = True
                self._sweep(stores, archiver)
            except (OSError, RedisError, StepboxError) as error:  # the next round tries again
                log.info("the store cannot be swept now: %s", error)
            except Exception:  # the thread must survive every error
                log.exception("the store cannot be swept")
            time.sleep(SWEEP_S if started else 1.0)

    def _sweep(self, stores: Stores, archiver: Archiver) -> None:
        stores.sweep()
        if time.monotonic() - self._cleaned_up_at > CLEAN_UP_S:
            stores.clean_up()
            moved = archiver.clean_up()
            self._cleaned_up_at = time.monotonic()
        else:
            moved = archiver.sweep()
        if moved:
            log.info("%d finished jobs have moved to the archive", moved)
