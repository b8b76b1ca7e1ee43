"""The worker's own watch: it requeues lost jobs and makes up for lost tokens."""

import json
import logging
import subprocess
import sys
import time
from contextlib import suppress
from threading import Event, Thread
from typing import Any

from celery import bootsteps
from celery.signals import worker_ready
from celery.worker import state
from redis.exceptions import RedisError

from jobs.queue import send_token
from jobs.record import FINAL
from stepbox.errors import NotFoundError
from worker.alive import say_alive
from worker.leases import Leases
from worker.owner import dead_owners
from worker.settings import WorkerSettings
from worker.stall import Stall, cure
from worker.training import Stores

log = logging.getLogger(__name__)

PERIOD_S = 1.0
UNKNOWN = {"device": {"name": "unknown", "detail": "not known yet"}, "versions": {}}


class Reaper(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread of the worker's main process: Celery's timers stand still while Redis is away.

    Others hear of the worker from here, so not before it takes jobs.
    """

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._settings = WorkerSettings()
        self._stores = Stores.of(self._settings)
        self._jobs = self._stores.jobs
        self._about: dict[str, Any] = {"name": parent.hostname, **UNKNOWN}
        self._leases = Leases()
        self._stall = Stall(self._settings.stall_s)
        self._said = True
        self._swept = False
        self._ready = Event()
        self._stopping = Event()
        self._thread = Thread(target=self._run, args=(parent,), name="reaper", daemon=True)

    def start(self, parent: Any) -> None:
        """Start the watch."""
        worker_ready.connect(self._on_ready)
        self._thread.start()

    def stop(self, parent: Any) -> None:
        """Stop the watch, after a last look: the pool's processes are gone by now."""
        self._stopping.set()
        self._thread.join()

    terminate = stop

    def _on_ready(self, **_: Any) -> None:
        self._ready.set()

    def _run(self, worker: Any) -> None:
        Thread(target=self._describe, daemon=True).start()  # can take seconds: jobs do not wait
        reachable = True
        while True:
            last = self._stopping.wait(PERIOD_S)
            self._say_alive()
            try:
                if self._ready.is_set():
                    self._sweep()
                    self._look(worker)
                reachable = True
            except Exception as error:  # the watch goes on, whatever happens to Redis
                if isinstance(error, RedisError):
                    self._leases.begin_anew()
                    self._stall.begin_anew()
                if reachable or not isinstance(error, RedisError):
                    log.warning("the watch over the jobs is interrupted: %s", error)
                reachable = False
            if last:
                return

    def _look(self, worker: Any) -> None:
        stopping = worker.blueprint.state != bootsteps.RUN or state.should_terminate is not None
        dead = dead_owners(self._jobs, stopping=stopping)
        dead += self._leases.ended(self._jobs.beats())
        about = {**self._about, "stalled": self._stall.why}
        found = self._jobs.reap(worker.hostname, about, dead)
        if not stopping and (number := self._stall.look(found, time.monotonic())):
            cure(worker, number)
        for _ in range(found.lacking):
            send_token(worker.app)

    def _say_alive(self) -> None:
        try:
            say_alive(self._settings.alive_file, self._stall.why)
            self._said = True
        except OSError as error:  # the watch goes on; who asks for its health hears of it
            if self._said:
                log.warning("cannot say that the worker is alive: %s", error)
            self._said = False

    def _sweep(self) -> None:
        """Remove, once, what killed processes left behind."""
        if self._swept:
            return
        with suppress(OSError):  # where nothing can be written, the jobs will say so
            self._stores.models.sweep()
        for job in self._stores.checkpoints.jobs():
            try:
                over = self._jobs.get(job).status in FINAL
            except NotFoundError:
                over = True
            if over:
                self._stores.checkpoints.drop(job)
        self._swept = True

    def _describe(self) -> None:
        """Find out what this worker trains on, by a process of its own.

        CUDA and forked processes do not mix: the main process never imports torch.
        """
        finished = subprocess.run(
            [sys.executable, "-m", "worker.describe"], capture_output=True, text=True, check=False
        )
        if finished.returncode:
            log.warning("the devices are unknown: %s", finished.stderr.strip()[-500:])
            return
        self._about |= json.loads(finished.stdout)
        device = self._about["device"]
        log.info("trains on %s: %s", device["name"], device["detail"])
