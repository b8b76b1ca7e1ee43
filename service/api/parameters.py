"""What a request says beside its path and its body: in its query, or in its headers."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """Parameters of a request; others are refused.

    Flask-OpenAPI asks for their JSON schema at each request. To make it takes longer than many an
    answer, so each is made once.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    @cache
    def model_json_schema(  # type: ignore[override]
        cls, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Return what pydantic makes, the same each time."""
        return super().model_json_schema(*args, **kwargs)
