"""The address of the server."""

from __future__ import annotations

import httpx

from stepbox.errors import InvalidInputError

DEFAULT_URL = "http://127.0.0.1:8000"


def base_url(address: str) -> httpx.URL:
    """Return the address of a server; raise InvalidInputError if it is none (``/url``)."""
    try:
        url = httpx.URL(address)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        # Without the address, which may contain a password.
        detail = (
            f"must be an address such as {DEFAULT_URL}, with http:// or https://, without a query"
        )
        raise InvalidInputError.at("/url", detail)
    if url.port is not None and not 1 <= url.port <= 65535:
        raise InvalidInputError.at("/url", f"must have a port from 1 to 65535, not {url.port}")
    return url


def shown_url(url: httpx.URL) -> str:
    """Return an address for people, without the name and the password of a user."""
    return str(url.copy_with(username=None, password=None)).rstrip("/")
