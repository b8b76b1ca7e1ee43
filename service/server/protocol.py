"""The HTTP protocol of a connection: uvicorn's, with limits and with our error responses.

A connection's requests are parsed one at a time. The bytes after a request stay unparsed until it
is answered. A quick request, such as a small prediction, is answered here as soon as its last byte
arrives. With a task and coroutines for each request, a prediction would take 45 % more CPU time.
"""

from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.logs import request_id_of
from service.server import framing
from service.server.checks import ERROR
from service.server.connections import HEAD_S, Pace, TooManyError
from service.server.listener import count_closed
from service.server.quick import QuickRequest
from service.server.responses import last_problem, quick_response
from service.server.streams import STREAMED

PROBE_S = 0.5  # time between checks whether a client that sends no more is still connected


class Protocol(HttpToolsProtocol):
    """A connection.

    It answers quick requests itself, and rejects requests that are not HTTP, too long or too slow.
    All other requests, and quick ones that raise an error, go to uvicorn and the application.

    Attributes
    ----------
    pace
        How fast the client sends and receives.
    unread
        The bytes received but not parsed yet.
    body_left
        Bytes of the current request's body still to come, or `CHUNKED`. None between requests.
    sends_no_more
        Whether the client has closed its half of the connection, but may still receive.
    """

    url = b""  # before the first request
    body_left: int | None = None
    sends_no_more = False
    _bodiless_bytes = 0  # bytes parsed since the last complete head, body part or request
    _quick: QuickRequest | None = None  # the current request, if it is quick
    _quick_head = _quick_body = b""  # its head, and the received part of its body
    _rejection: tuple[int, str] | None = None  # status and reason; once set, nothing is parsed
    _parsing_chunks = False
    _closes = False  # whether to close once all parsed requests are answered
    _has_answered = False

    def connection_made(self, transport: Any) -> None:
        """Accept the connection, unless there are too many."""
        super().connection_made(transport)
        self.unread = bytearray()
        self.pace = Pace(self.loop.time())
        try:
            self.app.connections.add(self, self.client[0] if self.client else "")
        except TooManyError as error:
            self._reject(503, str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection from the counts."""
        super().connection_lost(exc)
        self.app.connections.remove(self)
        count_closed()

    def data_received(self, data: bytes) -> None:
        """Store the bytes received, and parse as many as allowed now."""
        if not self.unread and self.body_left is None:
            self.pace.begin(self.loop.time())
        self.unread += data
        self._read()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection open if the client sends no more, but waits for a response."""
        if not self._is_answering() or STREAMED in self.cycle.scope:
            return False
        self.sends_no_more = True
        self._probe()
        return True

    def _probe(self) -> None:
        """Check by an interim response whether a client that sends no more is still connected.

        If it is not, the operating system reports the connection as lost, and the work stops.
        """
        if self._is_answering() and not self.transport.is_closing():
            if not self.cycle.response_started and self.cycle.scope["http_version"] == "1.1":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.loop.call_later(PROBE_S, self._probe)

    def _read(self) -> None:
        """Take requests until one of them cannot be answered at once."""
        unread = self.unread
        while unread and self._may_read() and (piece := framing.take_piece(unread, self.body_left)):
            self._take(piece)
        if len(unread) > framing.MOST_HEAD_BYTES and self._is_answering():
            self.flow.pause_reading()  # no earlier, because only reading notices a disconnect

    def _may_read(self) -> bool:
        stopped = self._rejection or self._closes or self.transport.is_closing()
        return not stopped and not self._is_answering()

    def _take(self, piece: bytes) -> None:
        """Take a head or a part of a body. Only if the request is not quick, parse it."""
        if self.body_left is None:
            # If the client receives too slowly, uvicorn waits for it.
            self._quick = None if self.flow.write_paused else self.app.quick_heads.find(piece)
            if self._quick is not None:
                self._quick_head, self._quick_body = piece, b""
                self.body_left = self._quick.size
                self.pace.begin(self.loop.time())
                return
        else:
            self.pace.received += len(piece)
            if self.body_left != framing.CHUNKED:
                self.body_left -= len(piece)
        if self._quick is None:
            self._parse(piece)
        else:
            self._quick_body += piece
            if not self.body_left:
                self._answer(self._quick)

    def _parse(self, piece: bytes) -> None:
        self._bodiless_bytes += len(piece)
        self._parsing_chunks = self.body_left == framing.CHUNKED
        try:
            self.parser.feed_data(framing.hide_upgrade(piece) if self.body_left is None else piece)
        except HttpParserUpgrade:  # CONNECT, which the application rejects
            pass
        except HttpParserError:
            if self._closes:
                return
            self._reject(400, "Invalid HTTP request received.")
        if self._bodiless_bytes > framing.MOST_HEAD_BYTES:
            error = framing.too_long(self.url)
            self._reject(error.status, str(error))

    def on_message_begin(self) -> None:
        """Start a request.

        Raises
        ------
        ValueError
            `take_piece` did not separate the request from the chunked body before it. The new
            request is ignored, and the connection closes after the response to the previous one.
        """
        if self._parsing_chunks:
            self._closes = True
            if self.cycle.response_complete:
                self.transport.close()
            self.cycle.keep_alive = False
            raise ValueError
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, but ignore the trailers after a chunked body."""
        if self.body_left is None:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Check the head, and start the request."""
        try:
            version = self.parser.get_http_version()
            self.body_left = framing.check_head(self.url, self.headers, version)
        except framing.HeadError as error:
            self._reject(error.status, str(error))
            raise  # the exception stops the parser
        self._bodiless_bytes = 0
        self.pace.begin(self.loop.time())
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Receive a part of the body."""
        self._bodiless_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Tell the application that the body is complete."""
        self.body_left, self._bodiless_bytes = None, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Continue with the bytes that arrived after the request.

        Uvicorn's method would also set a timer for each response, instead of `check_pace`.
        """
        if self.transport.is_closing():
            return
        self._has_answered = True
        self.flow.resume_reading()
        self.pace.begin(self.loop.time())
        if self._rejection:
            self._send_rejection()
        self._read()
        if self.sends_no_more and not self._is_answering():
            self.transport.close()

    def shutdown(self) -> None:
        """Hand over a quick request with an incomplete body, so that it ends like all others."""
        if self._quick is not None:
            self._hand_over()
        super().shutdown()

    def check_pace(self, now: float) -> None:
        """Close the connection if it is idle or its client too slow, at the loop's time `now`."""
        if self.pace.takes_too_little(now, self.transport):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self.body_left is not None:
            if self.flow.read_paused:
                self.pace.begin(now)
            elif self.pace.sends_too_little(now):
                self._reject(408, self.pace.BODY_TOO_SLOW)
        elif self._is_answering():
            return
        elif self._has_answered and not self.unread:
            if self.pace.lasts(now) >= self.timeout_keep_alive:
                self.transport.close()
        elif self.pace.lasts(now) >= HEAD_S:
            self._reject(408, self.pace.HEAD_TOO_SLOW)

    def _is_answering(self) -> bool:
        """Tell whether a complete request has not been fully answered yet."""
        cycle = self.cycle
        return self.body_left is None and cycle is not None and not cycle.response_complete

    def _answer(self, quick: QuickRequest) -> None:
        """Answer a quick request, or hand it over to the application."""
        try:
            answer = quick.answer(self._quick_body)
        except Exception as error:
            self._hand_over(error)
            return
        if answer is None:
            self._hand_over()
            return
        self._quick, self.body_left, self._has_answered = None, None, True
        self.pace.begin(self.loop.time())
        request_id, headers = request_id_of(quick.request_id), self.server_state.default_headers
        self.transport.write(quick_response(answer, request_id, headers))

    def _hand_over(self, error: Exception | None = None) -> None:
        """Give a quick request to the application, with the received part of its body."""
        self._quick, self.body_left = None, None
        self._parse(self._quick_head)
        scope: Any = self.scope
        scope[ERROR] = error
        if self._quick_body and self.body_left is not None:
            self.body_left -= len(self._quick_body)
            self._parse(self._quick_body)

    def _reject(self, status: int, detail: str) -> None:
        """Stop reading, and send a problem once all previous requests are answered."""
        if self._rejection or self.transport.is_closing():
            return
        self._rejection = status, detail
        cycle = self.cycle
        started = cycle is not None and not cycle.response_complete and cycle.response_started
        if self.body_left is not None and started:
            self.transport.close()  # the response to the current request has started
        elif not self._is_answering():
            self._send_rejection()

    def _send_rejection(self) -> None:
        assert self._rejection is not None
        self.transport.write(last_problem(*self._rejection))
        self.transport.close()
