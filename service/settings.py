"""Settings of the API alone."""

import re
from ipaddress import ip_address
from pathlib import Path

from pydantic import Field, field_validator

from jobs.settings import Settings, read_text
from service.access.tokens import parse_tokens


class ServiceSettings(Settings):
    """What the API needs beside the shared settings."""

    host: str = Field("127.0.0.1", description="Address that the API listens at.")
    port: int = Field(8000, ge=1, le=65535)
    hosts: str = Field(
        "", description="Further names that the API answers to, apart by commas; `*` for any."
    )
    processes: int = Field(2, ge=1, le=64, description="Processes of gunicorn.")
    threads: int = Field(32, ge=2, description="Threads of each process.")
    event_streams: int = Field(
        1000, ge=1, description="Event streams that a process holds at once."
    )
    connections: int = Field(8192, ge=1, description="Connections that a process holds at once.")
    connections_each: int = Field(
        4096, ge=1, description="Connections of one address that a process holds at once."
    )
    work_bytes: int = Field(
        192 * 2**20, ge=2**20, description="Memory of a process for large requests under way."
    )
    max_body_bytes: int = Field(32 * 2**20, ge=1, description="Largest request body taken.")
    tokens: str = Field("", description="`read:SECRET` and `write:SECRET`, apart by commas.")
    tokens_file: Path | None = Field(None, description="A file of tokens, one a line.")
    open: bool = Field(
        False, description="Serve other machines without tokens; something else guards the API."
    )
    train_limit: str = Field("", description="Trainings a client may start, like `10/minute`.")
    predict_limit: str = Field("", description="Predictions a client may ask for, in a process.")

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

    @field_validator("train_limit", "predict_limit")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        if value:
            from limits import parse  # here, as in `rate_limits`

            try:
                parse(value)
            except ValueError:
                raise ValueError(
                    f"{value!r} is no rate: like 10/minute or 100 per 5 minutes is allowed"
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

    @property
    def address(self) -> str:
        """Where gunicorn listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def host_names(self) -> list[str]:
        """Further names of the server."""
        return _split(self.hosts)

    @property
    def token_text(self) -> str:
        """All tokens, those of the file too."""
        return f"{self.tokens}\n{self.tokens_file.read_text() if self.tokens_file else ''}"


def _split(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _check_host(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        try:
            ip_address(name.strip("[]"))
        except ValueError:
            raise ValueError(
                f"{name!r} is no host: a name or an address is allowed, without a port"
            ) from None
