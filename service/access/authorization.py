"""Who may ask for what: bearer tokens, and headers that keep browsers from being misused.

Without tokens anyone who reaches the address may do anything; so it is this machine's own then.
"""

import hashlib
import hmac
import logging

from flask import Flask, Response, request
from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from service.access.sites import HARMLESS, Sites
from service.access.tokens import Scope, Token, parse_tokens
from service.settings import ServiceSettings

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
OPEN_FOLDERS = ("/docs/", "/static/", "/ui/")
READING_POSTS = ("/predict", "/analysis/", "/v2/")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def register(app: Flask, settings: ServiceSettings) -> None:
    """Guard all paths of the application."""
    tokens = parse_tokens(settings.token_text)
    sites = Sites(settings)

    @app.before_request
    def check_site() -> None:
        headers = (request.headers.get(name, "") for name in ("Host", "Sec-Fetch-Site", "Origin"))
        sites.check(request.method, *headers)

    @app.before_request
    def check_token() -> None:
        check(tokens, request.method, request.path, request.headers.get("Authorization", ""))

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def check(tokens: list[Token], method: str, path: str, authorization: str) -> None:
    """Let a request pass, or raise Unauthorized or Forbidden; everything passes without tokens."""
    if tokens and not _is_open(path):
        scope = _scope_shown(tokens, authorization)
        if scope == "read" and _needed_scope(method, path) == "write":
            raise Forbidden("This token may read and predict, but change nothing.")


def warn_if_open(settings: ServiceSettings) -> None:
    """Say at the start who can get in, and refuse to be open to other machines by accident.

    Raises
    ------
    SystemExit
        There are no tokens, and the address is not this machine's alone.
    """
    if parse_tokens(settings.token_text):
        log.warning("tokens are asked for")
    elif settings.host in ("127.0.0.1", "::1", "localhost"):
        log.warning("no tokens are set (STEPBOX_TOKENS): only this machine can reach the API")
    elif settings.open:
        log.warning("no tokens are set (STEPBOX_TOKENS): whoever reaches the API may do anything")
    else:
        raise SystemExit(
            f"STEPBOX_HOST={settings.host} lets other machines in: set STEPBOX_TOKENS, or "
            "STEPBOX_OPEN=true if something else keeps strangers out"
        )


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def _needed_scope(method: str, path: str) -> Scope:
    if method in HARMLESS or path.startswith(READING_POSTS):
        return "read"
    return "write"


def _scope_shown(tokens: list[Token], authorization: str) -> Scope:
    """Tell what the request's token allows; all are compared, so that the time tells nothing."""
    shown = Authorization.from_header(authorization)
    secret = shown.token if shown is not None and shown.type == "bearer" else None
    if secret is None:
        raise Unauthorized(
            "Send a token: 'Authorization: Bearer SECRET'.",
            www_authenticate=WWWAuthenticate("bearer"),
        )
    digest = hashlib.sha256(secret.encode()).digest()
    scopes = [token.scope for token in tokens if hmac.compare_digest(token.digest, digest)]
    if not scopes:
        raise Unauthorized(
            "This token is not known.",
            www_authenticate=WWWAuthenticate("bearer", {"error": "invalid_token"}),
        )
    return "write" if "write" in scopes else "read"
