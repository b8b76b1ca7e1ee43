"""The ASGI application that calls Flask.

It checks a request, reads the body into memory or a file, and lets Flask respond in a thread. If
Flask's view starts an event stream, this application sends the stream. It answers `/livez` itself,
without a thread.
"""

import asyncio
import signal
from contextlib import suppress
from threading import Event
from time import perf_counter
from types import FrameType
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from service.access.check import AccessCheck
from service.access.security_headers import HEADERS as SECURITY_HEADERS
from service.bodies.bounds import (
    MOST_EXPANSION,
    UNCOUNTED_BYTES,
    Bound,
    bound_of,
    check_size,
    is_compressed,
    may_hold_files,
)
from service.bodies.to_file import RECEIVE, UPLOAD
from service.logs import HEADER, request_id_of
from service.metrics.counts import observe
from service.server.checks import ERROR
from service.server.client_disconnected import DisconnectedError, watch
from service.server.connections import Connections
from service.server.memory_budget import Budget, Share
from service.server.quick import AcceptHead, QuickHeads
from service.server.receiving import Receiver
from service.server.streams import FOLLOW, STREAMED, Receive, Send, Streams, send_body
from service.server.wsgi import PIECE_BYTES, Answer, Headers, Threads
from service.settings import ServiceSettings
from stepbox.errors import StepboxError

if TYPE_CHECKING:
    from service.webhooks.deliverer import Deliverer

_LIVEZ = "/livez"
_ALIVE = b'{"status":"alive"}\n'  # the body that Flask's view responds with
_FOLLOW, _RECEIVE = FOLLOW.lower().encode(), RECEIVE.lower().encode()


class Front:
    """The ASGI application.

    Parameters
    ----------
    app
        The Flask application, with all its routes.
    settings
        The settings of the API.
    check_access
        Checks who may send a request.
    streams
        The event streams of this process.
    accept_quick
        Says which requests `Protocol` answers itself.
    deliverer
        Delivers webhooks while the process runs.
    """

    def __init__(
        self,
        app: Flask,
        settings: ServiceSettings,
        check_access: AccessCheck,
        streams: Streams,
        accept_quick: AcceptHead,
        deliverer: "Deliverer",
    ) -> None:
        self.connections = Connections(settings.connections, settings.connections_each)
        self.quick_heads = QuickHeads(accept_quick)
        self._app = app
        self._routes = app.url_map.bind("localhost")
        self._threads = Threads(app, settings.threads)
        self._memory = Budget(settings.work_bytes)
        self._decoders = Budget(max(1, settings.threads // 4))  # requests that decode images
        self._receiver = Receiver(settings, self._threads.run)
        self._max_body_bytes = settings.max_body_bytes
        self._upload_bytes = settings.upload_bytes
        self._check_access = check_access
        self._streams = streams
        self._deliverer = deliverer

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Respond to a request, or handle the startup and shutdown of the process."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["path"] == _LIVEZ and scope["method"] == "GET" and self._knows_host(scope):
            await self._send_alive(scope, send)
        else:
            memory, decoder = Share(self._memory), Share(self._decoders)
            with suppress(DisconnectedError), memory, decoder:
                await self._forward(scope, receive, send, memory, decoder)

    def _knows_host(self, scope: dict[str, Any]) -> bool:
        return self._check_access.sites.knows(_text(dict(scope["headers"]), b"host"))

    async def _forward(
        self, scope: dict[str, Any], receive: Receive, send: Send, memory: Share, decoder: Share
    ) -> None:
        """Let Flask respond, and serve the event stream that the response may start."""
        body, file, error = b"", None, scope.get(ERROR)
        if error is None:
            try:
                bound = self._check(scope)
                head = dict(scope["headers"])
                check_start = bound.streamed(head)
                if check_start is None:
                    body = await self._read(scope, bound, receive, memory, decoder)
                else:
                    answer = await self._threads.answer(scope, b"")
                    target = dict(answer.headers).get(_RECEIVE)
                    if target is None:
                        await self._send(send, answer, Event())
                        return
                    job, _, owner = target.decode().partition(" ")
                    file = await self._receiver.receive(
                        job, owner or None, head, receive, check_start
                    )
            except (StepboxError, HTTPException) as found:
                error = found.with_traceback(None)  # its frames hold the body read so far
        disconnected = Event()
        watch(disconnected)
        waiting = asyncio.ensure_future(_wait_for_disconnect(receive, disconnected, error))
        try:
            await asyncio.sleep(0)  # lets `waiting` notice a client that has already disconnected
            answer = await self._threads.answer(scope, body, error, {UPLOAD: file})
            large = len(body) > PIECE_BYTES
            del body
            if answer.status >= 400 and large:
                await self._threads.collect_garbage()
            memory.shrink(len(answer.body))
            headers = dict(answer.headers)
            if _FOLLOW not in headers:
                await self._send(send, answer, disconnected)
        finally:
            waiting.cancel()
            if file is not None:
                await self._threads.run(file.close)
        if _FOLLOW in headers:
            id, after = headers.pop(_FOLLOW).decode().split()
            headers.pop(b"content-length", None)
            scope[STREAMED] = True
            await _begin(send, answer.status, list(headers.items()))
            await self._streams.send(id, after, receive, send)

    async def _send(self, send: Send, answer: Answer, disconnected: Event) -> None:
        await _begin(send, answer.status, answer.headers)
        async for piece in self._threads.pieces(answer):
            if disconnected.is_set():
                return
            await send_body(send, piece)
        await send_body(send, b"", more=False)

    def _check(self, scope: dict[str, Any]) -> Bound:
        """Check a request before its body is read, and return the bounds of its view.

        Raises
        ------
        MisdirectedRequest, Unauthorized, Forbidden, RequestEntityTooLarge
            The request is rejected.
        """
        headers = dict(scope["headers"])
        if ERROR not in scope:
            self._check_access(scope["method"], scope["path"], headers)
        bound = self._bound(scope["method"], scope["path"])
        is_streamed = bound.streamed(headers) is not None
        most = self._upload_bytes if is_streamed else bound.most_bytes(self._max_body_bytes)
        check_size(int(headers.get(b"content-length", 0)), most)
        return bound

    async def _read(
        self, scope: dict[str, Any], bound: Bound, receive: Receive, memory: Share, decoder: Share
    ) -> bytes:
        """Read the body of a request, and reserve the memory that the work on it takes.

        Raises
        ------
        RequestEntityTooLarge
            The body is too large.
        BusyError
            Other requests hold the memory.
        DisconnectedError
            The client has disconnected.
        """
        headers = dict(scope["headers"])
        most = bound.most_bytes(self._max_body_bytes)
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            body += message["body"]
            more = message["more_body"]
            check_size(len(body), most)
            await memory.grow(max(0, len(body) - UNCOUNTED_BYTES))
        if bound.decodes_images and may_hold_files(headers, body):
            await decoder.grow(1)  # even a small image may take a second to decode
        expanded = len(body)
        if bound.decompresses and is_compressed(headers):
            expanded = min(most, MOST_EXPANSION * expanded)
        await memory.grow(bound.memory(expanded))
        return bytes(body)

    def _bound(self, method: str, path: str) -> Bound:
        """Return the bounds of a path's view. If the method is not allowed, use one that is."""
        try:
            endpoint, _ = self._routes.match(path, method)
        except MethodNotAllowed as error:
            return self._bound(min(error.valid_methods or ()), path)
        except HTTPException:
            endpoint = None
        return bound_of(self._app, endpoint)

    async def _send_alive(self, scope: dict[str, Any], send: Send) -> None:
        began = perf_counter()
        id = request_id_of(_text(dict(scope["headers"]), HEADER.lower().encode()))
        headers = {
            "content-type": "application/json",
            "content-length": str(len(_ALIVE)),
            HEADER: id,
            **SECURITY_HEADERS,
        }
        await _begin(send, 200, [(k.lower().encode(), v.encode()) for k, v in headers.items()])
        await send_body(send, _ALIVE, more=False)
        observe(_LIVEZ, "GET", 200, perf_counter() - began)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        """Watch the connections, and deliver webhooks.

        On SIGTERM, close the event streams, so that they end at once, and begin no further
        delivery, so that those in progress end while other requests do.
        """
        await receive()
        stop = signal.getsignal(signal.SIGTERM)
        loop = asyncio.get_running_loop()

        def drain_first(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._drain)
            if callable(stop):
                stop(number, frame)

        signal.signal(signal.SIGTERM, drain_first)
        watching = asyncio.ensure_future(self.connections.watch())
        self._deliverer.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        watching.cancel()
        await asyncio.to_thread(self._deliverer.stop)
        await send({"type": "lifespan.shutdown.complete"})

    def _drain(self) -> None:
        self._deliverer.stop_claiming()
        self._streams.close()


async def _begin(send: Send, status: int, headers: Headers) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _wait_for_disconnect(
    receive: Receive, disconnected: Event, error: Exception | None
) -> None:
    """Set an event when the client of a complete request disconnects."""
    if error is None:  # after an error, `receive` would read the rest of the body
        while (await receive())["type"] != "http.disconnect":
            pass
        disconnected.set()


def _text(headers: dict[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")
