"""The events of a job, read from its stream, from any point on and without a gap."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from jobs.compact import Kind, unpack
from jobs.record import FINAL, Job, history_key
from jobs.store import JobStore

Entry = tuple[str, Mapping[str, str]]  # of a stream: its id and its fields

EVENT_ID = re.compile(r"\d{1,19}-\d{1,19}")
FIRST = "0-0"


class Event(NamedTuple):
    """One event: ``type`` is status, epoch or progress; ``data`` is its JSON text.

    ``final`` tells that nothing comes after it. The last of a deleted job is for those alone who
    follow it meanwhile: its type is deleted, and it has no data.
    """

    id: str
    type: str
    data: str
    final: bool = False

    @property
    def order(self) -> tuple[int, ...]:
        """What events of a job are ordered by."""
        return order_of(self.id)


def stream_key(id: str) -> str:
    """Name the stream of a job's events."""
    return f"events:{id}"


def order_of(event_id: str) -> tuple[int, ...]:
    """Return what an event's id is ordered by."""
    return tuple(int(part) for part in event_id.split("-"))


def needs_history(entries: Iterable[Entry]) -> bool:
    """Tell whether some entries of a job's stream can be read only beside its history."""
    return any(fields["type"] == "status" for _, fields in entries)


def parse_events(entries: Iterable[Entry], history: Sequence[str]) -> list[Event]:
    """Read entries of a job's stream, beside its history as it was read after them.

    Raises
    ------
    NotFoundError
        The job was deleted in between.
    """
    return [_parse(event_id, fields, history) for event_id, fields in entries]


def read_events(jobs: JobStore, id: str, after: str = FIRST) -> list[Event]:
    """Read the events of a job so far, after a given one.

    Of a finished job whose events have been dropped by age only the final status is left.
    """
    with jobs.redis.pipeline() as pipeline:
        pipeline.xrange(stream_key(id), min=f"({after}")
        pipeline.lrange(history_key(id), 0, -1)
        pipeline.exists(stream_key(id))
        entries, history, exist = pipeline.execute()
    job = jobs.get(id)
    if not exist and job.status in FINAL:
        return [_status(after, job)]
    return parse_events(entries, history)


def _parse(event_id: str, fields: Mapping[str, str], history: Sequence[str]) -> Event:
    kind = fields["type"]
    if kind == "deleted":
        return Event(event_id, kind, "", final=True)
    if kind != "status":
        (values,) = unpack(cast(Kind, kind), [fields["data"]])
        return Event(event_id, kind, json.dumps(values))
    # The record as it was when the event happened, as the flat list that HGETALL gives.
    flat: list[str] = json.loads(fields["record"])
    position = fields["queue_position"]
    record = dict(zip(flat[::2], flat[1::2], strict=True))
    return _status(event_id, Job.from_record(record, int(position) if position else None, history))


def _status(event_id: str, job: Job) -> Event:
    return Event(event_id, "status", json.dumps(job.to_json()), job.status in FINAL)
