"""Event streams. The event loop sends them: no stream has its own thread or Redis connection.

A follower is a client with an open stream. A process reads the events of each followed job once,
and sends them to all its followers. It keeps the encoded events while the job has followers, so a
client can start or resume at any event.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from jobs.events import Entry, Event, has_status, order_of, parse_events, stream_key
from jobs.reader import script_text
from jobs.record import history_key
from stepbox.errors import NotFoundError

log = logging.getLogger(__name__)

RECONNECT_MS = 2000  # how long a client waits before it reconnects
FOLLOW = "Stepbox-Follow"  # header from Flask's view to front.py: a job and the last event seen
STREAMED = "stepbox.streamed"  # key in the ASGI scope: the response is an event stream
KEEP_ALIVE_S = 5  # longest silence of a stream; a comment then follows
BLOCK_MS = 200  # upper bound on the delay before a new job's events are read

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Feed:
    """The events of one job so far, and a future that completes when more arrive."""

    def __init__(self) -> None:
        self.orders: list[tuple[int, ...]] = []
        self.chunks: list[bytes] = []
        self.last = "0-0"
        self.over = False  # no more will arrive: the job has ended, or Redis is unavailable
        self.followers = 0
        self.changed = asyncio.get_running_loop().create_future()

    def add(self, events: list[Event]) -> None:
        """Add events and wake all followers."""
        for event in events:
            if event.data:
                self.orders.append(order_of(event.id))
                self.chunks.append(to_bytes(event))
            self.last = event.id
            self.over = self.over or event.final
        self.wake()

    def wake(self) -> None:
        """Make all followers check for new events."""
        if not self.changed.done():
            self.changed.set_result(None)
        self.changed = asyncio.get_running_loop().create_future()


class Streams:
    """The event streams of one process.

    Parameters
    ----------
    connect
        Opens a Redis client in the event loop.
    limit
        Maximum number of streams open at the same time.

    Attributes
    ----------
    open
        The number of open streams.
    """

    def __init__(self, connect: Callable[[], Redis], limit: int) -> None:
        self.limit = limit
        self.open = 0
        self._connect = connect
        self._redis: Redis | None = None
        self._feeds: dict[str, Feed] = {}
        self._reader: asyncio.Task[None] | None = None
        self._closing = False
        self._positions = script_text("positions")

    def close(self) -> None:
        """End all streams. Their clients reconnect to another process."""
        self._closing = True
        for feed in self._feeds.values():
            feed.wake()

    async def send(self, id: str, after: str, receive: Receive, send: Send) -> None:
        """Send the events of a job that come after the event id `after`, as a response's body.

        The stream ends after the job's last event, or earlier if the client disconnects, Redis
        cannot be reached, or the process shuts down.
        """
        self.open += 1
        gone = asyncio.ensure_future(_wait_for_disconnect(receive))
        feed = None
        try:
            await send_body(send, f"retry: {RECONNECT_MS}\n\n".encode())
            feed = self._follow(id)
            sent = order_of(after)
            while not gone.done():
                changed = feed.changed
                # A new feed has no events yet: those up to `after` come, too.
                place = bisect_right(feed.orders, sent)
                if place < len(feed.chunks):
                    chunks, sent = feed.chunks[place:], feed.orders[-1]
                    await send_body(send, b"".join(chunks))
                    continue
                if feed.over or self._closing:
                    break
                await asyncio.wait(
                    (gone, changed), timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED
                )
                if not changed.done():
                    await send_body(send, b": still here\n\n")
            await send_body(send, b"", more=False)
        finally:
            gone.cancel()
            self.open -= 1
            if feed is not None:
                feed.followers -= 1
                if not feed.followers and self._feeds.get(id) is feed:
                    del self._feeds[id]

    def _follow(self, id: str) -> Feed:
        feed = self._feeds.get(id)
        if feed is None:
            feed = self._feeds[id] = Feed()
        feed.followers += 1
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read())
        return feed

    async def _read(self) -> None:
        """Read the events of all followed jobs over one connection, until no job is followed."""
        redis = self._redis = self._redis or self._connect()
        positions = redis.register_script(self._positions)
        try:
            while waiting := {
                stream_key(id): (id, feed) for id, feed in self._feeds.items() if not feed.over
            }:
                places = {key: feed.last for key, (_, feed) in waiting.items()}
                answer = cast(
                    list[tuple[str, list[Entry]]],
                    await redis.xread(places, count=500, block=BLOCK_MS),  # type: ignore[arg-type]
                )
                for key, entries in answer:
                    id, feed = waiting[key]
                    history: list[str] = []
                    position: int | str = ""
                    if has_status(entries):
                        epochs = redis.lrange(history_key(id), 0, -1)
                        history = await cast(Awaitable[list[str]], epochs)
                        (position,) = await positions(args=[id])
                    with suppress(NotFoundError):  # deleted meanwhile: its last event comes next
                        feed.add(parse_events(entries, history, position))
        except RedisError as error:
            log.warning("the event streams end because Redis cannot be reached: %s", error)
            for feed in self._feeds.values():
                feed.over = True
                feed.wake()
            self._feeds.clear()


def to_bytes(event: Event) -> bytes:
    """Encode an event for a stream."""
    return f"id: {event.id}\nevent: {event.type}\ndata: {event.data}\n\n".encode()


async def send_body(send: Send, body: bytes, *, more: bool = True) -> None:
    """Send a piece of a response's body, by default not the last one."""
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
