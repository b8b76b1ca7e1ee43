"""Base class for the query parameters and the headers of requests."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """Parameters of a request. Unknown ones are rejected.

    flask-openapi3 needs their JSON schema at each request. Generating it takes longer than many
    responses do, so it is cached.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    @cache
    def model_json_schema(  # type: ignore[override]
        cls, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Return pydantic's schema, generated once per class."""
        return super().model_json_schema(*args, **kwargs)
