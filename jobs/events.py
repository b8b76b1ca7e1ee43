"""Read the events of a job from its Redis stream, from any point and without gaps."""

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from jobs.archive import View
from jobs.archive_rows import Entry as Entry
from jobs.compact import NAMES, unpack
from jobs.record import FINAL, Job, history_key
from jobs.store import JobStore
from stepbox.training.sweep import Trial

log = logging.getLogger(__name__)

EVENT_ID = re.compile(r"\d{1,19}-\d{1,19}")
FIRST = "0-0"


class Event(NamedTuple):
    """One event of a job.

    Attributes
    ----------
    id
        Id of the entry in the stream.
    type
        ``status``, ``epoch``, ``frame``, ``loss``, ``progress``, ``trial`` and ``value`` (of a
        sweep), ``deleted`` or ``archived``. The last two end the streams that are open when a job
        is deleted, or moves to the archive: then the client reconnects, and gets the rest. Later
        versions may have more types.
    data
        JSON text. Empty for these two, and for what only later versions can read: such an event
        is not sent to clients, but they continue after its id.
    final
        True for the last event of a job.
    """

    id: str
    type: str
    data: str
    final: bool = False


def stream_key(id: str) -> str:
    """Return the Redis key of a job's stream of events."""
    return f"events:{id}"


def order_of(event_id: str) -> tuple[int, ...]:
    """Return the sort key of an event id."""
    return tuple(int(part) for part in event_id.split("-"))


def has_status(entries: Iterable[Entry]) -> bool:
    """Tell whether `parse_events` needs the history and the position to read these entries."""
    return any(fields["type"] == "status" for _, fields in entries)


def parse_events(
    entries: Iterable[Entry], history: Sequence[str], position: int | str
) -> list[Event]:
    """Turn entries of a job's stream into events.

    Parameters
    ----------
    entries
        Entries of the stream.
    history
        The list ``history:{id}``, read after the entries.
    position
        What ``positions.lua`` returns for the job, read after the entries. Events of version 0.2.0
        have a position of their own.

    Raises
    ------
    NotFoundError
        The job was deleted between the two reads.
    """
    return [_parse(event_id, fields, history, position) for event_id, fields in entries]


def read_events(jobs: JobStore, id: str, after: str = FIRST) -> list[Event]:
    """Read the events of a job that come after the event id ``after``.

    The events of a finished job expire. After that, only the final status is returned.

    Raises
    ------
    NotFoundError
        No job has this id.
    """
    entries, history, position, exist = jobs.archive.settled(
        lambda view: _stored(jobs, view, id, after)
    )
    job = jobs.get(id)
    if not exist and job.status in FINAL:
        return [_status(after, job)]
    return parse_events(entries, history, position)


def _stored(
    jobs: JobStore, view: View, id: str, after: str
) -> tuple[Sequence[Entry], Sequence[str], int | str, bool]:
    """Return the events after one of them, the history, the position, and whether there are any."""
    with jobs.redis.pipeline() as pipeline:
        pipeline.exists(f"job:{id}")
        pipeline.xrange(stream_key(id), min=f"({after}")
        pipeline.lrange(history_key(id), 0, -1)
        pipeline.exists(stream_key(id))
        jobs.position(id, pipeline=pipeline)
        known, entries, history, exist, (position,) = pipeline.execute()
    if known:
        return entries, history, position, bool(exist)
    _, job = jobs.archive.fetch(view, id)
    later = order_of(after)
    entries = [entry for entry in job.events if order_of(entry[0]) > later]
    return entries, job.history, "", bool(job.events)


def _parse(
    event_id: str, fields: Mapping[str, str], history: Sequence[str], position: int | str
) -> Event:
    kind = fields["type"]
    if kind in NAMES:
        (values,) = unpack(kind, [fields["data"]])
        return Event(event_id, kind, json.dumps(values))
    if kind == "trial":
        return Event(event_id, kind, Trial.model_validate_json(fields["data"]).model_dump_json())
    if kind != "status":
        return Event(event_id, kind, "", final=kind in ("deleted", "archived"))
    # The record as it was at this event: a flat list of names and values, as HGETALL returns it.
    flat: list[str] = json.loads(fields["record"])
    record = dict(zip(flat[::2], flat[1::2], strict=True))
    try:
        job = Job.from_record(record, fields["queue_position"] or position, history)
    except ValidationError as error:
        log.warning("job %s: its state cannot be read by this version: %s", record["id"], error)
        return Event(event_id, kind, "", final=record["status"] in FINAL)
    return _status(event_id, job)


def _status(event_id: str, job: Job) -> Event:
    return Event(
        event_id,
        "status",
        json.dumps(job.to_json() | {"losses": None, "waiting_for": None}),
        job.status in FINAL,
    )
