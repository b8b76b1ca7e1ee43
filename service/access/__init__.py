"""Who may send which request: by host name, origin, bearer token and rate limit.

`check` has the one check that every request passes; the other modules hold its parts. It also sets
the security headers of every response.
"""

__all__ = ["check", "rate_limits", "security_headers", "sites", "tokens"]
