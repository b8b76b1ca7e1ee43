"""Event streams, held open by the event loop: none costs a thread or a connection to Redis.

A process reads each followed job's events once, and passes them to all who follow it. They are
kept, made ready to be sent, for as long as anybody follows the job; so whoever comes later, or
again, begins at any point without a gap.
"""

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from jobs.events import Entry, Event, needs_history, order_of, parse_events, stream_key
from jobs.record import history_key
from stepbox.errors import NotFoundError

log = logging.getLogger(__name__)

RECONNECT_MS = 2000  # what a client waits before it comes back
FOLLOW = "Stepbox-Follow"  # a header from Flask's view to `front`: a job and the last event seen
STREAMED = "stepbox.streamed"  # in the scope of a request whose answer is an event stream
KEEP_ALIVE_S = 5
BLOCK_MS = 200  # how late a job's new follower can make the reader take it up

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Feed:
    """The events of one job so far, and a future that ends when there are more."""

    def __init__(self) -> None:
        self.orders: list[tuple[int, ...]] = []
        self.chunks: list[bytes] = []
        self.last = "0-0"
        self.over = False  # no more will come, be it that Redis is away
        self.followers = 0
        self.changed = asyncio.get_running_loop().create_future()

    def add(self, events: list[Event]) -> None:
        """Take further events and wake all followers."""
        for event in events:
            if event.data:
                self.orders.append(event.order)
                self.chunks.append(to_bytes(event))
            self.last = event.id
            self.over = self.over or event.final
        self.wake()

    def wake(self) -> None:
        """Let all followers look again."""
        if not self.changed.done():
            self.changed.set_result(None)
        self.changed = asyncio.get_running_loop().create_future()


class Streams:
    """The event streams of one process.

    Parameters
    ----------
    connect
        Opens a client of Redis within the event loop.
    limit
        How many streams may be open at once.
    """

    def __init__(self, connect: Callable[[], Redis], limit: int) -> None:
        self.limit = limit
        self.open = 0
        self._connect = connect
        self._redis: Redis | None = None
        self._feeds: dict[str, Feed] = {}
        self._reader: asyncio.Task[None] | None = None
        self._closing = False

    def close(self) -> None:
        """End all streams; their clients come back, to another process."""
        self._closing = True
        for feed in self._feeds.values():
            feed.wake()

    async def send(self, id: str, after: str, receive: Receive, send: Send) -> None:
        """Send the body of a response: the events of a job after a given one, up to the last.

        It ends earlier where the client leaves, Redis is away or the process is to stop.
        """
        self.open += 1
        gone = asyncio.ensure_future(_disconnected(receive))
        feed = None
        try:
            await _send(send, f"retry: {RECONNECT_MS}\n\n".encode())
            feed = self._follow(id)
            place = bisect_right(feed.orders, order_of(after))
            while not gone.done():
                changed = feed.changed
                if place < len(feed.chunks):
                    chunks, place = feed.chunks[place:], len(feed.chunks)
                    await _send(send, b"".join(chunks))
                    continue
                if feed.over or self._closing:
                    break
                await asyncio.wait(
                    (gone, changed), timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED
                )
                if not changed.done():
                    await _send(send, b": still here\n\n")
            await send({"type": "http.response.body", "body": b""})
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
        """Read the streams of all followed jobs, by one connection, while there are any."""
        self._redis = self._redis or self._connect()
        try:
            while waiting := {
                stream_key(id): (id, feed) for id, feed in self._feeds.items() if not feed.over
            }:
                places = {key: feed.last for key, (_, feed) in waiting.items()}
                answer = cast(
                    list[tuple[str, list[Entry]]],
                    await self._redis.xread(places, count=500, block=BLOCK_MS),  # type: ignore[arg-type]
                )
                for key, entries in answer:
                    id, feed = waiting[key]
                    history = await self._history(id, entries)
                    with suppress(NotFoundError):  # the job's last event comes next
                        feed.add(parse_events(entries, history))
        except RedisError as error:
            log.warning("the event streams break off, as Redis is away: %s", error)
            for feed in self._feeds.values():
                feed.over = True
                feed.wake()
            self._feeds.clear()

    async def _history(self, id: str, entries: list[Entry]) -> list[str]:
        """Read a job's epochs where some of its events need them."""
        if self._redis is None or not needs_history(entries):
            return []
        return await cast(Awaitable[list[str]], self._redis.lrange(history_key(id), 0, -1))


def to_bytes(event: Event) -> bytes:
    """Write an event as a stream sends it."""
    return f"id: {event.id}\nevent: {event.type}\ndata: {event.data}\n\n".encode()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
