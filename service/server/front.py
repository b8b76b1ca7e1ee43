"""What gunicorn serves: Flask, and before it what a framework and threads would slow down.

A small prediction is answered here, as `http_server` has it whole; whatever is odd about one (an
error, a rare kind of picture) goes to Flask's view, which answers all alike. An event stream is
begun by Flask's view too, and then held open here. `/livez` never waits for a thread.
"""

import asyncio
import signal
from contextlib import suppress
from functools import lru_cache
from threading import Event
from time import perf_counter
from types import FrameType
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask
from werkzeug.exceptions import HTTPException

from service.access import authorization as access
from service.access.sites import Sites
from service.access.tokens import parse_tokens
from service.api.predict.answer import Answer, PredictQuery, predict_body
from service.api.predict.images import JSON
from service.backend import Backend
from service.logs import HEADER, request_id_of
from service.metrics.counts import observe
from service.server.bounds import UNCOUNTED_BYTES, bound_of, too_large
from service.server.connections import Connections
from service.server.leaving import work_for
from service.server.memory_budget import Budget, BusyError, Share
from service.server.streams import FOLLOW, STREAMED, Receive, Send
from service.server.wsgi import PIECE_BYTES, Headers, Threads

_LIVEZ = "/livez"
_ALIVE = b'{"status":"alive"}\n'  # as Flask's view has it
_FOLLOW = FOLLOW.lower().encode()


class LeftError(Exception):
    """The client has left before its request was whole."""


class Front:
    """The ASGI application.

    Parameters
    ----------
    app
        The Flask application, with its `Backend`.
    """

    def __init__(self, app: Flask) -> None:
        backend: Backend = app.extensions["stepbox"]
        settings = backend.settings
        self.connections = Connections(settings.connections, settings.connections_each)
        self._threads = Threads(app, settings.threads)
        self._budget = Budget(settings.work_bytes)
        self._places = Budget(max(1, settings.threads // 4))  # of pictures, decoded one at a time
        self._most_bytes = settings.max_body_bytes
        self._models = backend.models
        self._streams = backend.streams
        self._sites = Sites(settings)
        self._tokens = parse_tokens(settings.token_text)
        # The library counts who asks how often before Flask's view, and so it has all of them.
        self._predicts = not settings.predict_limit

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request, or see to the start and the end of the process."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif (scope["path"], scope["method"]) == (_LIVEZ, "GET") and self._sites.knows(
            _text(dict(scope["headers"]), b"host")
        ):
            await self._say_alive(scope, send)
        else:
            with suppress(LeftError), Share(self._budget) as share, Share(self._places) as place:
                await self._forward(scope, receive, send, share, place)

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
            self._check_access("POST", "/predict", headers)
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

    async def _forward(
        self, scope: dict[str, Any], receive: Receive, send: Send, share: Share, place: Share
    ) -> None:
        """Let Flask answer, and hold the stream open that its answer may begin."""
        body, refusal = b"", None
        try:
            body = await self._read(scope, receive, share, place)
        except (BusyError, HTTPException) as error:
            refusal = error.with_traceback(None)  # whose frames hold what was read
        left = Event()
        work_for(left)
        leaving = asyncio.ensure_future(_wait_until_left(receive, left, refusal))
        try:
            await asyncio.sleep(0)  # one that left while it waited for its share is known to have
            answer = await self._threads.answer(scope, body, refusal)
            large = len(body) > PIECE_BYTES
            del body
            if answer.status >= 400 and large:
                await self._threads.collect_garbage()
            share.shrink(len(answer.body))
            headers = dict(answer.headers)
            if _FOLLOW not in headers:
                await _begin(send, answer.status, answer.headers)
                async for piece in self._threads.pieces(answer):
                    if left.is_set():
                        return
                    await _send(send, piece, more=True)
                await _send(send, b"", more=False)
        finally:
            leaving.cancel()
        if _FOLLOW in headers:
            id, after = headers.pop(_FOLLOW).decode().split()
            headers.pop(b"content-length", None)
            scope[STREAMED] = True
            await _begin(send, answer.status, list(headers.items()))
            await self._streams.send(id, after, receive, send)

    async def _read(
        self, scope: dict[str, Any], receive: Receive, share: Share, place: Share
    ) -> bytes:
        """Read a body, once it is known that it may come, and take what working on it takes.

        Raises
        ------
        MisdirectedRequest, Unauthorized, Forbidden, RequestEntityTooLarge
            It may not come.
        BusyError
            Others hold the memory.
        LeftError
            The client has left.
        """
        headers = dict(scope["headers"])
        bound = bound_of(scope["path"], self._most_bytes)
        self._check_access(scope["method"], scope["path"], headers)
        if int(headers.get(b"content-length", 0)) > bound.body:
            raise too_large(bound)
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise LeftError
            body += message["body"]
            more = message["more_body"]
            if len(body) > bound.body:
                raise too_large(bound)
            await share.grow(max(0, len(body) - UNCOUNTED_BYTES))
        if _brings_pictures(scope["path"], _text(headers, b"content-type")):
            await place.grow(1)
        packed = bound.unpacks and b"content-encoding" in headers
        await share.grow(bound.work(bound.body if packed else len(body)))
        return bytes(body)

    def _check_access(self, method: str, path: str, headers: dict[bytes, bytes]) -> None:
        self._sites.check(
            method,
            _text(headers, b"host"),
            _text(headers, b"sec-fetch-site"),
            _text(headers, b"origin"),
        )
        if self._tokens:
            access.check(self._tokens, method, path, _text(headers, b"authorization"))

    async def _say_alive(self, scope: dict[str, Any], send: Send) -> None:
        began = perf_counter()
        id = request_id_of(_text(dict(scope["headers"]), HEADER.lower().encode()))
        headers = {
            "content-type": JSON,
            "content-length": str(len(_ALIVE)),
            HEADER: id,
            **access.HEADERS,
        }
        await _begin(send, 200, [(k.lower().encode(), v.encode()) for k, v in headers.items()])
        await _send(send, _ALIVE, more=False)
        observe(_LIVEZ, "GET", 200, perf_counter() - began)

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
        watch = asyncio.ensure_future(self.connections.watch())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        watch.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def _brings_pictures(path: str, content_type: str) -> bool:
    """Tell whether a body is to be decoded: a small one may take a thread for a second."""
    return path == "/predict" and content_type.startswith(("image/", "multipart/"))


async def _begin(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _send(send: Send, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _wait_until_left(receive: Receive, left: Event, refusal: Exception | None) -> None:
    """Note that the client of a whole request has left, should it leave."""
    if refusal is None:  # otherwise `receive` would ask for the rest of the body
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()


@lru_cache(256)
def _parse_query(text: bytes) -> PredictQuery:
    """Read a query string; raises ValueError for what Flask's view has to look at."""
    pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True)
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice")
    return PredictQuery.model_validate(dict(pairs))


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
