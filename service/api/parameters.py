"""Base class for the query parameters and the headers of requests."""

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict


class Parameters(BaseModel):
    """Parameters of a request. Unknown ones are rejected.

    flask-openapi3 needs their JSON schema at each request. The schema is cached, because generating
    it takes longer than many responses.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    @cache
    def model_json_schema(  # type: ignore[override]
        cls, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Return pydantic's schema, generated once per class."""
        return super().model_json_schema(*args, **kwargs)
