"""The HTTP server within each process of gunicorn: uvicorn, with limits and with our errors.

A connection's requests are read one at a time: what comes behind one waits, unread, until that is
answered. A small prediction is answered as soon as its last byte is there: the task, the coroutines
and the framework that anything else is answered by would cost more than the prediction does.
"""

import json
import os
import re
import signal
from itertools import chain
from time import perf_counter
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from service.access.authorization import HEADERS
from service.api.predict.answer import QUICK_BYTES
from service.errors import RETRY_AFTER_S, title
from service.logs import HEADER, request_id_of
from service.metrics.counts import observe
from service.server.connections import Pace, TooManyError
from service.server.listener import count_closed
from service.server.streams import STREAMED

MOST_HEAD_BYTES = 16_384  # of a request's line and headers; without it they have no end
CHUNKED = -1  # in place of the length of a body that has none
CHUNKED_BYTES = 4_096  # read of such a body at once
PROBE_S = 0.5  # between looks whether a client that sends no more is still there

_END_OF_HEAD = b"\r\n\r\n"
_END_OF_CHUNKS = b"\r\n0\r\n\r\n"
_BEGINS_A_HEAD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n")
_UPGRADE = re.compile(rb"\r\nupgrade(?=[ \t]*:)", re.IGNORECASE)

_REQUEST_ID = HEADER.lower().encode()
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
    odd in any way: they are handed over from their start.
    """

    url = b""  # so that there is one before the first request
    _body: int | None = None  # bytes of the body still to come; None where a head is next
    _bodiless_bytes = 0  # read since a request ended or a piece of its body came
    _held: bytearray | None = None  # the body so far of a prediction to answer here
    _refusal: tuple[int, str] | None = None  # a status and a reason; nothing more is read then
    _reading = False
    _sends_no_more = False
    _reads_chunks = False  # at present, in a piece
    _ends = False  # once all is answered that has been read

    def connection_made(self, transport: Any) -> None:
        """Begin, unless there are as many connections as may be."""
        super().connection_made(transport)
        self._unread = bytearray()
        self.pace = Pace(self.loop.time())
        try:
            self.app.connections.add(self, self.client[0] if self.client else "")
        except TooManyError as error:
            self._refuse(503, str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """Count that it has ended."""
        super().connection_lost(exc)
        self.app.connections.remove(self)
        count_closed()

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        self._unset_keepalive_if_required()
        if not self._unread and self._body is None:
            self.pace.begin(self.loop.time())
        self._unread += data
        self._read()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a client that sends no more, where it still waits; returns whether it may."""
        if not self._is_answering() or STREAMED in self.cycle.scope:
            return False
        self._sends_no_more = True
        self._probe()
        return True

    def _probe(self) -> None:
        """See by an interim answer whether a client that sends no more still takes any.

        To one that has left the system says so: its connection is then lost, and its work stops.
        """
        if self._is_answering() and not self.transport.is_closing():
            if not self.cycle.response_started and self.cycle.scope["http_version"] == "1.1":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.loop.call_later(PROBE_S, self._probe)

    def _read(self) -> None:
        """Let the parser read what has come, up to the end of a request that is not answered."""
        if self._reading:  # an answer within a piece: the loop below goes on
            return
        self._reading = True
        try:
            while piece := self._next_piece():
                self._parse(piece)
        finally:
            self._reading = False
        if len(self._unread) > MOST_HEAD_BYTES and self._is_answering():
            self.flow.pause_reading()  # up to there its end would be seen

    def _next_piece(self) -> bytes:
        """Take a whole head or a piece of a body, and nothing of a request behind it."""
        stopped = self._refusal or self._ends or self.transport.is_closing()
        if not self._unread or stopped or self._is_answering():
            return b""
        size = len(self._unread)
        if self._body is None:
            end = self._unread.find(_END_OF_HEAD)
            if end >= 0:
                size = end + len(_END_OF_HEAD)
            elif size <= MOST_HEAD_BYTES and self._unread[0] in _BEGINS_A_HEAD:
                return b""
        elif self._body == CHUNKED:
            last = self._unread.rfind(_END_OF_CHUNKS, 0, CHUNKED_BYTES)
            size = min(size, CHUNKED_BYTES if last < 0 else last + len(_END_OF_CHUNKS))
        else:
            size = min(size, self._body)
        piece = bytes(self._unread[:size])
        del self._unread[:size]
        # No other protocol is spoken here, so an offer of one is passed over (RFC 9110, 7.8): the
        # parser would take what follows for it.
        return _UPGRADE.sub(b"\r\nx-upgrade", piece) if self._body is None else piece

    def _parse(self, piece: bytes) -> None:
        self._bodiless_bytes += len(piece)
        self._reads_chunks = self._body == CHUNKED
        if self._body is not None:
            self.pace.received += len(piece)
            if self._body != CHUNKED:
                self._body -= len(piece)
        try:
            self.parser.feed_data(piece)
        except HttpParserUpgrade:  # of CONNECT, which the application refuses
            pass
        except HttpParserError:
            if self._ends:
                return
            self._refuse(400, "Invalid HTTP request received.")
        if self._bodiless_bytes > MOST_HEAD_BYTES:
            self._refuse_length()

    def on_message_begin(self) -> None:
        """Begin, and cancel the keep-alive timer of the answer before.

        Raises
        ------
        ValueError
            The request begins in a piece of the chunks before it, of which the end was not found.
            It is not read: the connection ends with the answer before it, which says so.
        """
        if self._reads_chunks:
            self._ends = True
            if self.cycle.response_complete:
                self.transport.close()
            self.cycle.keep_alive = False
            raise ValueError
        self._unset_keepalive_if_required()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes behind a body is none."""
        if self._body is None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hold a small prediction back, and let the application begin with anything else."""
        self._check_head()
        self._bodiless_bytes = 0
        self.pace.begin(self.loop.time())
        if self._is_small_prediction():
            self._held = bytearray()
        else:
            super().on_headers_complete()

    def _check_head(self) -> None:
        """Refuse a head that is too long or means two things; says how long the body is.

        Raises
        ------
        ValueError
            It is refused: this stops the parser.
        """
        headers = self.headers
        names = [name for name, _ in headers]
        if len(self.url) + sum(map(len, chain.from_iterable(headers))) > MOST_HEAD_BYTES:
            self._refuse_length()
        hosts, version = names.count(b"host"), self.parser.get_http_version()
        if hosts > 1 or (not hosts and version == "1.1"):
            self._refuse(400, f"A request has one header Host, but {hosts} came.")
        self._body = 0
        if b"transfer-encoding" in names:
            codings = [value.strip().lower() for n, value in headers if n == b"transfer-encoding"]
            if codings != [b"chunked"]:
                self._refuse(501, "Of all transfer codings only `chunked` is understood.")
            if version != "1.1":
                self._refuse(400, f"HTTP/{version} has no transfer codings.")
            self._body = CHUNKED
        elif b"content-length" in names:
            self._body = int(dict(headers)[b"content-length"])
        if self._refusal:
            raise ValueError

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._bodiless_bytes = 0
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        """Answer a prediction that is whole."""
        self._body, self._bodiless_bytes = None, 0
        if self._held is None or not self._predict(bytes(self._held)):
            self._hand_over()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what has come behind the request."""
        super().on_response_complete()
        if self._is_answering():
            return
        if self._refusal and not self.transport.is_closing():
            self._send_refusal()
        self._read()
        if self._is_answering():
            return
        if self._sends_no_more:
            self.transport.close()
        elif self._unread:  # the next request has begun
            self._unset_keepalive_if_required()
            self.pace.begin(self.loop.time())

    def shutdown(self) -> None:
        """Finish a prediction of which a part has come, as any other request."""
        self._hand_over()
        super().shutdown()

    def check_pace(self, now: float) -> None:
        """End the connection of a client that sends or takes nothing, or next to nothing.

        Parameters
        ----------
        now
            The event loop's time; this is called once a second.
        """
        if self.pace.takes_too_little(now, self.transport):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._body is not None:
            if self.flow.read_paused:
                self.pace.begin(now)
            elif self.pace.sends_too_little(now):
                self._refuse(408, self.pace.BODY_TOO_SLOW)
        elif (
            not self._is_answering()
            and self.timeout_keep_alive_task is None
            and self.pace.head_is_late(now)
        ):
            self._refuse(408, self.pace.HEAD_TOO_SLOW)

    def _is_answering(self) -> bool:
        """Tell whether a whole request has come that has no whole answer yet."""
        cycle = self.cycle
        waits = self._body is None and cycle is not None and not cycle.response_complete
        return waits or bool(self.pipeline)

    def _is_small_prediction(self) -> bool:
        if not _PREDICT.fullmatch(self.url) or self.parser.get_method() != b"POST":
            return False
        if self.pipeline or (self.cycle is not None and not self.cycle.response_complete):
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

    def _refuse_length(self) -> None:
        self._refuse(
            414 if len(self.url) > MOST_HEAD_BYTES else 431,
            f"A request's target and headers have at most {MOST_HEAD_BYTES:,} bytes.",
        )

    def _refuse(self, status: int, detail: str) -> None:
        """Read nothing more, and say why once all that came before is answered."""
        if self._refusal or self.transport.is_closing():
            return
        self._refusal = status, detail
        cycle = self.cycle
        begun = cycle is not None and not cycle.response_complete and cycle.response_started
        if self._body is not None and begun:
            self.transport.close()  # the answer to this very request has begun
        elif not self._is_answering():
            self._send_refusal()

    def _send_refusal(self) -> None:
        assert self._refusal is not None
        status, detail = self._refusal
        problem = {
            "type": "about:blank",
            "title": title(status),
            "status": status,
            "detail": detail,
        }
        body = json.dumps(problem)
        head = f"HTTP/1.1 {status} {title(status)}\r\nConnection: close\r\n"
        if status == 503:
            head += f"Retry-After: {RETRY_AFTER_S}\r\n"
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
        "loop": "service.server.listener:Loop",
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
