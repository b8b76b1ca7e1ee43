"""The checks before a request reaches its view: access, and the size of its body.

A request is checked once, usually by `service.server.front` before it reads the body. The outcome
is passed to Flask in the WSGI environment. Without `front`, as in some tests, `check` does it.
"""

from flask import Flask, request

from service.access.check import AccessCheck
from service.bodies.bounds import bound_of, check_size
from service.server.client_disconnected import raise_if_disconnected

# Key in a request's ASGI scope and WSGI environment. If it is there, the request has been checked;
# its value is the error to respond with, or None.
ERROR = "stepbox.error"


def register(app: Flask, check_access: AccessCheck, max_body_bytes: int) -> None:
    """Reject each request that fails a check."""

    @app.before_request
    def check() -> None:
        if ERROR in request.environ:
            if request.environ[ERROR] is not None:
                raise request.environ[ERROR]
        else:
            headers = {
                name.lower().encode(): text.encode("latin-1") for name, text in request.headers
            }
            check_access(request.method, request.path, headers)
            bound = bound_of(app, request.endpoint)
            if bound.streamed(headers) is None:
                most = bound.most_bytes(max_body_bytes)
                request.max_content_length = most
                check_size(request.content_length or 0, most)
        raise_if_disconnected()
