"""The settings of the API."""

import hashlib
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

from pydantic import Field, field_validator

from jobs.settings import Settings, read_text
from jobs.signing import parse_secrets
from service.addresses import AllowedHosts

Scope = Literal["read", "own", "write"]
SCOPES: tuple[Scope, ...] = get_args(Scope)  # from the weakest to the strongest

OWNER = r"[a-z0-9][a-z0-9._-]{0,62}"
_TOKEN = re.compile(rf"(?:({OWNER})=)?({'|'.join(SCOPES)}):(.{{16,}})")


class Token(NamedTuple):
    """What a client may do, the SHA-256 of its secret, and its name.

    The name says who owns what requests with this token create: it is None if nobody does. Several
    tokens may have the same name, so that a secret can be replaced.
    """

    scope: Scope
    digest: bytes
    name: str | None = None

    @property
    def sees_only(self) -> str | None:
        """The owner whose jobs and models the client may see; None if all."""
        return self.name if self.scope == "own" else None


class ServiceSettings(Settings):
    """The shared settings and those of the API."""

    host: str = Field("127.0.0.1", description="Address that the API listens on.")
    port: int = Field(8000, ge=1, le=65535)
    hosts: str = Field(
        "", description="Host names besides `host`, separated by commas; `*` accepts any."
    )
    processes: int = Field(2, ge=1, le=64, description="Worker processes of gunicorn.")
    threads: int = Field(32, ge=2, description="Threads of each process.")
    event_streams: int = Field(1000, ge=1, description="Maximum open event streams per process.")
    connections: int = Field(8192, ge=1, description="Maximum open connections per process.")
    connections_each: int = Field(
        4096, ge=1, description="Maximum open connections per process from one address."
    )
    work_bytes: int = Field(
        192 * 2**20, ge=2**20, description="Bytes of memory per process for large requests."
    )
    max_body_bytes: int = Field(32 * 2**20, ge=1, description="Largest request body in bytes.")
    upload_bytes: int = Field(4 * 2**30, ge=1, description="Largest upload in bytes.")
    tokens: str = Field(
        "", description="Tokens of the form `NAME=SCOPE:SECRET`, separated by commas."
    )
    tokens_file: Path | None = Field(None, description="A file of tokens, one per line.")
    owner_queued: int = Field(0, ge=0, description="Most queued jobs of one owner. 0 is no limit.")
    open: bool = Field(
        False, description="Serve other machines without tokens, if something else controls access."
    )
    embed_origins: str = Field(
        "", description="Origins of the pages that may embed figures, separated by commas."
    )
    train_limit: str = Field(
        "", description="Trainings and imports per client, such as `10/minute`."
    )
    predict_limit: str = Field("", description="Predictions per client and process.")

    webhook_secret: str = Field(
        "", description="Secrets that sign webhooks, `whsec_…`, separated by commas."
    )
    webhook_allow: str = Field(
        "",
        description="Hosts, addresses and networks that webhooks may be sent to although they are "
        "not public, separated by commas.",
    )

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        _check_host(value)
        return value.strip("[]")

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        for name in _split(value):
            if name != "*":
                _check_host(name)
        return value

    @field_validator("embed_origins")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        for origin in _split(value):
            if not re.fullmatch(r"https?://[A-Za-z0-9._-]+(:[0-9]{1,5})?", origin):
                raise ValueError(
                    f"{origin!r} is not an origin: write it like https://example.org or "
                    "http://localhost:8080, without a path"
                )
        return value

    @field_validator("train_limit", "predict_limit")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        if value:
            from limits import parse  # imported only if needed, as in `rate_limits`

            try:
                parse(value)
            except ValueError:
                raise ValueError(
                    f"{value!r} is not a rate: write it like 10/minute or 100 per 5 minutes"
                ) from None
        return value

    @field_validator("tokens")
    @classmethod
    def _are_tokens(cls, value: str) -> str:
        parse_tokens(value)
        return value

    @field_validator("tokens_file")
    @classmethod
    def _holds_tokens(cls, value: Path | None) -> Path | None:
        if value is not None and not parse_tokens(read_text(value)):
            raise ValueError(f"{value} holds no token")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _are_secrets(cls, value: str) -> str:
        parse_secrets(value)
        return value

    @field_validator("webhook_allow")
    @classmethod
    def _are_allowed_hosts(cls, value: str) -> str:
        AllowedHosts(value)
        return value

    @property
    def address(self) -> str:
        """The address that gunicorn listens on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def host_names(self) -> list[str]:
        """Other names of the server."""
        return _split(self.hosts)

    @property
    def embedding_origins(self) -> list[str]:
        """Origins of the pages that may embed figures."""
        return _split(self.embed_origins)

    @property
    def webhook_secrets(self) -> list[str]:
        """The secrets that sign webhooks; empty if Redis has the only one."""
        return parse_secrets(self.webhook_secret)

    @property
    def webhook_hosts(self) -> AllowedHosts:
        """Where webhooks may be sent to, besides public addresses."""
        return AllowedHosts(self.webhook_allow)

    @property
    def access_tokens(self) -> list[Token]:
        """All tokens, including those of the file."""
        file = self.tokens_file.read_text() if self.tokens_file else ""
        return parse_tokens(f"{self.tokens}\n{file}")


def parse_tokens(text: str) -> list[Token]:
    """Parse tokens of the form `SCOPE:SECRET` or `NAME=SCOPE:SECRET`.

    Parameters
    ----------
    text
        The tokens, separated by commas, spaces or line breaks.

    Raises
    ------
    ValueError
        A token has another form, its secret has fewer than 16 characters, or it has the scope
        `own` and no name.
    """
    tokens = []
    for entry in _split(text):
        match = _TOKEN.fullmatch(entry)
        if match is None:
            raise ValueError(
                "a token must be 'SCOPE:SECRET' or 'NAME=SCOPE:SECRET'; SCOPE is "
                f"{', '.join(SCOPES)}; SECRET has at least 16 characters; NAME has up to 63 of "
                "a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit"
            )
        name, scope, secret = match.groups()
        if scope == "own" and name is None:
            raise ValueError("a token of the scope 'own' needs a name: 'NAME=own:SECRET'")
        tokens.append(Token(cast(Scope, scope), hashlib.sha256(secret.encode()).digest(), name))
    return tokens


def _split(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _check_host(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        try:
            ip_address(name.strip("[]"))
        except ValueError:
            raise ValueError(
                f"{name!r} is not a host: write a name or an address, without a port"
            ) from None
