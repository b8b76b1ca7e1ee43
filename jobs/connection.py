"""Connect to Redis."""

import ssl
from typing import Any, cast
from urllib.parse import urlsplit

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.settings import Settings

# OpenSSL's codes for a certificate that has another host name or address.
MISMATCHES = (62, 64)


class UnconfirmedError(redis.exceptions.TimeoutError):
    """Redis has stored a change, now or at an earlier call, but too few replicas have confirmed it.

    Attributes
    ----------
    answer
        What the script of the change has returned.
    """

    def __init__(self, why: str, answer: Any) -> None:
        super().__init__(why)
        self.answer = answer


class Client(redis.Redis):
    """A client that knows how many replicas must confirm what is stored.

    Attributes
    ----------
    replicas
        The setting ``redis_replicas``.
    """

    replicas = 0


def connect(settings: Settings, *, raw: bool = False) -> Client:
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
    client = cast(Client, Client.from_url(settings.redis_url, **options, retry=retry))
    client.replicas = settings.redis_replicas
    return client


def connect_async(settings: Settings) -> redis.asyncio.Redis:
    """Open a client for an event loop. It does not retry commands."""
    return redis.asyncio.Redis.from_url(settings.redis_url, **_options(settings))


def find_fault(settings: Settings) -> str | None:
    """Connect once; return which setting is wrong and why, or None if none is known to be.

    Redis may also be unavailable. That is no fault of the settings, because it may come back.
    """
    host = urlsplit(settings.redis_url).hostname
    try:
        with connect(settings) as client:
            client.ping()
            if client.replicas:
                return _fault_of_replicas(client, host)
    except (redis.exceptions.AuthenticationError, redis.exceptions.AuthorizationError) as error:
        return f"STEPBOX_REDIS_PASSWORD_FILE: Redis on {host} rejects the user or password: {error}"
    except redis.exceptions.RedisError as error:
        cause = error.__context__
        if isinstance(cause, ssl.SSLCertVerificationError):
            is_other_name = cause.verify_code in MISMATCHES
            setting = "STEPBOX_REDIS_URL" if is_other_name else "STEPBOX_REDIS_CA_FILE"
            return f"{setting}: {host} has another certificate: {cause.verify_message}"
    return None


def _fault_of_replicas(client: Client, host: str | None) -> str | None:
    try:
        client.waitaof(1, 0, 1)  # returns at once, because this connection has stored nothing
    except redis.exceptions.ResponseError as error:
        return f"STEPBOX_REDIS_REPLICAS: Redis on {host} cannot wait for replicas: {error}"
    return None


def _options(settings: Settings) -> dict[str, Any]:
    try:
        password = settings.redis_password
    except OSError as error:
        message = f"the password of Redis cannot be read: {error}"
        raise redis.exceptions.ConnectionError(message) from None
    # With rediss://, the client also checks the certificate and its host name.
    trusted = {"ssl_ca_certs": str(settings.redis_ca_file)} if settings.redis_ca_file else {}
    return {
        **trusted,
        "password": password,
        "decode_responses": True,
        "socket_connect_timeout": 1,
        "socket_timeout": 3,
    }
