"""What every answer of 400 and above must be."""

import json

PROBLEM = {"type", "title", "status", "detail", "instance"}


def check_problem(answer, status):
    """Check an answer of Flask's test client or of requests; returns the problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.text)
    assert body.keys() >= PROBLEM
    assert body["status"] == status
    return body


def pointers(body):
    """List what the faults of a 422 point to."""
    return [fault["pointer"] for fault in body["errors"]]
