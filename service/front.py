"""What gunicorn serves: Flask, and before it what a framework and threads would slow down.

A small prediction is answered here, as `http_server` has it whole; whatever is odd about one (an
error, a rare kind of picture) goes to Flask's view, which answers all alike. An event stream is
begun by Flask's view too, and then held open here.
"""

import asyncio
import signal
from collections.abc import Iterable
from functools import lru_cache
from types import FrameType
from typing import Any
from urllib.parse import parse_qsl

from a2wsgi import WSGIMiddleware
from flask import Flask
from werkzeug.exceptions import ClientDisconnected

from service import access
from service.parts import Parts
from service.predicting import Answer, PredictQuery, predict_body
from service.sites import Sites
from service.streams import FOLLOW, Message, Receive, Send
from service.tokens import parse_tokens

_FOLLOW = FOLLOW.lower().encode()


class Front:
    """The ASGI application.

    Parameters
    ----------
    app
        The Flask application, with its `Parts`.
    """

    def __init__(self, app: Flask) -> None:
        parts: Parts = app.extensions["stepbox"]
        settings = parts.settings
        self._flask = WSGIMiddleware(_ends_with_its_input(app), workers=settings.threads)
        self._most_bytes = settings.max_body_bytes
        self._models = parts.models
        self._streams = parts.streams
        self._sites = Sites(settings)
        self._tokens = parse_tokens(settings.token_text)
        # The library counts who asks how often before Flask's view, and so it has all of them.
        self._predicts = not settings.predict_limit

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or see to the start and the end of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._forward(scope, receive, send)

    def predict(
        self, query_string: bytes, headers: dict[bytes, bytes], body: bytes
    ) -> Answer | None:
        """Answer a prediction without Flask; None where its view has to look at it.

        Parameters
        ----------
        query_string
            Of the request's target.
        headers
            By their names in lower case.
        body
            The whole of it.
        """
        if not self._predicts or len(body) > self._most_bytes:
            return None
        try:
            self._sites.check(
                "POST",
                _text(headers, b"host"),
                _text(headers, b"sec-fetch-site"),
                _text(headers, b"origin"),
            )
            if self._tokens:
                access.check(self._tokens, "POST", "/predict", _text(headers, b"authorization"))
            return predict_body(
                self._models,
                _parse_query(query_string),
                _text(headers, b"content-type"),
                body,
                _text(headers, b"accept"),
                quick=True,
            )
        except Exception:  # Flask's view meets it again and tells it
            return None

    async def _forward(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Let Flask answer, and hold the stream open that its answer may begin."""
        follow: list[str] = []

        async def receive_body() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":  # the adapter would take it for the end
                raise ClientDisconnected
            return message

        async def send_or_follow(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                if _FOLLOW in headers:
                    follow.extend(headers.pop(_FOLLOW).decode().split())
                    headers.pop(b"content-length", None)
                    message["headers"] = list(headers.items())
            elif follow:
                return
            await send(message)

        await self._flask(scope, receive_body, send_or_follow)  # type: ignore[arg-type]
        if follow:
            id, after = follow
            await self._streams.send(id, after, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """End the event streams as soon as the process is asked to stop: it waits for them."""
        await receive()
        stop = signal.getsignal(signal.SIGTERM)
        loop = asyncio.get_running_loop()

        def close_first(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._streams.close)
            if callable(stop):
                stop(number, frame)

        signal.signal(signal.SIGTERM, close_first)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


@lru_cache(256)
def _parse_query(text: bytes) -> PredictQuery:
    """Read a query string; raises ValueError for what Flask's view has to look at."""
    pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True)
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice")
    return PredictQuery.model_validate(dict(pairs))


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _ends_with_its_input(app: Flask) -> Any:
    """Tell Werkzeug that a body without a length ends where the input does."""

    def wsgi(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input_terminated"] = True
        return app(environ, start_response)

    return wsgi
