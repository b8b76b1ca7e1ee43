"""Parse JSON. Reject duplicate names, and bodies that could cost too much time or memory."""

import json
from inspect import signature
from typing import Any

from flask import Flask, Request, current_app, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from service.bodies.bounds import bound_of
from service.bodies.json_cost import check_values


class StrictJSONProvider(DefaultJSONProvider):
    """Reject duplicate names in requests, and NaN and Infinity in responses.

    NaN and Infinity in a request are parsed, although they are not JSON. The validation of the
    field then rejects them, and its error names the field.
    """

    sort_keys = False
    compact = True

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Parse JSON text. Raises ValueError if it is invalid."""
        return _parse(s)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON text."""
        return super().dumps(obj, allow_nan=False, **kwargs)


class JSONRequest(Request):
    """A request whose error says why its body is not JSON."""

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Raise BadRequest with the reason."""
        raise BadRequest(f"The body is not JSON: {e}")


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises
    ------
    BadRequest
        The text is not a JSON object.
    RequestEntityTooLarge
        Parsing it could take too much time or memory.
    """
    check_values(data)
    try:
        return _check_object(_parse(data))
    except ValueError as error:  # includes invalid UTF-8
        raise BadRequest(f"The body is not JSON: {error}") from None


def check_json_first(app: Flask) -> None:
    """Parse the body before flask-openapi3 validates it, for views with a parameter `body`.

    flask-openapi3 treats invalid JSON as an empty body, and parses a JSON string a second time.
    Call this after adding all operations.
    """
    views = app.view_functions.items()
    endpoints = {name for name, view in views if "body" in signature(view).parameters}

    @app.before_request
    def check() -> None:
        if request.endpoint in endpoints and request.method in ("POST", "PUT", "PATCH"):
            if not request.is_json:
                raise UnsupportedMediaType("Send a JSON body: 'Content-Type: application/json'.")
            check_values(request.get_data(), bound_of(current_app, request.endpoint).json_values)
            _check_object(request.get_json())  # Flask caches it for the validation


def _check_object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.")
    return body


def _parse(text: str | bytes) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique_names)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name occurs twice in one object")
    return names
