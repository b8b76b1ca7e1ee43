"""The frames in the event stream of a job."""

import json

import requests


def frames_in(text):
    """Return the frames in the text of an event stream."""
    events = [event.split("\n") for event in text.split("\n\n")]
    return [
        json.loads(lines[-1].removeprefix("data: ")) for lines in events if "event: frame" in lines
    ]


def frames_of(stack, job):
    """Return the frames of a finished job of an installation."""
    return frames_in(requests.get(f"{stack.url}/jobs/{job}/events", timeout=10).text)
