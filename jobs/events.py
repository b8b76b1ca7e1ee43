"""The events of a job, read from its stream, from any point on and without a gap."""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, cast

from jobs.job_store import JobStore
from jobs.record import FINAL, Job

EVENT_ID = re.compile(r"\d{1,19}-\d{1,19}")
FIRST = "0-0"


class Event(NamedTuple):
    """One event: ``type`` is status, epoch or progress; ``data`` is its JSON text.

    ``final`` tells that nothing comes after it.
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


def parse_event(event_id: str, fields: Mapping[str, str]) -> Event:
    """Read an entry of a job's stream."""
    if fields["type"] != "status":
        return Event(event_id, fields["type"], fields["data"])
    # The record as it was when the event happened, as the flat list that HGETALL gives.
    flat: list[str] = json.loads(fields["record"])
    position = fields["queue_position"]
    job = Job.from_record(
        dict(zip(flat[::2], flat[1::2], strict=True)), int(position) if position else None
    )
    return _status(event_id, job)


def read_events(jobs: JobStore, id: str, after: str = FIRST) -> list[Event]:
    """Read the events of a job so far, after a given one.

    Of a finished job whose events have been dropped by age only the final status is left.
    """
    job = jobs.get(id)
    entries = cast(
        list[tuple[str, dict[str, str]]], jobs.redis.xrange(stream_key(id), min=f"({after}")
    )
    events = [parse_event(*entry) for entry in entries]
    if not events and job.status in FINAL and not jobs.redis.exists(stream_key(id)):
        events = [_status(after, job)]
    return events


def _status(event_id: str, job: Job) -> Event:
    return Event(event_id, "status", json.dumps(job.to_json()), job.status in FINAL)
