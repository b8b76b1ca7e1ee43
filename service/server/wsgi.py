"""Flask's application in threads: a thread computes, and never waits for a client.

A body is whole before a thread takes it up; an answer is sent by the event loop.
"""

import asyncio
import gc
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from itertools import islice
from typing import Any, NamedTuple

from a2wsgi.wsgi import build_environ
from flask import Flask
from werkzeug.wsgi import FileWrapper

from service.server.bounds import REFUSAL

PIECE_BYTES = 256 * 2**10  # sent, or read of a file, at once

Headers = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """What the application answers.

    Attributes
    ----------
    status
        Its status.
    headers
        By their names in lower case.
    body
        All of the body, or what has been read of it.
    rest
        The rest of the body; None where there is no more.
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
        How many requests are worked on at once.
    """

    def __init__(self, app: Flask, count: int) -> None:
        self._app = app
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="flask")

    async def answer(
        self, scope: dict[str, Any], body: bytes, refusal: Exception | None = None
    ) -> Answer:
        """Let the application answer a request.

        Parameters
        ----------
        scope
            The request, as ASGI has it.
        body
            Its body, whole.
        refusal
            What is wrong with it already.
        """
        environ: Any = build_environ(scope, BytesIO(body))  # type: ignore[arg-type]
        environ["wsgi.input_terminated"] = True  # also a body without a length ends where it does
        environ["wsgi.file_wrapper"] = _wrap_file
        environ[REFUSAL] = refusal
        answer: Answer = await self._run(copy_context().run, self._respond, environ)
        return answer

    async def collect_garbage(self) -> None:
        """Free what an error's frames hold, and hold the error by: it can be all of a body.

        By itself Python looks for such cycles some millions of objects later.
        """
        await self._run(gc.collect)

    async def pieces(self, answer: Answer) -> Any:
        """Yield an answer's body piece by piece; whoever asks for one waits for it."""
        for start in range(0, max(1, len(answer.body)), PIECE_BYTES):
            yield answer.body[start : start + PIECE_BYTES]
        while answer.rest is not None:
            piece = await self._run(next, answer.rest, None)
            if piece is None:
                return
            yield piece

    def _run(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def _respond(self, environ: dict[str, Any]) -> Answer:
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            begun[:] = [(status, headers)]

        rest = _closing(self._app(environ, start_response))
        pieces = list(islice(rest, 2))  # nearly always the first is all
        ((status, headers),) = begun
        return Answer(
            int(status.split(" ", 1)[0]),
            [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            b"".join(pieces),
            rest if len(pieces) == 2 else None,
        )


def _wrap_file(file: Any, _: int) -> Iterable[bytes]:
    return FileWrapper(file, PIECE_BYTES)


def _closing(pieces: Any) -> Iterator[bytes]:
    try:
        yield from pieces
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
