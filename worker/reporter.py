"""Report a job to Redis, in a separate thread, so that the job never waits for Redis."""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from threading import Condition, Thread
from typing import Any, NamedTuple, ParamSpec, Self, TypeVar

from redis.exceptions import (
    ConnectionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)

from jobs.claim import Claim, Verdict
from jobs.logs import about
from jobs.store import JobStore

log = logging.getLogger(__name__)

PERIOD_S = 0.5  # time between reports, and so the longest time until a cancel is noticed
RETRY_S = 0.5
MOST_AT_ONCE = 50  # points in one report
# A Redis that has just started has no scripts; a pipeline may find that out only when it runs.
UNAVAILABLE = (ConnectionError, TimeoutError, OutOfMemoryError, ReadOnlyError, NoScriptError)

P = ParamSpec("P")
R = TypeVar("R")


class JobCancelledError(Exception):
    """A user has cancelled the job."""


class LeaseLostError(Exception):
    """The worker has lost the job; another worker may have claimed it."""


class JobParkedError(Exception):
    """The job waits for others, and no longer needs a worker."""


class TrialPrunedError(Exception):
    """A trial ends early, because others are better."""


def insist(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call Redis, and retry for as long as it is unavailable or cannot write."""
    while True:
        try:
            return call(*args, **kwargs)
        except UNAVAILABLE as error:
            log.warning("Redis is unavailable, retrying: %s", error)
        except ResponseError as error:
            if "MISCONF" not in str(error):  # MISCONF: the disk of Redis is full
                raise
            log.warning("Redis cannot write, retrying: %s", error)
        time.sleep(RETRY_S)


def obey(verdict: str) -> str:
    """Raise JobCancelledError or LeaseLostError if the job must stop; else return the verdict."""
    if verdict == "cancel":
        raise JobCancelledError
    if verdict == "lost":
        raise LeaseLostError
    return verdict


class _Point(NamedTuple):
    """A point of the training to store: the end of an epoch, a checkpoint, or both."""

    epoch: Mapping[str, Any] | None
    checkpoint: str | None


class Reporter(Thread):
    """A thread that stores what a job reports, renews the lease, and notices a cancel.

    Use it as a context manager: the thread starts on entry. On exit, it stores everything that it
    was given, unless the job is lost, and ends.
    """

    def __init__(self, jobs: JobStore, claim: Claim) -> None:
        super().__init__(name=f"reporter-{claim.job}", daemon=True)
        self._jobs = jobs
        self._claim = claim
        self._changed = Condition()
        self._points: deque[_Point] = deque()
        self._losses: list[Mapping[str, Any]] = []
        self._frames: list[Mapping[str, Any]] = []
        self._progress: Mapping[str, Any] | None = None
        self._verdict: Verdict = "go on"
        self._closing = False
        self._checkpoint = claim.checkpoint

    def progress(self, progress: Mapping[str, Any]) -> None:
        """Store the progress with the next report, unless a newer one replaces it before."""
        with self._changed:
            self._progress = progress
        self.check()

    def loss(self, loss: Mapping[str, Any]) -> None:
        """Store a loss with the next report, before any later point."""
        with self._changed:
            self._losses.append(loss)

    def frame(self, frame: Mapping[str, Any]) -> None:
        """Store a frame at once, and before any later point."""
        with self._changed:
            self._frames.append(frame)
            self._changed.notify_all()
        self.check()

    def point(self, epoch: Mapping[str, Any] | None, checkpoint: str | None) -> None:
        """Store a history entry, a checkpoint, or both, in the order of the calls."""
        with self._changed:
            self._points.append(_Point(epoch, checkpoint))
            self._changed.notify_all()
        self.check()

    def checkpoints(self) -> set[str | None]:
        """Return the names of the stored checkpoint and of those still to be stored."""
        with self._changed:
            return {self._checkpoint, *(point.checkpoint for point in self._points)}

    def check(self) -> None:
        """Raise JobCancelledError or LeaseLostError if the job must stop."""
        obey(self._verdict)

    def flush(self) -> None:
        """Wait until everything is stored or the job is lost; then raise as `check` does."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending() or self._verdict == "lost")
        self.check()

    def run(self) -> None:
        """Report every `PERIOD_S`, and at once when there is a point or a frame to store."""
        with about(self._claim.job, self._claim.request_id):
            self._report_all()

    def _report_all(self) -> None:
        while self._verdict != "lost":
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closing or self._points or self._frames, timeout=PERIOD_S
                )
                if self._closing and not self._pending():
                    return
                points = list(islice(self._points, MOST_AT_ONCE))
                progress, losses = self._progress, tuple(self._losses)
                frames = tuple(self._frames)
            verdict = insist(
                self._jobs.report_points,
                self._claim,
                points or [_Point(None, None)],
                progress,
                losses,
                frames,
            )
            with self._changed:
                self._verdict = verdict
                for point in points:
                    self._points.popleft()
                    if verdict != "lost":
                        self._checkpoint = point.checkpoint or self._checkpoint
                del self._losses[: len(losses)]
                del self._frames[: len(frames)]
                if self._progress is progress:
                    self._progress = None
                self._changed.notify_all()

    def _pending(self) -> bool:
        waiting = self._points or self._losses or self._frames
        return bool(waiting) or self._progress is not None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self.join()
