"""The errors of the client. Those that have a counterpart in `stepbox.errors` derive from it.

ClientError
├── UnreachableError          there is no connection, or it broke, and so did those after it
├── ProblemError              the server refused the request, and its problem says why
│   ├── AccessDeniedError     401 and 403: the token is missing, wrong, or does not suffice
│   ├── MissingError          404: what was requested does not exist; also a NotFoundError
│   ├── WrongStateError       409: the state does not allow it; also a ConflictError
│   ├── InvalidRequestError   422: values are invalid; also an InvalidInputError with its faults
│   └── BusyError             429, 502, 503 and 504: too many requests, or a part is unavailable
└── UnsuccessfulJobError      a job that was waited for has no result
    ├── JobFailedError        it failed, and its problem says why
    ├── JobCancelledError     somebody cancelled it
    └── JobTimeoutError       it has not ended in time, and goes on; also a TimeoutError
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stepbox.errors import ConflictError, Fault, InvalidInputError, NotFoundError, StepboxError

if TYPE_CHECKING:
    import httpx

    from stepbox.client.answers import JobRecord, SweepRecord

MOST_SHOWN = 500  # characters of an answer that is no problem, for instance of a proxy


class ClientError(StepboxError):
    """Base of the client's errors."""


class UnreachableError(ClientError):
    """There is no connection to the server, or it broke, also in the repetitions."""


class ProblemError(ClientError):
    """The server refused a request.

    Attributes
    ----------
    status
        Status of the response, 300..599.
    problem
        The body of the response (RFC 9457), with `title` and `detail`.
    faults
        What is wrong with the values of the request; empty unless the status is 422.
    request_id
        `X-Request-Id` of the response, which the logs of the server also have; None without one.
    """

    def __init__(self, status: int, problem: dict[str, Any], request_id: str | None = None) -> None:
        self.status, self.problem, self.request_id = status, problem, request_id
        self.faults = tuple(
            Fault(fault["pointer"], fault["detail"]) for fault in problem.get("errors") or ()
        )
        shown = "; ".join(f"{pointer or '/'}: {detail}" for pointer, detail in self.faults)
        Exception.__init__(self, shown or problem.get("detail") or problem.get("title"))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status, self.problem, self.request_id)


class AccessDeniedError(ProblemError):
    """The token is missing or wrong (401), or does not suffice (403)."""


class MissingError(ProblemError, NotFoundError):
    """What the request names does not exist (404)."""


class WrongStateError(ProblemError, ConflictError):
    """The state of what the request names does not allow it (409)."""


class InvalidRequestError(ProblemError, InvalidInputError):
    """Values of the request are invalid (422)."""


class BusyError(ProblemError):
    """There were too many requests (429), or a part of the server is unavailable.

    That is a 503, or a 502 or 504 of a proxy.
    """


class UnsuccessfulJobError(ClientError):
    """A job that was waited for has no result.

    Attributes
    ----------
    record
        The job, or the sweep.
    """

    def __init__(self, record: JobRecord | SweepRecord, why: str) -> None:
        super().__init__(f"job {record.id} {why}")
        self.record = record


class JobFailedError(UnsuccessfulJobError):
    """A job failed.

    Attributes
    ----------
    problem
        Why it failed (RFC 9457).
    """

    def __init__(self, record: JobRecord | SweepRecord) -> None:
        problem: dict[str, Any] = record.to_json()["error"] or {}
        super().__init__(record, f"failed: {problem.get('detail') or problem.get('title')}")
        self.problem = problem


class JobCancelledError(UnsuccessfulJobError):
    """A job was cancelled."""


class JobTimeoutError(UnsuccessfulJobError, TimeoutError):
    """A job has not ended in time. It goes on."""


_KINDS: dict[int, type[ProblemError]] = {
    401: AccessDeniedError,
    403: AccessDeniedError,
    404: MissingError,
    409: WrongStateError,
    422: InvalidRequestError,
    429: BusyError,
    502: BusyError,
    503: BusyError,
    504: BusyError,
}


def kind_of(status: int) -> type[ProblemError]:
    """Return the class of the errors that a response with this status means."""
    return _KINDS.get(status, ProblemError)


def error_of(response: httpx.Response) -> ProblemError:
    """Return the error for a response that has been read, and whose status is 300 or above."""
    try:
        body = json.loads(response.content)
    except ValueError:
        body = response.text[:MOST_SHOWN]
    if not isinstance(body, dict):
        body = {"detail": str(body)}
    # The Open Inference Protocol has bodies of its own: {"error": "…"}.
    detail = body.get("detail") or body.get("error") or response.headers.get("Location", "")
    title = body.get("title") or response.reason_phrase
    problem = body | {"title": title, "detail": detail or f"the status is {response.status_code}"}
    kind = kind_of(response.status_code)
    return kind(response.status_code, problem, response.headers.get("X-Request-Id"))
