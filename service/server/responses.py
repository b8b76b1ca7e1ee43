"""The bytes of the responses that the server writes without Flask."""

import json

from service.access.security_headers import HEADERS
from service.errors import RETRY_AFTER_S, title
from service.logs import HEADER
from service.server.quick import QuickAnswer

_QUICK = (
    b"HTTP/1.1 200 OK\r\n%bcontent-type: %b\r\ncontent-length: %d\r\n"
    + f"{HEADER.lower()}: %b\r\n".encode()
    + "".join(f"{name.lower()}: {value}\r\n" for name, value in HEADERS.items())
    .replace("%", "%%")
    .encode()
    + b"\r\n%b"
)


def quick_response(
    answer: QuickAnswer, request_id: str, default_headers: list[tuple[bytes, bytes]]
) -> bytes:
    """Write a response with the same bytes as Flask's, for a connection that is kept alive."""
    headers = b"".join(b"%b: %b\r\n" % header for header in default_headers)
    content_type, length = answer.content_type.encode(), len(answer.body)
    return _QUICK % (headers, content_type, length, request_id.encode(), answer.body)


def last_problem(status: int, detail: str) -> bytes:
    """Write a response with a problem (RFC 9457), after which the connection closes."""
    problem = {"type": "about:blank", "title": title(status), "status": status, "detail": detail}
    body = json.dumps(problem)
    head = f"HTTP/1.1 {status} {title(status)}\r\nConnection: close\r\n"
    if status == 503:
        head += f"Retry-After: {RETRY_AFTER_S}\r\n"
    head += f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode("ascii")
