"""When a request is repeated."""

from __future__ import annotations

import random

import httpx

from stepbox.client.requests import Request

FIRST_S, LONGEST_S = 0.5, 8.0  # pauses without Retry-After: 0.5 s, 1 s, 2 s, …
MOST_ASKED_S = 60.0  # a server that asks for a longer pause gets no repetition
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def pause_before_repeating(
    request: Request[object], outcome: httpx.Response | httpx.RequestError, attempt: int
) -> float | None:
    """Return the pause in seconds before a request is repeated, or None if it is not.

    Without a connection nothing was sent, and a 429 says that nothing was done. After any other
    error, the server may have done what it was asked, so only repeatable requests are repeated.
    While the server restarts, a proxy answers 502 or 504.

    Parameters
    ----------
    request
        What was sent.
    outcome
        The response, or why there is none.
    attempt
        How often it was sent before, from 0.
    """
    if isinstance(outcome, httpx.Response):
        if outcome.status_code not in (429, 502, 503, 504):
            return None
        harmless = outcome.status_code == 429
    else:
        harmless = isinstance(outcome, _UNSENT)
    if not (harmless or request.repeatable):
        return None
    asked = _asked(outcome)
    if asked is not None:
        return asked if asked <= MOST_ASKED_S else None
    return pause_after(attempt)


def pause_after(attempt: int) -> float:
    """Return a pause that doubles with each attempt, varied so that clients do not return at once.

    Parameters
    ----------
    attempt
        How many attempts were in vain before this one.
    """
    return min(FIRST_S * 2.0 ** min(attempt, 10), LONGEST_S) * random.uniform(0.8, 1.2)


def _asked(outcome: httpx.Response | httpx.RequestError) -> float | None:
    """Return the seconds of ``Retry-After``."""
    if isinstance(outcome, httpx.Response):
        value = outcome.headers.get("Retry-After", "")
        return float(value) if value.isdecimal() else None
    return None
