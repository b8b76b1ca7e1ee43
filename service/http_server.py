"""The HTTP server within each process of gunicorn: uvicorn, with limits and with our errors."""

import json
import os
import signal
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

from service.errors import title

MOST_HEAD_BYTES = 16_384  # of a request's line and headers; without it they have no end


class Protocol(HttpToolsProtocol):
    """Answers what is no HTTP, or has too long a head, by a problem too."""

    _head_bytes = 0
    _refusal = 400

    def on_message_begin(self) -> None:
        """Begin to count."""
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request's target."""
        self._count(url, 414)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(name + value, 431)
        super().on_header(name, value)

    def _count(self, piece: bytes, refusal: int) -> None:
        self._head_bytes += len(piece)
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refusal = refusal
            raise ValueError("too long")  # the parser stops, and the server refuses the request

    def send_400_response(self, msg: str) -> None:
        """Answer, and close the connection."""
        status, name = self._refusal, title(self._refusal)
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
        "loop": "uvloop",
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
