"""Which heads may begin a quick request, before the application is asked."""

import pytest

from service.server.framing import MOST_HEAD_BYTES
from service.server.quick import HEADS, QUICK_BYTES, QuickAnswer, QuickHeads


def head(*headers, target="/predict?top=3", version="1.1", length="Content-Length: 5"):
    lines = [f"POST {target} HTTP/{version}", "Host: localhost", *headers, length]
    return "\r\n".join([*filter(None, lines), "", ""]).encode()


class Application:
    """An application to which all requests are quick, and the heads that it was asked about."""

    def __init__(self):
        self.asked = []

    def accept(self, *parsed):
        self.asked.append(parsed)
        return lambda body: QuickAnswer(body, "text/plain")


def test_equal_heads_are_checked_once():
    application = Application()
    heads = QuickHeads(application.accept)
    first, second = heads.find(head("X-Request-Id: r-1")), heads.find(head("X-Request-Id: r-1"))
    assert first is second
    assert (first.size, first.request_id, first.answer(b"12345").body) == (5, "r-1", b"12345")
    names = {b"host": b"localhost", b"x-request-id": b"r-1", b"content-length": b"5"}
    assert application.asked == [(b"POST", b"/predict?top=3", names, 5)]
    assert heads.find(head("X-Request-Id: r-2")).request_id == "r-2"
    assert len(application.asked) == 2


def test_the_number_of_heads_kept_is_bounded():
    heads = QuickHeads(Application().accept)
    for number in range(2 * HEADS):
        heads.find(head(f"X-Request-Id: {number}"))
    assert heads.find.cache_info().currsize == HEADS


@pytest.mark.parametrize(
    "other",
    [
        head("Upgrade: h2c", "Connection: upgrade"),
        head("HOST2: a"),
        head(length=f"content-length: {QUICK_BYTES}"),
        b"\r\n" + head(),
    ],
)
def test_unusual_heads_may_be_quick(other):
    assert QuickHeads(Application().accept).find(other) is not None


@pytest.mark.parametrize(
    "other",
    [
        head(version="1.0"),
        head("Connection: close"),
        head("Expect: 100-continue"),
        head(length=""),
        head(length="Content-Length: 0"),
        head(length="Content-Length: -5"),
        head(length="Content-Length: 5, 5"),
        head(length=f"Content-Length: {QUICK_BYTES + 1}"),
        head(length="Transfer-Encoding: chunked"),
        head("Transfer-Encoding: chunked"),
        head("Content-Length: 5"),
        head("Content-Length: 6"),
        head("Host: localhost"),
        head("Accept: a", "accept: b"),
        head("X: " + "x" * MOST_HEAD_BYTES),
        head("no colon"),
        head("X : a space before the colon"),
        head(target="no target"),
        head().replace(b"Host", b"Ghost"),
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_other_heads_are_not_quick(other):
    application = Application()
    assert QuickHeads(application.accept).find(other) is None
    assert not application.asked
