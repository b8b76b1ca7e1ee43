"""The position in the queue, in the events that the API streams."""

import json

import requests

from tests.jobs.test_turns import submit


def test_a_stream_has_the_position_of_a_job_that_waits_and_then_none(own_stack, jobs):
    own_stack.start_service()
    submit(jobs, "alice")
    id = submit(jobs, "alice")
    with requests.get(f"{own_stack.url}/jobs/{id}/events", stream=True, timeout=30) as answer:
        states = (json.loads(line[6:]) for line in answer.iter_lines() if line[:6] == b"data: ")
        waiting = next(states)
        assert (waiting["status"], waiting["queue_position"]) == ("queued", 1)
        jobs.cancel(id)
        over = next(states)
        assert (over["status"], over["queue_position"]) == ("cancelled", None)
