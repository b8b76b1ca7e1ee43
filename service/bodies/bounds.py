"""The size of a request's body and the memory that it takes. Each view declares its bounds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask
from werkzeug.exceptions import RequestEntityTooLarge

from service.bodies.json_cost import MOST_VALUES

# Takes the headers of a request (names in lower case) and the first bytes of its body.
CheckStart = Callable[[dict[bytes, bytes], bytes], object]
View = TypeVar("View", bound=Callable[..., Any])

UNCOUNTED_BYTES = 64 * 2**10  # the memory budget ignores bodies up to this size
MOST_EXPANSION = 1032  # times that a body can grow when it is decompressed (zlib's documentation)
LAYERS_BYTES = 128 * 2**20  # memory to work with all the weights of a large model

_NPZ = (b"application/x-npz", b"application/zip")
_FEW_QUOTES = 16
_FILE_IN_JSON = re.compile(rb'"(?:[\\\w+/:;,.= -]{32}|BYTES")')


@dataclass(frozen=True)
class Bound:
    """The bounds of the requests to a view. As a decorator, it declares them.

    Put it below the decorator that adds the route::

        @blueprint.post("/box")
        @Bound(body_bytes=512 * 2**10, memory_bytes=32 * 2**20)
        def box(body: BoxRequest) -> Response:

    Attributes
    ----------
    body_bytes
        Largest body. None means the setting `max_body_bytes`, which limits all bodies.
    json_values
        Largest number of values in a JSON body, as `service.bodies.json_cost` counts them.
    memory_bytes
        Memory that a request takes in addition to that for its body.
    memory_per_byte
        Memory that a large body takes, as a multiple of its size. It includes the body itself.
    decodes_images
        Whether the view decodes image files. Only a few requests may do so at the same time.
    decompresses
        Whether the view accepts a compressed body.
    to_file
        If given, a body is streamed to a file, and may be as large as the setting `upload_bytes`
        allows (see `to_file`). This function raises an error to reject a body by the headers of its
        request and its first bytes, as `stepbox.data.readers.detect` needs them.
    or_json
        Whether the view also accepts JSON, which is not streamed to a file.
    """

    body_bytes: int | None = 64 * 2**10  # enough for a recipe or an alias
    json_values: int = MOST_VALUES
    memory_bytes: int = 0
    memory_per_byte: float = 4
    decodes_images: bool = False
    decompresses: bool = False
    to_file: CheckStart | None = None
    or_json: bool = False

    def __call__(self, view: View) -> View:
        """Declare the bounds of a view."""
        view.bound = self  # type: ignore[attr-defined]
        return view

    def streamed(self, headers: dict[bytes, bytes]) -> CheckStart | None:
        """Return `to_file` if the body of a request with these headers is streamed to a file."""
        if self.or_json and is_json(_kind(headers).decode("latin-1")):
            return None
        return self.to_file

    def most_bytes(self, max_body_bytes: int) -> int:
        """Return the size of the largest body under a setting of `max_body_bytes`."""
        return min(max_body_bytes, self.body_bytes or max_body_bytes)

    def memory(self, body_bytes: int) -> int:
        """Return how many bytes of the memory budget a request with such a body takes."""
        counted = body_bytes if body_bytes > UNCOUNTED_BYTES else 0
        return self.memory_bytes + round(self.memory_per_byte * counted)


_DEFAULT = Bound()


def bound_of(app: Flask, endpoint: str | None) -> Bound:
    """Return the bounds that the view of an endpoint declares; by default, `Bound()`."""
    bound: Bound = getattr(app.view_functions.get(endpoint or ""), "bound", _DEFAULT)
    return bound


def is_json(content_type: str) -> bool:
    """Tell whether a body is JSON, as `flask.Request.is_json` does."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def is_compressed(headers: dict[bytes, bytes]) -> bool:
    """Tell whether a body is compressed, as a whole or as the arrays of a .npz file."""
    return b"content-encoding" in headers or _kind(headers).startswith(_NPZ)


def may_hold_files(headers: dict[bytes, bytes], body: bytes | bytearray) -> bool:
    """Tell whether a body may hold image files. JSON can, in texts, or in bytes that follow it."""
    if _kind(headers).startswith((b"image/", b"multipart/")):
        return True
    few = body.count(b'"') <= _FEW_QUOTES  # as in JSON that consists of numbers
    return not few or is_compressed(headers) or _FILE_IN_JSON.search(body) is not None


def _kind(headers: dict[bytes, bytes]) -> bytes:
    return headers.get(b"content-type", b"").lower()


def check_size(size: int, most: int) -> None:
    """Raise RequestEntityTooLarge if a body has more than `most` bytes."""
    if size > most:
        raise RequestEntityTooLarge(f"The body may have at most {most:,} bytes here.")
