"""Follow the events of a job across broken connections, without a gap or a repetition."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import httpx

from stepbox.client.answers import JobRecord
from stepbox.client.errors import BusyError, ClientError, UnreachableError
from stepbox.client.events import Decoder, Event
from stepbox.client.repeating import pause_after
from stepbox.client.requests import Request, of, request

PATIENCE_S = 300.0  # how long a stream that was open is tried again without an event
STEADY_S = 10.0  # a stream that was open for so long has not failed, even without events
BROKEN = (httpx.RequestError, UnreachableError, BusyError)
LAST = "Last-Event-ID"


class Following:
    """What both clients know while they follow: the last event, and when to give up.

    Parameters
    ----------
    stream
        The request of the events. The path without ``/events`` is that of the job.

    Attributes
    ----------
    over
        Whether there are no more events.
    """

    def __init__(self, stream: Request[Event]) -> None:
        self.over = False
        self._stream, self._after = stream, stream.headers[LAST]
        self._opened = False  # whether any stream was opened
        self._failures, self._since = 0, 0.0
        self._open_since: float | None = None  # when the present stream had its first block
        self._ended = False  # whether the job had ended before the stream was opened

    def stream(self) -> Request[Event]:
        """Return the request of the events that follow."""
        self._decoder, self._read_any, self._open_since = Decoder(), False, None
        return replace(self._stream, headers={**self._stream.headers, LAST: self._after})

    def job(self) -> Request[JobRecord]:
        """Return the request of the job, after a stream without events."""
        path = self._stream.template.removesuffix("/events")
        return request(f"GET {path}", of(JobRecord), **self._stream.values)

    def read(self, block: bytes) -> Iterator[Event]:
        """Yield the events that a block of the stream completes."""
        now = time.monotonic()
        self._open_since = self._open_since or now
        if now - self._open_since > STEADY_S:
            self._failures = 0
        self._opened = True
        for event in self._decoder.read(block):
            self._after, self._failures, self._read_any = event.id, 0, True
            self.over = event.final
            yield event

    def must_ask(self) -> bool:
        """Tell, after a stream that has ended, whether to ask whether the job has ended."""
        # Whoever resumes after the last event gets none. But a job may also end between two
        # streams. So the events are over if there were none although the job had ended before.
        self.over = self.over or (self._ended and not self._read_any)
        return not self.over and not self._read_any

    def answered(self, job: JobRecord) -> None:
        """Remember whether the job has ended."""
        self._ended = job.ended

    def pause(self, error: ClientError | None) -> float:
        """Return the pause before the next stream, or raise why there is none.

        Parameters
        ----------
        error
            Why the last one broke; None if the server ended it.
        """
        if error is not None and not self._opened:
            raise error
        now = time.monotonic()
        self._since = self._since if self._failures else now
        if now - self._since > PATIENCE_S:
            raise error or UnreachableError("the stream of events ends again and again")
        self._failures += 1
        return 0.0 if self._ended else pause_after(self._failures - 1)
