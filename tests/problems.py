"""Check error responses: problem documents."""

import json

PROBLEM = {"type", "title", "status", "detail", "instance"}


def check_problem(answer, status):
    """Check that a response is a problem with this status; return the problem.

    The response may come from Flask's test client or from requests.
    """
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.text)
    assert body.keys() >= PROBLEM
    assert body["status"] == status
    return body


def pointers(body):
    """List the pointers of the errors in a 422."""
    return [fault["pointer"] for fault in body["errors"]]
