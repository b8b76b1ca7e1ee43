"""Send requests and repeat them: one runner waits for the answer, the other one is awaited.

Both do the same. What they share is in `repeating`, `bodies` and `downloads`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import anyio
import httpx

from stepbox.client.addresses import shown_url
from stepbox.client.downloads import check_is_file, new_file
from stepbox.client.errors import ProblemError, UnreachableError, error_of
from stepbox.client.events import Event
from stepbox.client.following import BROKEN, Following
from stepbox.client.repeating import pause_before_repeating
from stepbox.client.requests import AsyncCall, AsyncStream, Request, SyncCall, SyncStream

P = ParamSpec("P")
T = TypeVar("T")

Outcome = httpx.Response | httpx.RequestError


def ignore() -> None:
    """Check nothing."""


def _build(
    http: httpx.Client | httpx.AsyncClient, wanted: Request[Any], files: ExitStack
) -> httpx.Request:
    arguments = wanted.body.open(files) if wanted.body else {}
    query = {name: value for name, value in wanted.query.items() if value is not None}
    url = httpx.URL(f"{str(http.base_url).rstrip('/')}{wanted.path}")
    url = url.copy_merge_params(query) if query else url
    headers = httpx.Headers(http.headers)
    headers.update(arguments.pop("headers", {}))
    headers.update({name: value for name, value in wanted.headers.items() if value is not None})
    headers["Host"] = url.netloc.decode("ascii")  # httpx adds none to the stream of a file
    timeout = http.timeout.as_dict()
    if wanted.silence is not None:
        timeout["read"] = wanted.silence
    extensions = {"timeout": timeout}
    return httpx.Request(wanted.method, url, headers=headers, extensions=extensions, **arguments)


def unreachable(
    http: httpx.Client | httpx.AsyncClient, error: Exception
) -> UnreachableError | ProblemError:
    """Return the error of the client for one of the connection; it may already be one."""
    if isinstance(error, UnreachableError | ProblemError):
        return error
    failure = UnreachableError(f"{shown_url(http.base_url)}: {error or type(error).__name__}")
    failure.__cause__ = error
    return failure


class SyncRunner:
    """Sends the requests of a `Client`."""

    def __init__(self, http: httpx.Client, retries: int) -> None:
        self.http, self._retries = http, retries

    def call(self, describe: Callable[P, Request[T]]) -> SyncCall[P, T]:
        """Return an operation that this runner sends."""
        return SyncCall(describe, self)

    def stream(self, describe: Callable[P, Request[Event]]) -> SyncStream[P]:
        """Return an operation whose events this runner yields."""
        return SyncStream(describe, self)

    def run(self, wanted: Request[T]) -> T:
        """Send a request, and return the result of the response."""
        with self.open(wanted, stream=False) as response:
            return wanted.read(response)

    @contextmanager
    def open(self, wanted: Request[Any], *, stream: bool = True) -> Iterator[httpx.Response]:
        """Send a request, repeat it if that can help, and provide the response.

        Raises
        ------
        UnreachableError
            There is no connection, or it broke.
        ProblemError
            The server refused the request.
        """
        for attempt in count():
            outcome = self._try(wanted, stream)
            if isinstance(outcome, httpx.Response) and outcome.is_success:
                try:
                    yield outcome
                finally:
                    outcome.close()
                return
            pause = pause_before_repeating(wanted, outcome, attempt)
            if pause is None or attempt >= self._retries:
                if isinstance(outcome, httpx.Response):
                    raise error_of(outcome)
                raise unreachable(self.http, outcome)
            time.sleep(pause)

    def _try(self, wanted: Request[Any], stream: bool) -> Outcome:
        with ExitStack() as files:
            built = _build(self.http, wanted, files)
            try:
                response = self.http.send(built, stream=True)
                if not (stream and response.is_success):
                    response.read()
            except httpx.RequestError as error:
                return error
            return response

    def follow(self, stream: Request[Event], check: Callable[[], None] = ignore) -> Iterator[Event]:
        """Yield the events of a stream, which is opened again when it breaks.

        Parameters
        ----------
        stream
            The request of the events.
        check
            Is called with each part of the stream, every few seconds, and may raise an error.

        Raises
        ------
        UnreachableError
            There is no connection, or it broke and could not be made again.
        ProblemError
            The server refused the request, for example because the job has been deleted.
        """
        following = Following(stream)
        while not following.over:
            error = None
            try:
                with self.open(following.stream()) as response:
                    for block in response.iter_bytes():
                        check()
                        yield from following.read(block)
                if following.must_ask():
                    following.answered(self.run(following.job()))
            except BROKEN as broken:
                error = unreachable(self.http, broken)
            if not following.over:
                check()
                time.sleep(following.pause(error))

    def download(self, wanted: Request[bytes], path: Path) -> None:
        """Write the body of a response to a file, which is complete or absent.

        Raises
        ------
        InvalidInputError
            The response is no file (``/operation``), or not of the format that the suffix of the
            path names (``/path``).
        OSError
            The file cannot be written.
        """
        check_is_file(wanted)
        with self.open(wanted) as response, new_file(path, wanted, response) as file:
            try:
                for block in response.iter_bytes():
                    file.write(block)
            except httpx.RequestError as error:
                raise unreachable(self.http, error) from error


class AsyncRunner:
    """Sends the requests of an `AsyncClient`. See `SyncRunner`."""

    def __init__(self, http: httpx.AsyncClient, retries: int) -> None:
        self.http, self._retries = http, retries

    def call(self, describe: Callable[P, Request[T]]) -> AsyncCall[P, T]:
        """Return an operation that this runner sends."""
        return AsyncCall(describe, self)

    def stream(self, describe: Callable[P, Request[Event]]) -> AsyncStream[P]:
        """Return an operation whose events this runner yields."""
        return AsyncStream(describe, self)

    async def run(self, wanted: Request[T]) -> T:
        """Send a request, and return the result of the response."""
        async with self.open(wanted, stream=False) as response:
            return wanted.read(response)

    @asynccontextmanager
    async def open(
        self, wanted: Request[Any], *, stream: bool = True
    ) -> AsyncIterator[httpx.Response]:
        """Send a request, repeat it if that can help, and provide the response."""
        for attempt in count():
            outcome = await self._try(wanted, stream)
            if isinstance(outcome, httpx.Response) and outcome.is_success:
                try:
                    yield outcome
                finally:
                    await outcome.aclose()
                return
            pause = pause_before_repeating(wanted, outcome, attempt)
            if pause is None or attempt >= self._retries:
                if isinstance(outcome, httpx.Response):
                    raise error_of(outcome)
                raise unreachable(self.http, outcome)
            await anyio.sleep(pause)

    async def _try(self, wanted: Request[Any], stream: bool) -> Outcome:
        with ExitStack() as files:
            built = _build(self.http, wanted, files)
            try:
                response = await self.http.send(built, stream=True)
                if not (stream and response.is_success):
                    await response.aread()
            except httpx.RequestError as error:
                return error
            return response

    async def follow(
        self, stream: Request[Event], check: Callable[[], None] = ignore
    ) -> AsyncIterator[Event]:
        """Yield the events of a stream; see `SyncRunner.follow`."""
        following = Following(stream)
        while not following.over:
            error = None
            try:
                async with self.open(following.stream()) as response:
                    async for block in response.aiter_bytes():
                        check()
                        for event in following.read(block):
                            yield event
                if following.must_ask():
                    following.answered(await self.run(following.job()))
            except BROKEN as broken:
                error = unreachable(self.http, broken)
            if not following.over:
                check()
                await anyio.sleep(following.pause(error))

    async def download(self, wanted: Request[bytes], path: Path) -> None:
        """Write the body of a response to a file; see `SyncRunner.download`."""
        check_is_file(wanted)
        async with self.open(wanted) as response:
            with new_file(path, wanted, response) as file:
                try:
                    async for block in response.aiter_bytes():
                        file.write(block)
                except httpx.RequestError as error:
                    raise unreachable(self.http, error) from error
