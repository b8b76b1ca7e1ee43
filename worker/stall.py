"""Detect and repair a stalled worker: it is idle, but takes no job although jobs are waiting.

Two causes are known, and each has a repair:

- A pool process has taken a token and hangs. It is killed, and the pool starts another.
- Celery's consumer takes no messages after Redis was unavailable (celery#10302). It reconnects.

If three repairs do not help, the worker exits, and its supervisor restarts it.
"""

import logging
import os
import signal
from contextlib import suppress
from typing import Any, NoReturn

from celery.worker import state

from jobs.watch import QueueState

log = logging.getLogger(__name__)

TRIES = 3  # repairs before the worker exits; replacing a process takes the pool seconds
EXIT_STATUS = 75  # EX_TEMPFAIL: tells the process that started the worker to start it again


class Stall:
    """Detects that a worker has stalled.

    Parameters
    ----------
    patience_s
        Seconds for which an idle worker may take no job although jobs are waiting.

    Attributes
    ----------
    why
        Why the worker has stalled, for `GET /system` and the health check; None if it has not.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._since: float | None = None
        self._claimed = ""
        self._attempts = 0
        self.why: str | None = None

    def check(self, queue: QueueState, now: float) -> int:
        """Check the worker once.

        Parameters
        ----------
        queue
            The queue, and the jobs of this worker.
        now
            Time in seconds, from a monotonic clock.

        Returns
        -------
        int
            The number of the repair that is due now, counted from 1; 0 if none is due.
        """
        may_wait = queue.waiting == 0 or queue.runs_last_claim or queue.draining
        if may_wait or queue.claimed != self._claimed:
            self._claimed, self._since, self._attempts, self.why = queue.claimed, None, 0, None
            return 0
        if self._since is None:
            self._since = now
        if now - self._since < self._patience_s:
            return 0
        self._since = now
        self._attempts += 1
        self.why = f"is idle and took no job for {self._patience_s:g} s although jobs are waiting"
        return self._attempts

    def reset(self) -> None:
        """Start the wait again: Redis was unavailable."""
        self._since = None


def repair(worker: Any, attempt: int) -> None:
    """Repair a stalled worker; exit if `TRIES` repairs have not helped."""
    if attempt > TRIES:
        log.critical("the worker still takes no job: it exits, so that it is started again")
        # No job runs here, so nothing is lost. sys.exit would wait for a main thread that hangs.
        os._exit(EXIT_STATUS)
    if state.reserved_requests:
        log.warning("the worker takes no job: a process that took a token hangs, and is replaced")
        for pid in worker.pool.info["processes"]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    else:
        log.warning("the worker takes no job: it reconnects to Redis")
        worker.consumer.call_soon(_interrupt)


def end_to_restart(why: str) -> None:
    """Let the worker end as soon as its jobs have ended, so that it is started again."""
    if state.should_stop is None:
        log.critical("the worker exits, so that it is started again: %s", why)
        state.should_stop = EXIT_STATUS


def _interrupt() -> NoReturn:
    """Make the consumer reconnect, by raising the error of a lost connection."""
    raise ConnectionResetError("the worker took no messages")
