"""Clients of Redis."""

from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.settings import Settings


def connect(settings: Settings) -> redis.Redis:
    """Open a client, which tells within seconds that Redis is away.

    A cut connection is tried once more, since those of the pool do not outlive a restart of Redis;
    a Redis that hangs is not waited for twice.
    """
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,))
    return redis.Redis.from_url(settings.redis_url, **_options(settings), retry=retry)


def connect_async(settings: Settings) -> redis.asyncio.Redis:
    """Open a client for an event loop; it tells at once that a connection was cut."""
    return redis.asyncio.Redis.from_url(settings.redis_url, **_options(settings))


def _options(settings: Settings) -> dict[str, Any]:
    try:
        password = settings.redis_password
    except OSError as error:
        raise redis.exceptions.ConnectionError(f"its password cannot be read: {error}") from None
    return {
        "password": password,
        "decode_responses": True,
        "socket_connect_timeout": 1,
        "socket_timeout": 3,
    }
