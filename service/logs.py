"""Request ids: in the response, in the log, and in the job that a request submits."""

import re
from random import getrandbits

from flask import Flask, Response, request

from jobs.logs import request_id

HEADER = "X-Request-Id"
WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(header: str | None) -> str:
    """Return the id from a request header if it is well-formed, otherwise a new one."""
    return header if header and WELL_FORMED.fullmatch(header) else f"{getrandbits(64):016x}"


def register(app: Flask) -> None:
    """Give each request an id, and return it in the response."""

    @app.before_request
    def begin() -> None:
        request_id.set(request_id_of(request.headers.get(HEADER)))

    @app.after_request
    def add_header(response: Response) -> Response:
        response.headers[HEADER] = request_id.get() or ""
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        request_id.set(None)  # because threads are reused
