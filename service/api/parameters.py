"""What several resources share: the base class of parameters and headers, and a binary body."""

from functools import cache
from typing import Any

from pydantic import BaseModel, Field

CURSOR_FORMAT = "cursor `next` of the previous page"  # in words, for JSON schemas
BINARY = {"schema": {"type": "string", "format": "binary"}}  # a body that is not JSON


class Parameters(BaseModel, extra="forbid"):
    """Parameters of a request. Unknown ones are rejected.

    flask-openapi3 needs their JSON schema at each request. The schema is cached, because generating
    it takes longer than many responses.
    """

    @classmethod
    @cache
    def model_json_schema(  # type: ignore[override]
        cls, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Return pydantic's schema, generated once per class."""
        return super().model_json_schema(*args, **kwargs)


class BodyHeaders(Parameters, extra="ignore"):  # requests also have other headers
    """The headers of a request whose body may be compressed."""

    encoding: str = Field(
        "",
        alias="Content-Encoding",
        description="`gzip` or `deflate`, for a compressed body.",
        json_schema_extra={"enum": ["", "gzip", "deflate"]},  # other encodings: 415, not 422
    )
