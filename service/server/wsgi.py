"""Run the Flask application in threads that compute, but never wait for a client.

The event loop reads a request's body before a thread starts, and sends the response.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from itertools import islice
from typing import Any, NamedTuple

from a2wsgi.wsgi import build_environ
from flask import Flask
from werkzeug.wsgi import FileWrapper

from service.server.checks import ERROR

PIECE_BYTES = 256 * 2**10  # sent, or read from a file, in one step

Headers = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """A response of the application.

    Attributes
    ----------
    status
        Its status.
    headers
        Pairs of a name in lower case and a value.
    body
        The whole body or its beginning.
    rest
        The rest of the body. None if there is none.
    """

    status: int
    headers: Headers
    body: bytes
    rest: Iterator[bytes] | None


class Threads:
    """The threads that an application runs in.

    Parameters
    ----------
    app
        The application.
    count
        The number of threads.
    """

    def __init__(self, app: Flask, count: int) -> None:
        self._app = app
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="flask")

    async def answer(
        self,
        scope: dict[str, Any],
        body: bytes,
        error: Exception | None = None,
        values: dict[str, Any] | None = None,
    ) -> Answer:
        """Let the application respond to a request.

        Parameters
        ----------
        scope
            The ASGI scope of the request.
        body
            Its complete body.
        error
            The error to respond with; None if none has been found yet.
        values
            More values for the WSGI environment.
        """
        environ: Any = build_environ(scope, BytesIO(body))  # type: ignore[arg-type]
        environ["wsgi.input_terminated"] = True  # needed for a body without a length
        environ["wsgi.file_wrapper"] = lambda file, _: FileWrapper(file, PIECE_BYTES)
        environ[ERROR] = error
        environ.update(values or {})
        answer: Answer = await self.run(copy_context().run, self._respond, environ)
        return answer

    async def collect_garbage(self) -> None:
        """Free the reference cycles of an error's traceback, which may hold a whole large body.

        Python's automatic collection of them would start much later.
        """
        await self.run(gc.collect)

    async def pieces(self, answer: Answer) -> Any:
        """Yield the body of a response in pieces."""
        for start in range(0, max(1, len(answer.body)), PIECE_BYTES):
            yield answer.body[start : start + PIECE_BYTES]
        while answer.rest is not None:
            piece = await self.run(next, answer.rest, None)
            if piece is None:
                return
            yield piece

    def run(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        """Call a function in a thread."""
        return asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def _respond(self, environ: dict[str, Any]) -> Answer:
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            begun[:] = [(status, headers)]

        rest = _closing(self._app(environ, start_response))
        pieces = list(islice(rest, 2))  # usually there is only one
        ((status, headers),) = begun
        return Answer(
            int(status.split(" ", 1)[0]),
            [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            b"".join(pieces),
            rest if len(pieces) == 2 else None,
        )


def _closing(pieces: Any) -> Iterator[bytes]:
    try:
        yield from pieces
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
