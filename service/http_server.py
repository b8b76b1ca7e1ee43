"""The HTTP server within each process of gunicorn: uvicorn, with limits and with our errors.

A small prediction is answered as soon as its last byte is there: the task, the coroutines and the
framework that anything else is answered by would cost more than the prediction does.
"""

import json
import os
import re
import signal
from itertools import chain
from time import perf_counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from service.access import HEADERS
from service.counts import observe
from service.errors import title
from service.listener import count_closed
from service.logs import HEADER, request_id_of
from service.predicting import QUICK_BYTES

MOST_HEAD_BYTES = 16_384  # of a request's line and headers; without it they have no end

_REQUEST_ID = HEADER.lower().encode()
_OF_A_BODY = {b"content-length", b"transfer-encoding"}
_PREDICT = re.compile(rb"/predict(\?[^#]*)?")
_ANSWER = (
    b"HTTP/1.1 200 OK\r\n%bcontent-type: %b\r\ncontent-length: %d\r\n"
    + _REQUEST_ID
    + b": %b\r\n"
    + "".join(f"{name.lower()}: {value}\r\n" for name, value in HEADERS.items())
    .replace("%", "%%")
    .encode()
    + b"\r\n%b"
)


class Protocol(HttpToolsProtocol):
    """A connection.

    Answers what is no HTTP, or has too long a head, by a problem too; and small predictions by
    `Front.predict`. All else is uvicorn's and the application's, as are the predictions that are
    odd in any way: they begin anew as if they had only just come.
    """

    _bodiless_bytes = 0  # read since a request began or a piece of its body came
    _refusal = 400
    url = b""  # so that there is one before the first request
    _held: bytearray | None = None  # the body so far of a prediction to answer here

    def connection_lost(self, exc: Exception | None) -> None:
        """Count that it has ended."""
        super().connection_lost(exc)
        count_closed()

    def data_received(self, data: bytes) -> None:
        """Take what has come, unless it is a head or a trailer that does not end."""
        self._bodiless_bytes += len(data)
        super().data_received(data)
        if self._bodiless_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refusal = self._too_long()
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Begin to count; the timer that a prediction just before set is not for this one."""
        self._bodiless_bytes = 0
        self._unset_keepalive_if_required()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hold a small prediction back, and let the application begin with anything else."""
        if len(self.url) + sum(map(len, chain.from_iterable(self.headers))) > MOST_HEAD_BYTES:
            self._refusal = self._too_long()
            raise ValueError  # the parser stops, and the server refuses the request
        self._bodiless_bytes = 0
        if self.parser.should_upgrade() and dict(self.headers).keys() & _OF_A_BODY:
            raise ValueError  # the parser would take the body for what another protocol says
        if self._is_small_prediction():
            self._held = bytearray()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._bodiless_bytes = 0
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """Answer a prediction that is whole."""
        if self._held is None or not self._predict(bytes(self._held)):
            self._hand_over()
            super().on_message_complete()

    def shutdown(self) -> None:
        """Finish a prediction of which a part has come, as any other request."""
        self._hand_over()
        super().shutdown()

    def _is_small_prediction(self) -> bool:
        if not _PREDICT.fullmatch(self.url) or self.parser.get_method() != b"POST":
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            return False  # an answer before it is still to come
        if self.expect_100_continue or self.flow.write_paused:
            return False
        if self.parser.get_http_version() != "1.1" or not self.parser.should_keep_alive():
            return False
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        once = len(headers) == len(self.headers)
        return once and length.isdigit() and int(length) <= QUICK_BYTES

    def _predict(self, body: bytes) -> bool:
        began = perf_counter()
        headers = dict(self.headers)
        answer = self.app.predict(self.url.partition(b"?")[2], headers, body)
        if answer is None:
            return False
        self._held = None
        self.transport.write(
            _ANSWER
            % (
                b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers),
                answer.content_type.encode(),
                len(answer.body),
                request_id_of(headers.get(_REQUEST_ID, b"").decode("latin-1")).encode(),
                answer.body,
            )
        )
        observe("/predict", "POST", 200, perf_counter() - began)
        self.on_response_complete()
        return True

    def _hand_over(self) -> None:
        """Give a request that was held back to the application, with what has come of it."""
        if self._held is not None:
            body, self._held = bytes(self._held), None
            super().on_headers_complete()
            if body:
                super().on_body(body)

    def _too_long(self) -> int:
        return 414 if len(self.url) > MOST_HEAD_BYTES else 431

    def send_400_response(self, msg: str) -> None:
        """Answer, and close the connection."""
        status, name = self._refusal, title(self._refusal)
        if status != 400:
            msg = f"A request's target and headers have at most {MOST_HEAD_BYTES:,} bytes."
        body = json.dumps({"type": "about:blank", "title": name, "status": status, "detail": msg})
        head = f"HTTP/1.1 {status} {name}\r\nConnection: close\r\n"
        head += f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write((head + body).encode("ascii"))
        self.transport.close()


ENDING = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM}


def hold_ending_while_forking() -> None:
    """Let no signal to end get lost in a process that still has its parent's handlers.

    Without it a stop just after the start waits `graceful_timeout` for a process that knows
    nothing of it. `Worker.init_signals` lets the signals through in the child.
    """
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ENDING),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING),
    )


class Worker(UvicornWorker):  # type: ignore[misc]
    """A process of gunicorn; its address is the connection's, whatever a header claims."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - as the base class has it
        "loop": "service.listener:Loop",
        "http": Protocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
    }

    def init_signals(self) -> None:
        """Take the parent's handlers away, then let the signals come that were held."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
