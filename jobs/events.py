"""The events of a job, read from its stream, from any point on and without a gap."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from jobs.job_store import JobStore
from jobs.record import FINAL, Job

EVENT_ID = re.compile(r"\d{1,19}-\d{1,19}")
FIRST = "0-0"


class Event(NamedTuple):
    """One event: ``type`` is status, epoch or progress; ``data`` is its JSON text."""

    id: str
    type: str
    data: str


def follow(
    jobs: JobStore, id: str, after: str = FIRST, wait_s: float = 1
) -> Iterator[Event | None]:
    """Yield the events of a job after a given one, up to its final status.

    Yields None after each ``wait_s`` seconds without an event, so that the caller can see
    whether anyone still listens. A finished job whose events have been dropped by age gives
    its final status alone.
    """
    if jobs.get(id).status in FINAL and not jobs.redis.exists(f"events:{id}"):
        yield Event(after, "status", json.dumps(jobs.get(id).to_json()))
        return
    while True:
        answer = cast(
            list[tuple[str, list[tuple[str, dict[str, str]]]]],
            jobs.redis.xread({f"events:{id}": after}, count=500, block=int(wait_s * 1000)),
        )
        if not answer:
            if jobs.get(id).status in FINAL and _last_id(jobs, id) <= _parts(after):
                return  # the caller has seen the final status already
            yield None
            continue
        for after, fields in answer[0][1]:
            if fields["type"] == "status":
                job = _job_at(fields)
                yield Event(after, "status", json.dumps(job.to_json()))
                if job.status in FINAL:
                    return
            else:
                yield Event(after, fields["type"], fields["data"])


def _job_at(fields: dict[str, str]) -> Job:
    """Read the record as it was when the event happened."""
    flat: list[str] = json.loads(fields["record"])
    position = fields["queue_position"]
    return Job.from_record(
        dict(zip(flat[::2], flat[1::2], strict=True)), int(position) if position else None
    )


def _last_id(jobs: JobStore, id: str) -> tuple[int, ...]:
    last = cast(list[tuple[str, Any]], jobs.redis.xrevrange(f"events:{id}", count=1))
    return _parts(last[0][0]) if last else (0, 0)


def _parts(event_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in event_id.split("-"))
