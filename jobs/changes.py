"""Turns at changing a store, and news of its changes, in Redis.

store:turn       the process whose turn it is, for at most `TURN_S`
store:number     the last number that was given to a turn
store:changes    stream: the keys and prefixes that have changed, in this order
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from stepbox.errors import UnavailableError

TURN_S = 30.0  # a process that is paused for longer in its turn has to start again
WAIT_S = 10.0  # for a turn; one takes a few requests to the bucket
KEPT = 10_000  # changes; a reader that has missed older ones lists the whole store
CHANGES = "store:changes"
FIRST = "0-0"  # the cursor before the first change


class StoreChanges:
    """The turns and the news of all stores of an installation.

    Parameters
    ----------
    connect
        Returns the client of Redis.
    folder
        Name of the store: the first name of the keys in the news.
    """

    def __init__(self, connect: Callable[[], redis.Redis], folder: str) -> None:
        self._connect = connect
        self._folder = folder

    def take(self, floor: int) -> "RedisTurn":
        """Wait for a turn; see `stepbox.store.turns.Turns`."""
        with _unavailable(self._folder):
            client = self._connect()
            lock = client.lock(
                "store:turn",
                timeout=TURN_S,
                sleep=0.02,
                blocking_timeout=WAIT_S,
                thread_local=False,
            )
            if not lock.acquire():
                raise UnavailableError("others have been changing it for too long", self._folder)
            try:
                number = client.incr("store:number")
                if number <= floor:  # this Redis is younger than the store
                    number = client.incrby("store:number", floor + 1 - number)
            except BaseException:
                RedisTurn(lock, 0).end()
                raise
            return RedisTurn(lock, number)

    def announce(self, name: str) -> None:
        """Add a change to the news. The script that ends a job does the same for its result."""
        with _unavailable(name):
            self._connect().xadd(CHANGES, {"key": f"{self._folder}/{name}"}, maxlen=KEPT)


class RedisTurn(NamedTuple):
    """A turn; see `stepbox.store.turns.Turn`."""

    lock: Lock
    number: int

    def end(self) -> bool:
        """End the turn; return whether it had lasted until now."""
        try:
            self.lock.release()
        except LockError:
            return False
        except RedisError:  # nobody knows, so it is taken for lost
            return False
        return True


class News(NamedTuple):
    """What has changed since the last news.

    Attributes
    ----------
    keys
        The keys and prefixes that have changed; the first name of each is the store's. None if too
        much has changed since to tell.
    cursor
        Where the next news begins.
    """

    keys: frozenset[str] | None
    cursor: str


def latest(client: redis.Redis) -> str:
    """Return the cursor of the news that come from now on."""
    found = cast(Any, client.xrevrange(CHANGES, count=1))
    return found[0][0] if found else FIRST


def news(client: redis.Redis, cursor: str, wait_s: float) -> News:
    """Wait for changes, and return them.

    Parameters
    ----------
    client
        The client of Redis.
    cursor
        Of the last news, or that of `latest`.
    wait_s
        Return after this time, in s, if nothing has changed.
    """
    if cursor != FIRST and not client.xrange(CHANGES, min=cursor, max=cursor):
        return News(None, latest(client))
    found = cast(Any, client.xread({CHANGES: cursor}, block=round(wait_s * 1000)))
    entries = found[0][1] if found else []
    keys = frozenset(fields["key"] for _, fields in entries)
    return News(keys, entries[-1][0] if entries else cursor)


@contextmanager
def _unavailable(key: str) -> Iterator[None]:
    """Turn an error of Redis into one of the store, which cannot be changed without Redis."""
    try:
        yield
    except RedisError as error:
        raise UnavailableError(f"it is changed in turns, and Redis fails: {error}", key) from error
