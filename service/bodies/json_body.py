"""JSON, read strictly: what the standard does not allow is refused, whatever Python takes."""

import json
from typing import Any

from flask import Flask, Request, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from service.server.bounds import MOST_VALUES, bound_of

# What reading may cost, known before it begins. All values but the first of a list or object have
# a comma before them; each takes up to 90 bytes, an object more, and longer.
MOST_OBJECTS = 1_000


class StrictJSONProvider(DefaultJSONProvider):
    """Refuses repeated names, and to write NaN or Infinity.

    The two are read, though no JSON: the fields then refuse them by name, as they do 1e400.
    """

    sort_keys = False
    compact = True

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Read JSON text; raises ValueError where it is none."""
        return _parse(s)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON text."""
        return super().dumps(obj, allow_nan=False, **kwargs)


class JSONRequest(Request):
    """A request that says why its body is no JSON."""

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Raise BadRequest with the reason."""
        raise BadRequest(f"The body is not JSON: {e}")


def parse_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    BadRequest
        It is none.
    RequestEntityTooLarge
        It may have more values than can be read in bounded time and memory.
    """
    check_values(data)
    try:
        return _check_object(_parse(data))
    except ValueError as error:  # also of bytes that are no UTF-8
        raise BadRequest(f"The body is not JSON: {error}") from None


def check_values(data: bytes, most: int = MOST_VALUES) -> None:
    """Raise RequestEntityTooLarge where `has_too_many_values`."""
    if has_too_many_values(data, most):
        raise RequestEntityTooLarge(
            f"A JSON body may have at most {MOST_OBJECTS:,} objects here, and {most:,} commas, "
            "colons and opening brackets."
        )


def has_too_many_values(data: bytes, most: int = MOST_VALUES) -> bool:
    """Tell whether a JSON text may have more values than are read, without reading any."""
    if len(data) <= MOST_OBJECTS:
        return False
    objects = data.count(b"{")
    return objects > MOST_OBJECTS or (
        len(data) > most and sum(map(data.count, (b",", b":", b"["))) > most
    )


def check_json_first(app: Flask, endpoints: frozenset[str]) -> None:
    """Read the body before its validation, for the endpoints that take JSON alone.

    flask-openapi3 itself takes unreadable JSON for an empty body, and a JSON string for more JSON.
    """

    @app.before_request
    def check() -> None:
        if request.endpoint in endpoints and request.method in ("POST", "PUT"):
            if not request.is_json:
                raise UnsupportedMediaType("Send a JSON body: 'Content-Type: application/json'.")
            check_values(request.get_data(), bound_of(request.path, 0).values)
            _check_object(request.get_json())  # which is kept for the validation


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
