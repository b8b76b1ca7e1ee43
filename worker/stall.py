"""A worker that takes no job although one waits and it runs none: how it shows, and what helps.

Two faults are known. A process of the pool hangs with a token that it took: it is killed, and the
pool makes another. Celery's consumer takes no messages after Redis was away (celery#10302): its
connection is made anew. Where that did not help three times, the worker ends, to be started anew.
"""

import logging
import os
import signal
from contextlib import suppress
from typing import Any, NoReturn

from celery.worker import state

from jobs.watch import Look

log = logging.getLogger(__name__)

TRIES = 3  # before the worker ends: the pool takes seconds to replace a process
EXIT_STATUS = 75  # EX_TEMPFAIL: whoever started the worker shall start it again


class Stall:
    """Finds that a worker has stalled, by its watch's looks.

    Parameters
    ----------
    patience_s
        For how long a worker may take nothing.

    Attributes
    ----------
    why
        What others are told; None while the worker takes jobs, or has none to take.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._since: float | None = None
        self._claimed = ""
        self._cures = 0
        self.why: str | None = None

    def look(self, found: Look, now: float) -> int:
        """Take one look, at a moment in seconds; returns which cure in a row is due, or 0."""
        if found.waiting == 0 or found.running > 0 or found.claimed != self._claimed:
            self._claimed, self._since, self._cures, self.why = found.claimed, None, 0, None
            return 0
        if self._since is None:
            self._since = now
        if now - self._since < self._patience_s:
            return 0
        self._since = now
        self._cures += 1
        self.why = f"took no job for {self._patience_s:g} s although one waits and it runs none"
        return self._cures

    def begin_anew(self) -> None:
        """Forget since when: Redis was away."""
        self._since = None


def cure(worker: Any, number: int) -> None:
    """Do something about a worker that has stalled: first what disturbs nothing else."""
    if number > TRIES:
        log.critical("still takes no job: ends, to be started again")
        os._exit(EXIT_STATUS)  # it runs no job, and its main thread may hang
    if state.reserved_requests:
        log.warning("takes no job: a process hangs with a token, and is replaced")
        for pid in worker.pool.info["processes"]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    else:
        log.warning("takes no job: connects to Redis anew")
        worker.consumer.call_soon(_interrupt)


def _interrupt() -> NoReturn:
    """Let the consumer's loop believe that its connection is lost."""
    raise ConnectionResetError("the worker took no messages")
