"""Measure the parts of a whole job, from POST to succeeded, by the timestamps of its events."""

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

PARTS = ("whole", "queue", "start and data", "training", "evaluation", "publishing")


class Event(NamedTuple):
    """An event of a job; ``at`` is the time at which Redis stored it, in seconds."""

    at: float
    type: str
    data: dict[str, Any]


def start_job(url: str, **body: object) -> str:
    """Submit a job with the fields of ``body``; return its id."""
    content = json.dumps(body).encode()
    request = Request(f"{url}/train", content, {"Content-Type": "application/json"})
    with urlopen(request) as answer:
        return json.load(answer)["id"]


def wait_until_running(url: str, id: str) -> None:
    """Wait until a worker has claimed a job.

    Raises
    ------
    SystemExit
        The job ended before it was seen running.
    """
    while (status := _read_job(url, id)["status"]) != "running":
        if status != "queued":
            raise SystemExit(f"job {id} ended as {status}")
        time.sleep(0.05)


def _read_job(url: str, id: str) -> dict[str, Any]:
    with urlopen(f"{url}/jobs/{id}") as answer:
        return json.load(answer)


def job_parts(url: str, **body: object) -> dict[str, float]:
    """Run a job to its end.

    Parameters
    ----------
    url
        Address of a Stepbox with an empty queue.
    body
        The recipe, and changes to it.

    Returns
    -------
    dict[str, float]
        Seconds of each of `PARTS`:

        - ``whole``: everything, including the request and its response;
        - ``queue``: from the creation of the job until a worker claims it;
        - ``start and data``: from the claim until the training is ready for its first step;
        - ``training``: during the epochs;
        - ``evaluation``: the evaluations and checkpoints, up to the event of the last epoch;
        - ``publishing``: the files and the record, from that event to the end.

    Raises
    ------
    SystemExit
        The job did not succeed.
    """
    started = time.perf_counter()
    id = start_job(url, **body)
    events = list(_events(url, id))
    whole = time.perf_counter() - started
    job = events[-1].data
    if job["status"] != "succeeded":
        raise SystemExit(f"job {id} ended as {job['status']}: {job['error']}")
    states = [event for event in events if event.type == "status"]
    last_epoch = max(event.at for event in events if event.type == "epoch")
    queued, claimed, ready, finished = (
        states[0].at,
        next(state.at for state in states if state.data["status"] == "running"),
        next(state.at for state in states if state.data["device"]),
        states[-1].at,
    )
    training = sum(epoch["seconds"] for epoch in job["history"])
    seconds = (
        whole,
        claimed - queued,
        ready - claimed,
        training,
        last_epoch - ready - training,
        finished - last_epoch,
    )
    return dict(zip(PARTS, seconds, strict=True))


def _events(url: str, id: str) -> Iterator[Event]:
    """Follow a job's event stream to its end."""
    fields: dict[str, str] = {}
    with urlopen(f"{url}/jobs/{id}/events") as stream:
        for line in stream:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                milliseconds = int(fields["id"].partition("-")[0])
                yield Event(milliseconds / 1000, fields["event"], json.loads(fields["data"]))
                fields = {}
