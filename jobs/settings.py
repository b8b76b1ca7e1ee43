"""Settings that the API and the worker share, read from the environment (``STEPBOX_…``)."""

import os
import ssl
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from stepbox.data.dataset import MOST_CLASSES

BUCKETS = ("s3", "gs", "az")  # the schemes of their addresses
Part = Literal["models", "checkpoints", "datasets", "archive"]


class Settings(BaseSettings):
    """The shared settings. For example, STEPBOX_REDIS_URL sets the field ``redis_url``."""

    model_config = SettingsConfigDict(env_prefix="STEPBOX_", frozen=True)

    redis_url: str = Field(
        "redis://stepbox@127.0.0.1:6390/0", description="Address of Redis, without a password."
    )
    redis_password_file: Path | None = Field(
        None, description="File that contains the password of Redis."
    )
    redis_ca_file: Path | None = Field(
        None,
        description="File with the certificates to trust for rediss://, besides the system's own.",
    )
    redis_replicas: int = Field(
        0,
        ge=0,
        le=10,
        description="Replicas of Redis that must have an accepted job on their disks before it is "
        "answered; 0 waits for none.",
    )
    store: str = Field(
        "",
        description="Where models, checkpoints, data sets and archived jobs are kept: a bucket, "
        "such as `s3://BUCKET/PREFIX`, `gs://…` or `az://…`, or a folder. Empty: `models_dir` and "
        "`datasets_dir`.",
    )
    cache_dir: Path = Field(
        default_factory=lambda: Path(gettempdir()) / f"stepbox-cache-{os.getuid()}",
        description="Folder for copies of objects of the bucket, on this machine's disk.",
    )
    cache_bytes: int = Field(
        20 * 2**30, ge=1, description="Bytes that these copies may take; the oldest are removed."
    )
    models_dir: Path = Field(Path("models"), description="Folder of the trained models.")
    data_dir: Path = Field(
        Path("data"), description="Folder of the built-in data sets, filled by bin/fetch-datasets."
    )
    datasets_dir: Path = Field(
        Path("models/.datasets"), description="Folder of the uploaded data sets."
    )
    data_classes: int = Field(
        MOST_CLASSES, ge=2, le=2000, description="Largest number of classes of an upload."
    )
    data_samples: int = Field(
        2_000_000, ge=2, le=2**31 - 1, description="Largest number of samples of an upload."
    )
    data_bytes: int = Field(
        4 * 2**30, ge=1, description="Largest size of the decoded samples of an upload, in bytes."
    )
    data_quota: int = Field(
        20 * 2**30,
        ge=0,
        description="Bytes that all uploaded data sets, waiting uploads and predictions of data "
        "sets may take together.",
    )
    owner_bytes: int = Field(
        0,
        ge=0,
        description="Bytes that the data sets, uploads and predictions of one owner may take. 0 is "
        "no limit.",
    )
    queue_limit: int = Field(100, ge=1, description="Maximum number of queued jobs.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Format of the log: text for people, or one JSON object per line."
    )

    @field_validator("redis_url")
    @classmethod
    def _is_of_redis(cls, value: str) -> str:
        try:
            url = urlsplit(value)
            if url.scheme in ("redis", "rediss") and url.hostname and url.port != 0:
                return value
        except ValueError:  # its message may contain the password
            pass
        raise ValueError("it must be like redis://USER@HOST:PORT/0, or rediss:// with TLS")

    @field_validator("store")
    @classmethod
    def _is_a_store(cls, value: str) -> str:
        scheme, separator, place = value.partition("://")
        if separator and not (scheme in BUCKETS and place.strip("/")):
            raise ValueError("it must be s3://BUCKET/PREFIX, gs://…, az://…, or a folder")
        return value.rstrip("/")

    def with_store(self, store: str) -> Self:
        """Return these settings with another store. Raises ValueError."""
        return self.model_copy(update={"store": type(self)._is_a_store(store)})

    @property
    def bucket(self) -> str | None:
        """The address of the bucket, or None if files are kept in folders."""
        return self.store if "://" in self.store else None

    @property
    def folders(self) -> dict[Part, Path]:
        """The folder of each part of the store, if there is no bucket."""
        models = Path(self.store) if self.store else self.models_dir
        datasets = models / ".datasets" if self.store else self.datasets_dir
        return {
            "models": models,
            "checkpoints": models / ".checkpoints",
            "datasets": datasets,
            "archive": models / ".archive",
        }

    @field_validator("redis_ca_file")
    @classmethod
    def _holds_certificates(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        if not info.data.get("redis_url", "rediss:").startswith("rediss:"):
            raise ValueError("without TLS, it has no effect: STEPBOX_REDIS_URL is not rediss://")
        text = read_text(value)
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        except (ValueError, ssl.SSLError):
            raise ValueError(f"{value} holds no certificate in the form PEM") from None
        return value

    @classmethod
    def from_environment(cls) -> Self:
        """Read the settings when a program starts.

        Raises
        ------
        SystemExit
            Some settings are wrong. The message has one line for each, and contains no secret.
        """
        try:
            return cls()
        except ValidationError as error:
            fields = cls.model_json_schema()["properties"]
            lines = [
                f"STEPBOX_{str(name).upper()}: {fault['msg'].removeprefix('Value error, ')}"
                f"{_allowed(fields[name])}"
                for fault in error.errors(include_url=False, include_input=False)
                for name in fault["loc"][:1]
            ]
            raise SystemExit("\n".join(lines)) from None

    @property
    def scratch_dir(self) -> Path:
        """Folder for the files of imports in progress, on a disk that has room for them."""
        if self.bucket:
            return self.cache_dir / "scratch"
        return self.folders["datasets"] / ".scratch"

    @property
    def redis_password(self) -> str | None:
        """Password of Redis, or None if no file is set. Raises OSError if it cannot be read."""
        if self.redis_password_file is None:
            return None
        return self.redis_password_file.read_text().strip()


def read_text(path: Path) -> str:
    """Read a text file that a setting names; raise ValueError if that fails."""
    try:
        return path.read_text()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file") from None


def _allowed(field: dict[str, Any]) -> str:
    """Name the allowed values of a field, if its schema limits them."""
    if field.get("type") == "boolean":
        return " (allowed: true or false)"
    if "minimum" not in field:
        return ""
    low, high = field["minimum"], field.get("maximum")
    return f" (allowed: {low} to {high})" if high else f" (allowed: {low} or more)"
