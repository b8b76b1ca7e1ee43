"""Connect to Redis."""

from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.settings import Settings


def connect(settings: Settings, *, raw: bool = False) -> redis.Redis:
    """Open a client that fails within seconds if Redis is unavailable.

    A command is retried once if its connection was closed, because the pool's connections do not
    survive a restart of Redis. A command that timed out is not retried.

    Parameters
    ----------
    settings
        Where Redis is.
    raw
        Return bytes, and wait for minutes: for commands that read or write everything.
    """
    retry = Retry(NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,))
    options = _options(settings)
    if raw:
        options |= {"decode_responses": False, "socket_timeout": 300}
    return redis.Redis.from_url(settings.redis_url, **options, retry=retry)


def connect_async(settings: Settings) -> redis.asyncio.Redis:
    """Open a client for an event loop. It does not retry commands."""
    return redis.asyncio.Redis.from_url(settings.redis_url, **_options(settings))


def _options(settings: Settings) -> dict[str, Any]:
    try:
        password = settings.redis_password
    except OSError as error:
        message = f"the password of Redis cannot be read: {error}"
        raise redis.exceptions.ConnectionError(message) from None
    return {
        "password": password,
        "decode_responses": True,
        "socket_connect_timeout": 1,
        "socket_timeout": 3,
    }
