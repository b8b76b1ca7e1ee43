"""Quick requests: the event loop answers them itself, without Flask and without a thread.

The server does not know which requests these are. The application gives it a function that does.
"""

from collections.abc import Callable
from typing import NamedTuple

QUICK_BYTES = 65_536  # largest body of a quick request: it takes a few milliseconds


class QuickAnswer(NamedTuple):
    """The body of a response with status 200, and its content type."""

    body: bytes
    content_type: str


# From a request's body to its answer; None leaves the request to Flask. An exception goes to
# Flask too, whose error handlers turn it into the response.
AnswerBody = Callable[[bytes], QuickAnswer | None]

# From a request's method, target, headers (names in lower case) and body size, to the function
# that answers it; None if the request is not quick.
AcceptHead = Callable[[bytes, bytes, dict[bytes, bytes], int], AnswerBody | None]
