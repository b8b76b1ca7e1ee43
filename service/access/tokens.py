"""Bearer tokens: who may send which request.

Without tokens, everyone who can reach the server may do everything. So a server without tokens may
only listen on loopback, unless the setting `open` allows other addresses.
"""

import hashlib
import hmac
import logging

from flask import current_app, request
from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from service.access.sites import SAFE_METHODS
from service.settings import SCOPES, ServiceSettings, Token

log = logging.getLogger(__name__)

OPEN_PATHS = (
    "/livez",
    "/readyz",
    "/v2/health/live",
    "/v2/health/ready",
    "/",
    "/docs",
    "/favicon.ico",
)
OPEN_FOLDERS = ("/static/", "/ui/")
ANYONE = Token("write", b"")  # what requests may do if there are no tokens
READING_POSTS = ("/predict/", "/analysis/", "/v1/", "/v2/")  # POST requests that change nothing


def check_token(tokens: list[Token], method: str, path: str, authorization: str) -> Token:
    """Return the token of a request, if it allows the request or the path is open.

    Raises
    ------
    Unauthorized
        The token is missing or unknown.
    Forbidden
        The token allows only reading, or the request changes what belongs to nobody.
    """
    if path in OPEN_PATHS or path.startswith(OPEN_FOLDERS):
        return ANYONE
    token = find_token(tokens, authorization)
    if only_reads(method, path):
        return token
    if token.scope == "read":
        raise Forbidden("This token may read and predict, but change nothing.")
    if token.scope == "own" and changes_for_all(method, path):
        raise Forbidden("This token may change only its own jobs and models.")
    return token


def only_reads(method: str, path: str) -> bool:
    """Tell whether a request changes nothing, so that a token for reading suffices."""
    return method in SAFE_METHODS or f"{path}/".startswith(READING_POSTS)


def changes_for_all(method: str, path: str) -> bool:
    """Tell whether a request changes what has no owner: workers, or data sets that exist."""
    return path.startswith("/workers/") or (method == "DELETE" and path.startswith("/datasets/"))


def warn_if_open(settings: ServiceSettings) -> None:
    """Log at startup who has access, and exit if other machines would have it by accident.

    Raises
    ------
    SystemExit
        There are no tokens, `open` is not set, and other machines can reach the address.
    """
    if settings.access_tokens:
        log.warning("requests need a token")
    elif settings.host in ("127.0.0.1", "::1", "localhost"):
        log.warning("no tokens are set (STEPBOX_TOKENS): only this machine can reach the API")
    elif settings.open:
        log.warning("no tokens are set (STEPBOX_TOKENS): whoever reaches the API may do anything")
    else:
        raise SystemExit(
            f"STEPBOX_HOST={settings.host} opens the API to other machines: set STEPBOX_TOKENS, or "
            "set STEPBOX_OPEN=true if something else controls access"
        )


def owner() -> str | None:
    """Return who owns what the current request creates: the name of its token, or None.

    Raises
    ------
    Unauthorized
        The token is missing or unknown.
    """
    tokens: list[Token] = current_app.extensions["stepbox"].tokens
    return find_token(tokens, request.headers.get("Authorization", "")).name


def only_owner() -> str | None:
    """Return the owner whose jobs and models the current request may see; None if all."""
    tokens: list[Token] = current_app.extensions["stepbox"].tokens
    authorization = request.headers.get("Authorization", "")
    return check_token(tokens, request.method, request.path, authorization).sees_only


def own_key(key: str | None) -> str | None:
    """Return an idempotency key that differs from those of other owners."""
    name = owner()
    return f"{name}\n{key}" if key and name else key  # no header contains a line break


def find_token(tokens: list[Token], authorization: str) -> Token:
    """Return the token of a request. Without tokens, everyone may write.

    All tokens are compared, so timing reveals none. If several have the same secret, the one with
    the strongest scope is returned.

    Raises
    ------
    Unauthorized
        The token is missing or unknown.
    """
    if not tokens:
        return ANYONE
    credentials = Authorization.from_header(authorization)
    if credentials is None or credentials.type != "bearer" or credentials.token is None:
        raise Unauthorized(
            "Send a token: 'Authorization: Bearer SECRET'.",
            www_authenticate=WWWAuthenticate("bearer"),
        )
    digest = hashlib.sha256(credentials.token.encode()).digest()
    found = [token for token in tokens if hmac.compare_digest(token.digest, digest)]
    if not found:
        raise Unauthorized(
            "This token is not known.",
            www_authenticate=WWWAuthenticate("bearer", {"error": "invalid_token"}),
        )
    return max(found, key=lambda token: SCOPES.index(token.scope))
