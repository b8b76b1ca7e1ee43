"""Check error responses: problem documents, and the errors of the inference protocols."""

import json
import re

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


def check_error(answer, status):
    """Check that a response under /v1 or /v2 is an error with this status; return its text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    body = json.loads(answer.text)
    assert list(body) == ["error"]
    return body["error"]


def check_refusal(answer, status, path):
    """Check that a response is an error in the form of its path; return its text."""
    if path.startswith(("/v1/", "/v2")):
        return check_error(answer, status)
    return check_problem(answer, status)["detail"]


def pointers_in(error):
    """List the pointers in the text of an error under /v1 or /v2."""
    return re.findall(r"(?<=\. )(/\S*): ", error)
