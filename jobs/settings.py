"""Settings that the API and the worker share, from the environment (prefix ``STEPBOX_``)."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things are. Every field can be set as ``STEPBOX_`` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="STEPBOX_", frozen=True)

    redis_url: str = Field(
        "redis://stepbox@127.0.0.1:6390/0", description="Address of Redis, without a password."
    )
    redis_password_file: Path | None = Field(
        None, description="File that holds the password of Redis."
    )
    models_dir: Path = Field(Path("models"), description="Folder of the trained models.")
    data_dir: Path = Field(Path("data"), description="Folder that bin/fetch-datasets filled.")
    queue_limit: int = Field(100, ge=1, description="Jobs that may wait at once.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Log lines for people, or one JSON object a line."
    )

    @property
    def redis_password(self) -> str | None:
        """Password of Redis, or None where it has none."""
        if self.redis_password_file is None:
            return None
        return self.redis_password_file.read_text().strip()
