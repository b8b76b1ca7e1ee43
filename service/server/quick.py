"""Quick requests, which the event loop answers itself, without Flask and without a thread.

The application gives the server a function of the type `AcceptHead`, which says which requests are
quick. Most clients send the same head again and again, so each head is parsed and checked once.
Parsing and checking it each time would take 25 % more CPU time per prediction.
"""

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from service.logs import HEADER
from service.server.framing import HeadError, check_head, hide_upgrade

QUICK_BYTES = 65_536  # largest body of a quick request, which takes a few milliseconds
HEADS = 256  # of quick requests and of others, kept in each process

_REQUEST_ID = HEADER.lower().encode()


class QuickAnswer(NamedTuple):
    """The body of a response with status 200, and its content type."""

    body: bytes
    content_type: str


# Takes a request's body and returns the answer, or None if Flask must answer the request. If it
# raises an exception, Flask's error handlers turn the exception into the response.
AnswerBody = Callable[[bytes], QuickAnswer | None]

# Takes a request's method, target, headers (names in lower case) and body size in bytes. Returns
# the function that answers the request, or None if the request is not quick. The result is used for
# all requests with these arguments.
AcceptHead = Callable[[bytes, bytes, dict[bytes, bytes], int], AnswerBody | None]


class QuickRequest(NamedTuple):
    """A quick request, as its head describes it.

    Attributes
    ----------
    size
        The size of the body in bytes, at least 1.
    request_id
        The header with the request id, which may be empty or malformed.
    answer
        The function that answers the request.
    """

    size: int
    request_id: str
    answer: AnswerBody


class QuickHeads:
    """Finds the quick requests by their heads, and remembers the last `HEADS` heads.

    Parameters
    ----------
    accept
        Says which requests are quick.
    """

    def __init__(self, accept: AcceptHead) -> None:
        self._accept = accept
        self.find = lru_cache(HEADS)(self._read)

    def _read(self, head: bytes) -> QuickRequest | None:
        """Return the quick request that a complete head describes, or None if it is not quick."""
        targets: list[bytes] = []
        pairs: list[tuple[bytes, bytes]] = []
        callbacks = SimpleNamespace(
            on_url=targets.append,
            on_header=lambda name, value: pairs.append((name.lower(), value)),
        )
        parser = HttpRequestParser(callbacks)
        try:
            parser.feed_data(hide_upgrade(head))
            target = b"".join(targets)
            size = check_head(target, pairs, parser.get_http_version())
        except (HttpParserError, HttpParserUpgrade, HeadError):
            return None
        headers = dict(pairs)
        if not 1 <= size <= QUICK_BYTES or parser.get_http_version() != "1.1":
            return None
        if not parser.should_keep_alive() or b"expect" in headers:
            return None
        if len(headers) < len(pairs):  # Flask decides which duplicate of a header counts
            return None
        answer = self._accept(parser.get_method(), target, headers, size)
        request_id = headers.get(_REQUEST_ID, b"").decode("latin-1")
        return None if answer is None else QuickRequest(size, request_id, answer)
