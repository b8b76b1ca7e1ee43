"""The reaper: a thread that requeues lost jobs and replaces lost tokens."""

import logging
import time
from threading import Event, Thread
from typing import Any

from celery import bootsteps
from celery.signals import worker_ready
from celery.worker import state
from redis.exceptions import RedisError

from jobs.connection import connect
from jobs.queue import queue_of, send_token
from jobs.routing import SCHEMA, classes_taken
from jobs.store import JobStore
from worker.alive import write_heartbeat
from worker.availability import waits_for_store
from worker.device import UNKNOWN, DeviceSearch, RepeatedSearch, device_is_lost
from worker.draining import Draining
from worker.leases import Leases
from worker.memory import memory_limit
from worker.owner import dead_owners, machine
from worker.settings import WorkerSettings
from worker.stall import Stall, end_to_restart, repair

log = logging.getLogger(__name__)

PERIOD_S = 1.0


class Reaper(bootsteps.StartStopStep):  # type: ignore[misc]
    """A thread of the worker's main process that watches over the jobs.

    It is a thread because Celery's timers stop while Redis is unavailable. Every second, the thread
    also sends a heartbeat to Redis. The main thread sends the first one, just before it reads
    tokens: until then, Redis may have that of an earlier worker with the same name, which took
    other classes of jobs.
    """

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._settings = WorkerSettings()
        self._jobs = JobStore(connect(self._settings))
        self._device = DeviceSearch()
        self._leases = Leases()
        self._stall = Stall(self._settings.stall_s)
        self._draining = Draining()
        self._begun = False
        self._reachable = True
        self._memory = memory_limit()
        self._too_old: str | None = None
        self._without_device: str | None = None  # why it takes no job, if no device was found
        self._heartbeat_written = True
        self._ready = Event()
        self._stopping = Event()
        self._due = Event()  # set: the next round begins at once
        self._thread = Thread(target=self._run, args=(parent,), name="reaper", daemon=True)

    def start(self, parent: Any) -> None:
        """Find out which jobs this worker takes, before it reads tokens, and start the thread."""
        self._found = self._device.result()
        device = self._found["device"]
        self._classes = classes_taken(device["name"], self._memory)
        queues = parent.app.amqp.queues
        if device["name"] == UNKNOWN:  # nobody knows which jobs it can run
            self._without_device = f"takes no job, because its device is {device['detail']}"
            self._search = RepeatedSearch()
            queues.deselect([*queues.consume_from])
        else:
            for name in map(queue_of, self._classes):
                queues.select_add(name, exchange=name, routing_key=name)
        worker_ready.connect(lambda **_: self._begin(parent), weak=False)
        self._thread.start()

    def stop(self, parent: Any) -> None:
        """Stop the thread after a last round, which requeues jobs that the pool did not finish."""
        self._set(self._stopping)
        self._thread.join()

    terminate = stop

    def _begin(self, worker: Any) -> None:
        """Send the first heartbeat; from then on, the thread sends them."""
        self._round(worker)
        self._set(self._ready)

    def _set(self, event: Event) -> None:
        event.set()
        self._due.set()

    def _run(self, worker: Any) -> None:
        while True:
            self._due.wait(PERIOD_S)
            self._due.clear()
            last = self._stopping.is_set()
            self._write_heartbeat()
            if self._ready.is_set():
                self._round(worker)
            if last:
                return

    def _round(self, worker: Any) -> None:
        try:
            if not self._begun:
                self._jobs.begin(worker.hostname)
                self._begun = True
            self._reap(worker)
            self._reachable = True
        except Exception as error:  # the thread must survive every error
            if isinstance(error, RedisError):
                self._leases.reset()
                self._stall.reset()
            if self._reachable or not isinstance(error, RedisError):
                log.warning("the reaper cannot watch over the jobs: %s", error)
            self._reachable = False

    def _reap(self, worker: Any) -> None:
        """Requeue the lost jobs, send the heartbeat, and send the tokens that the queue lacks."""
        stopping = worker.blueprint.state != bootsteps.RUN or state.should_terminate is not None
        dead = dead_owners(self._jobs, stopping=stopping)
        if self._leases.watched:
            dead += self._leases.expired(self._jobs.beats())
        description = {
            "name": worker.hostname,
            **self._found,
            "stalled": self._without_device or self._stall.why,
            "memory": self._memory,
            "schema": SCHEMA,
            "too_old": self._too_old,
            "classes": self._classes,
            "owner_running": self._settings.owner_running,
        }
        if device_is_lost():
            end_to_restart(f"trainings no longer run on {self._found['device']['name']}")
        if self._without_device:
            self._stall.reset()
            if self._search.succeeds():
                end_to_restart("its device is found now")
        elif waits_for_store():
            self._stall.reset()
            description["stalled"] = "waits for the store, which does not answer"
        queue = self._jobs.reap(worker.hostname, description, dead, machine())
        self._leases.watch(has_place=queue.watching)
        if not stopping:
            self._draining.follow(worker, draining=queue.draining)
            if attempt := self._stall.check(queue, time.monotonic()):
                repair(worker, attempt)
        self._note_newer(queue.newer)
        for job_class, lacking in queue.lacking.items():
            for _ in range(lacking):
                send_token(worker.app, job_class)

    def _note_newer(self, newer: int) -> None:
        """Note how many queued jobs this worker leaves alone because it is too old for them."""
        jobs = "1 queued job" if newer == 1 else f"{newer} queued jobs"
        why = f"leaves {jobs} of a later version alone: upgrade it" if newer else None
        if why and not self._too_old:
            log.warning("the worker %s", why)
        self._too_old = why

    def _write_heartbeat(self) -> None:
        try:
            write_heartbeat(self._settings.alive_file, self._without_device or self._stall.why)
            self._heartbeat_written = True
        except OSError as error:  # the worker keeps running; its health check fails
            if self._heartbeat_written:
                log.warning("cannot write the worker's heartbeat: %s", error)
            self._heartbeat_written = False
