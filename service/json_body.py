"""JSON, read strictly: what the standard does not allow is refused, whatever Python takes."""

import json
from typing import Any

from flask import Flask, current_app, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest, UnsupportedMediaType


class StrictJSONProvider(DefaultJSONProvider):
    """Refuses repeated names, and to write NaN or Infinity.

    The two are read, though no JSON: the fields then refuse them by name, as they do 1e400.
    """

    sort_keys = False
    compact = True

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON text; raises ValueError where it is none."""
        try:
            return json.loads(s, object_pairs_hook=_unique_names, **kwargs)
        except RecursionError:
            raise ValueError("nested too deeply") from None

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON text."""
        return super().dumps(obj, allow_nan=False, **kwargs)


def read_object() -> dict[str, Any]:
    """Read the request's body as a JSON object.

    Raises
    ------
    UnsupportedMediaType
        Its content type is not JSON.
    BadRequest
        It is not JSON, or no object.
    """
    if not request.is_json:
        raise UnsupportedMediaType("Send a JSON body with 'Content-Type: application/json'.")
    try:
        body = current_app.json.loads(request.get_data())
    except ValueError as error:  # also of bytes that are no UTF-8
        raise BadRequest(f"The body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body


def check_json_first(app: Flask, endpoints: frozenset[str]) -> None:
    """Read the body before its validation, for the endpoints that take JSON alone.

    flask-openapi3 itself takes unreadable JSON for an empty body, and a JSON string for more JSON.
    """

    @app.before_request
    def check() -> None:
        if request.endpoint in endpoints and request.method in ("POST", "PUT"):
            read_object()


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return names
