"""Descriptions of requests, and the methods that make and send them.

An operation of the API is one method of a `Resource`, which returns a `Request`. The decorator
`operation` sends it with the client's runner, so the same method serves both clients:
``Client().jobs.get(id)`` is a `JobRecord`, ``await AsyncClient().jobs.get(id)`` also.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import update_wrapper
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload
from urllib.parse import quote

from stepbox.client.addresses import shown_url
from stepbox.client.errors import ClientError
from stepbox.errors import InvalidInputError

if TYPE_CHECKING:
    import httpx

    from stepbox.client.bodies import Body
    from stepbox.client.events import Event
    from stepbox.client.runners import AsyncRunner, SyncRunner

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound="SyncRunner | AsyncRunner")

# The server sends a comment every 5 s, so a longer silence is a broken connection.
SILENCE_S = 30.0
_IDEMPOTENT = {"GET", "PUT", "PATCH", "DELETE"}  # PATCH sets labels to the values that it names


@dataclass(frozen=True)
class Request(Generic[T]):
    """A request, and how to read the answer.

    Attributes
    ----------
    method, template
        The operation, for instance ``GET`` and ``/jobs/{id}``.
    read
        Makes the result of the response.
    values
        The values of the names in the template.
    query, headers
        Parameters; those that are None are omitted.
    body
        The body; None for none.
    repeatable
        Whether the request has the same effect if it arrives twice.
    silence
        The longest silence of the server, in seconds; None for the client's timeout.
    """

    method: str
    template: str
    read: Callable[[httpx.Response], T]
    values: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: Body | None = None
    repeatable: bool = True
    silence: float | None = None

    @property
    def path(self) -> str:
        """The path, in which no value can become another path."""
        return re.sub(
            r"\{(\w+)\}", lambda match: _segment(str(self.values[match[1]])), self.template
        )


def _segment(value: str) -> str:
    if value in ("", ".", ".."):
        raise InvalidInputError.at("", f"{value!r} cannot be an id or a name")
    return quote(value, safe="")


def request(
    operation: str,
    read: Callable[[httpx.Response], T],
    /,
    *,
    body: Body | None = None,
    headers: Mapping[str, Any] | None = None,
    repeatable: bool | None = None,
    **parameters: Any,
) -> Request[T]:
    """Describe a request.

    Parameters
    ----------
    operation
        Method and path, for instance ``GET /jobs/{id}``.
    read
        Makes the result of the response; see `of`.
    body, headers, repeatable
        See `Request`. By default, what RFC 9110 calls idempotent may be repeated.
    parameters
        The values of the names in the path; all others are parameters of the query. Those that are
        None are omitted, so the server's defaults apply.
    """
    method, template = operation.split(" ")
    names = set(re.findall(r"\{(\w+)\}", template))
    return Request(
        method,
        template,
        read,
        {name: value for name, value in parameters.items() if name in names},
        {name: value for name, value in parameters.items() if name not in names},
        {name: value if value is None else str(value) for name, value in (headers or {}).items()},
        body,
        method in _IDEMPOTENT if repeatable is None else repeatable,
    )


def submission(
    operation: str,
    answer: Callable[[Any], T],
    idempotency_key: str | None,
    /,
    *,
    headers: Mapping[str, Any] | None = None,
    **options: Any,
) -> Request[T]:
    """Describe a request that submits a job. However often it arrives, there is one job.

    Parameters
    ----------
    operation, headers, options
        As in `request`.
    answer
        The class of the answer.
    idempotency_key
        What tells this request from others; None for a new key.
    """
    key = {"Idempotency-Key": idempotency_key or token_hex(16)}
    headers = key | dict(headers or {})
    return request(operation, of(answer), headers=headers, repeatable=True, **options)


def events_of(operation: str, last_event_id: str | None, **values: str) -> Request[Event]:
    """Describe the request of a stream of events, all or those after one."""

    def read(response: httpx.Response) -> Event:
        raise TypeError("a stream has many events: iterate over them")

    headers = {"Last-Event-ID": last_event_id, "Accept": "text/event-stream"}
    return replace(request(operation, read, headers=headers), values=values, silence=SILENCE_S)


def of(answer: Callable[[Any], T]) -> Callable[[httpx.Response], T]:
    """Return the reader of a JSON response, whose value becomes an answer of this class."""
    return lambda response: answer(_json(response))


def maybe(answer: Callable[[Any], T]) -> Callable[[httpx.Response], T | None]:
    """Return the reader of a JSON response, or of an empty one (204), which becomes None."""
    return lambda response: None if response.status_code == 204 else answer(_json(response))


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        kind = response.headers.get("Content-Type", "no type")
        raise ClientError(
            f"the answer of {shown_url(response.url)} is not JSON, but {kind}: is this a Stepbox "
            "server?"
        ) from None


def content(response: httpx.Response) -> bytes:
    """Read a response whose body is a file."""
    return response.content


def text(response: httpx.Response) -> str:
    """Read a response whose body is text."""
    return response.text


def nothing(response: httpx.Response) -> None:
    """Read a response without a body."""


class SyncCall(Generic[P, T]):
    """An operation of a `Client`. `request` returns what a call would send."""

    def __init__(self, describe: Callable[P, Request[T]], runner: SyncRunner) -> None:
        self.request = describe
        self._runner = runner
        update_wrapper(self, describe)

    def __call__(self, *arguments: P.args, **options: P.kwargs) -> T:
        """Send the request, and return the result."""
        return self._runner.run(self.request(*arguments, **options))


class AsyncCall(Generic[P, T]):
    """An operation of an `AsyncClient`. `request` returns what a call would send."""

    def __init__(self, describe: Callable[P, Request[T]], runner: AsyncRunner) -> None:
        self.request = describe
        self._runner = runner
        update_wrapper(self, describe)

    def __call__(self, *arguments: P.args, **options: P.kwargs) -> Awaitable[T]:
        """Send the request, and return the result when it is awaited."""
        return self._runner.run(self.request(*arguments, **options))


class SyncStream(Generic[P]):
    """An operation of a `Client` that yields events."""

    def __init__(self, describe: Callable[P, Request[Event]], runner: SyncRunner) -> None:
        self.request = describe
        self._runner = runner
        update_wrapper(self, describe)

    def __call__(self, *arguments: P.args, **options: P.kwargs) -> Iterator[Event]:
        """Yield the events, across broken connections."""
        return self._runner.follow(self.request(*arguments, **options))


class AsyncStream(Generic[P]):
    """An operation of an `AsyncClient` that yields events."""

    def __init__(self, describe: Callable[P, Request[Event]], runner: AsyncRunner) -> None:
        self.request = describe
        self._runner = runner
        update_wrapper(self, describe)

    def __call__(self, *arguments: P.args, **options: P.kwargs) -> AsyncIterator[Event]:
        """Yield the events, across broken connections."""
        return self._runner.follow(self.request(*arguments, **options))


class Resource(Generic[R]):
    """Operations of the API that belong together."""

    def __init__(self, runner: R) -> None:
        self._runner = runner


class operation(Generic[P, T]):  # noqa: N801
    """Make a method that describes a request into one that sends it."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Request[T]]) -> None:
        self._describe = describe
        update_wrapper(self, describe)  # type: ignore[arg-type]

    @overload
    def __get__(self, resource: Resource[SyncRunner], owner: Any) -> SyncCall[P, T]: ...
    @overload
    def __get__(self, resource: Resource[AsyncRunner], owner: Any) -> AsyncCall[P, T]: ...
    @overload
    def __get__(self, resource: None, owner: Any) -> operation[P, T]: ...
    def __get__(self, resource: Any, owner: Any) -> Any:
        if resource is None:
            return self
        return resource._runner.call(self._describe.__get__(resource, owner))


class stream(Generic[P]):  # noqa: N801
    """Make a method that describes a request into one that yields the events of the response."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Request[Event]]) -> None:
        self._describe = describe
        update_wrapper(self, describe)  # type: ignore[arg-type]

    @overload
    def __get__(self, resource: Resource[SyncRunner], owner: Any) -> SyncStream[P]: ...
    @overload
    def __get__(self, resource: Resource[AsyncRunner], owner: Any) -> AsyncStream[P]: ...
    @overload
    def __get__(self, resource: None, owner: Any) -> stream[P]: ...
    def __get__(self, resource: Any, owner: Any) -> Any:
        if resource is None:
            return self
        return resource._runner.stream(self._describe.__get__(resource, owner))
