"""The events of a job, read from a stream that may break and is then resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from stepbox.client.answers import FINAL, Answer, JobRecord


class Event(NamedTuple):
    """Something that happened to a job.

    Attributes
    ----------
    id
        Resumes after this event.
    kind
        ``status``, ``progress``, ``loss``, ``frame`` or ``epoch``; later servers may have more.
    data
        A `JobRecord` if the kind is ``status``; else the progress, or the figures of the epoch.
    """

    id: str
    kind: str
    data: Answer

    @property
    def final(self) -> bool:
        """Whether it is the last one of its job."""
        return self.kind == "status" and self.data.status in FINAL


class Decoder:
    """Reads events from the bytes of a stream (server-sent events)."""

    def __init__(self) -> None:
        self._buffer = b""
        self._fields: dict[str, str] = {}

    def read(self, block: bytes) -> Iterator[Event]:
        """Yield the events that a block of the stream completes."""
        *lines, self._buffer = (self._buffer + block).split(b"\n")
        for line in lines:
            name, _, value = line.decode().rstrip("\r").partition(":")
            if name:
                self._fields[name] = value.removeprefix(" ")
            elif not line.strip() and self._fields:
                fields, self._fields = self._fields, {}
                if "data" in fields:
                    yield _event(fields)


def _event(fields: dict[str, str]) -> Event:
    kind = fields.get("event", "message")
    values: dict[str, Any] = json.loads(fields["data"])
    return Event(fields.get("id", ""), kind, (JobRecord if kind == "status" else Answer)(values))
