"""Turn every error into a response that describes the problem (RFC 9457).

Under /v1 and /v2, the response has the form that the inference protocols define.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, json, request
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel, Field, ValidationError
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException, NotFound

from jobs.connection import UnconfirmedError
from jobs.submission import QueueFullError
from stepbox import errors
from stepbox.allowed import Schema, fault_words, schema_at
from stepbox.errors import UnavailableError

log = logging.getLogger(__name__)

# The names in RFC 9110, which Python has used since version 3.13.
TITLES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}

MOST_FAULTS = 100
RETRY_AFTER_S = 5


class BusyError(errors.StepboxError):
    """Other requests hold the memory that this one needs."""


# The status of each domain error.
STATUSES: dict[type[errors.StepboxError], HTTPStatus] = {
    errors.InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.NotOwnedError: HTTPStatus.FORBIDDEN,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.DamagedModelError: HTTPStatus.CONFLICT,
    QueueFullError: HTTPStatus.TOO_MANY_REQUESTS,
    BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ExportError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DatasetError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageFullError: HTTPStatus.INSUFFICIENT_STORAGE,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class ProblemFault(BaseModel):
    """One fault of a request."""

    pointer: str = Field(description="RFC 6901 pointer to the invalid value.")
    detail: str = Field(description="What is wrong, and what is allowed.")


class ProblemFigure(BaseModel):
    """A figure of a model that is not as good as the gate of an alias demands."""

    figure: str = Field(description="Its name: `accuracy` or `expected_calibration_error`.")
    value: float = Field(description="What it is, 0 to 1.")
    least: float | None = Field(description="What it must be at least; null if there is a `most`.")
    most: float | None = Field(description="What it may be at most; null if there is a `least`.")


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(
        description="`about:blank`: the status says what kind of error it is. For steps of a "
        "training: `steps-not-kept` or `too-far`. For aliases: `gate-not-passed`."
    )
    title: str
    status: int
    detail: str
    instance: str = Field(description="The path of the request.")
    errors: list[ProblemFault] | None = Field(
        None, description="With 422: up to 100 faults, at most one for each list of numbers."
    )
    nearest: list[int] | None = Field(
        None, description="With `too-far`: the nearest steps that can be opened."
    )
    figures: list[ProblemFigure] | None = Field(
        None, description="With `gate-not-passed`: the figures that are not good enough."
    )


class ProtocolError(BaseModel):
    """An error under /v1 and /v2, as the protocols define it."""

    error: str = Field(description="What went wrong, with all faults, in one text.")


def is_protocol(path: str) -> bool:
    """Tell whether a path belongs to a protocol that defines its own form of errors."""
    return path.startswith(("/v1/", "/v2/")) or path == "/v2"


def problems(*statuses: int) -> ResponseDict:
    """Describe the problems that an operation may return, for the OpenAPI document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": title(status),
            "content": {"application/problem+json": {"schema": schema}},
        }
        for status in statuses
    }


def title(status: int) -> str:
    """Return the name of a status, which is the same in all versions of Python."""
    return TITLES.get(status) or HTTPStatus(status).phrase


def problem(
    status: int,
    detail: str,
    faults: Sequence[errors.Fault] = (),
    headers: dict[str, str] | None = None,
    **members: Any,
) -> Response:
    """Make a response from a problem. With 429 and 503, it says when to try again."""
    body = {
        "type": "about:blank",
        "title": title(status),
        "status": int(status),
        "detail": detail,
        "instance": request.path,
        **members,
    }
    if faults:
        body["errors"] = [fault._asdict() for fault in faults]
    content_type = "application/problem+json"
    if is_protocol(request.path):
        body = {"error": " ".join([detail, *(f"{at or '/'}: {what}." for at, what in faults)])}
        content_type = "application/json"
    response = Response(json.dumps(body), status, headers=headers, content_type=content_type)
    if status in (429, 503):
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return response


def faults_problem(faults: Iterable[errors.Fault]) -> Response:
    """Make a response from the first hundred distinct faults."""
    distinct = list(dict.fromkeys(faults))
    detail = _summary(len(distinct))
    if len(distinct) > MOST_FAULTS:
        detail += (
            f" The first {MOST_FAULTS} are listed, {len(distinct) - MOST_FAULTS:,} more are not."
        )
    return problem(422, detail, distinct[:MOST_FAULTS])


def validation_problem(error: ValidationError) -> Response:
    """Make a response from the faults that pydantic found."""
    return faults_problem(
        errors.Fault(
            pointer_to(*fault["loc"]), fault_words(fault, _schema(error.title, fault["loc"]))
        )
        for fault in error.errors(include_url=False, include_context=False)
    )


def register(app: Flask) -> None:
    """Add the handlers for all errors of the application."""

    @app.errorhandler(errors.StepboxError)
    def domain_error(error: errors.StepboxError) -> Response:
        if isinstance(error, errors.InvalidInputError):
            return faults_problem(error.faults)
        status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 500)
        members: dict[str, Any] = {}
        if isinstance(error, errors.GateNotPassedError):
            figures = [shortfall._asdict() for shortfall in error.shortfalls]
            members = {"type": "gate-not-passed", "figures": figures}
        elif isinstance(error, errors.StepsNotKeptError):
            members = {"type": "steps-not-kept"}
        elif isinstance(error, errors.TooFarError):
            members = {"type": "too-far", "nearest": error.nearest}
        return problem(status, str(error), **members)

    app.register_error_handler(ValidationError, validation_problem)

    @app.errorhandler(RedisError)
    def redis_unreachable(error: RedisError) -> Response:
        if isinstance(error, UnconfirmedError):
            log.warning("not confirmed: %s", error)
            return problem(
                503,
                f"The job is stored, but not confirmed: {error}. It runs unless Redis is lost now. "
                "Send the request again: with the same Idempotency-Key, it returns this job once "
                "it is confirmed; without one, it creates another job.",
            )
        log.warning("cannot reach Redis: %s", error)
        return problem(
            503,
            "The job queue cannot be reached. Predictions, models and analyses still work, and "
            "no accepted job is lost.",
        )

    @app.errorhandler(UnavailableError)
    def store_unavailable(error: UnavailableError) -> Response:
        log.warning("cannot use the store at %s: %s", error.key, error.why)
        return problem(
            503,
            f"The store cannot be used now: {error.why}. Models that are in memory still "
            "answer, and no accepted job is lost.",
        )

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        if error.response is not None:  # raised with a complete response
            return error.response  # type: ignore[return-value]
        status = error.code or 500
        detail = error.description or title(status)
        if isinstance(error, NotFound) and error is request.routing_exception:
            path = request.path[:100]
            detail = f"no endpoint has the path {path!r}; GET /docs lists all endpoints"
        headers = dict(error.get_headers())
        del headers["Content-Type"]
        return problem(status, detail, headers=headers)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.exception("unexpected error at %s %s", request.method, request.path)
        return problem(500, "An unexpected error occurred and was logged.")


def _summary(count: int) -> str:
    return "One value is not acceptable." if count == 1 else f"{count:,} values are not acceptable."


def _schema(model: str, location: tuple[int | str, ...]) -> Schema:
    """Find the schema of a value in the body, the parameters or the headers of this request."""
    document = current_app.extensions["openapi"]
    schemas = document["components"]["schemas"]
    schema: Schema
    if model in schemas:
        schema, path = schemas[model], location
    else:
        schema, path = _parameter(document, str(location[0])), location[1:]
    return schema_at(schema, path, schemas)


def _parameter(document: dict[str, Any], name: str) -> Schema:
    """Find the schema of a parameter or header of this request."""
    rule = request.url_rule.rule if request.url_rule else ""
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)
    operation = document["paths"].get(path, {}).get(request.method.lower(), {})
    parameters = operation.get("parameters", [])
    return next((one["schema"] for one in parameters if one["name"] == name), {})


def pointer_to(*location: int | str) -> str:
    """Make an RFC 6901 pointer."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in location)
    return "".join(f"/{part}" for part in parts)
