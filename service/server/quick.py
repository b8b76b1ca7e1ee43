"""Quick requests, which the event loop answers itself, without Flask and without a thread.

The application gives the server a function of the type `AcceptHead`, which says which requests are
quick.
"""

from collections.abc import Callable
from typing import NamedTuple

QUICK_BYTES = 65_536  # largest body of a quick request, which takes a few milliseconds


class QuickAnswer(NamedTuple):
    """The body of a response with status 200, and its content type."""

    body: bytes
    content_type: str


# Takes a request's body and returns the answer, or None if Flask must answer the request. If it
# raises an exception, Flask's error handlers turn the exception into the response.
AnswerBody = Callable[[bytes], QuickAnswer | None]

# Takes a request's method, target, headers (names in lower case) and body size in bytes. Returns
# the function that answers the request, or None if the request is not quick.
AcceptHead = Callable[[bytes, bytes, dict[bytes, bytes], int], AnswerBody | None]
