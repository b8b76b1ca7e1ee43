"""Choose the reader of a body by its content type."""

from collections.abc import Mapping
from functools import lru_cache

from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.http import parse_options_header

from service.api.readers.arrays import read_npy
from service.api.readers.form import read_form
from service.api.readers.images import Images
from service.api.readers.json_images import read_pixels
from stepbox.images.decode import decode_image
from stepbox.images.plain_png import read_plain_png

JSON = "application/json"
MULTIPART = "multipart/form-data"
NPY = "application/x-npy"


def read_images(content_type: str, body: bytes) -> Images:
    """Read the images of a body.

    Parameters
    ----------
    content_type
        The request header. It names an image format, multipart form data (with files named
        `image`), JSON, or a .npy array.
    body
        The request's body.

    Returns
    -------
    Images
        At least one image. The files of form data are decoded one by one, while they are iterated.

    Raises
    ------
    InvalidInputError, pydantic.ValidationError
        An image cannot be decoded, or a value is out of range.
    BadRequest, RequestEntityTooLarge, UnsupportedMediaType
        The body does not match its content type or has too many files, or the type is unknown.
    """
    kind, options = parse_content_type(content_type)
    if kind.startswith("image/"):
        return [decode_image(body, pointer="")]
    if kind == MULTIPART:
        return read_form(body, options.get("boundary", ""))
    if kind == JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return read_pixels(body)
    if kind == NPY:
        return read_npy(body)
    raise UnsupportedMediaType(
        f"Send an image (Content-Type: image/png, image/jpeg, ...), {MULTIPART} with parts named "
        f"'image', {JSON}, or {NPY}."
    )


def read_quick_images(kind: str, body: bytes) -> Images | None:
    """Read the images of a body if the time for it is bounded by the body's size.

    Parameters
    ----------
    kind
        The content type, without parameters.
    body
        The request's body.

    Returns
    -------
    Images or None
        The same as from `read_images`. None if it may take longer; nothing is decoded then.

    Raises
    ------
    InvalidInputError, pydantic.ValidationError, BadRequest, RequestEntityTooLarge
        As from `read_images`.
    """
    if kind == "image/png":
        image = read_plain_png(body)
        return None if image is None else [image]
    if kind == JSON:
        return read_pixels(body)
    return read_npy(body) if kind == NPY else None


@lru_cache(64)
def parse_content_type(header: str) -> tuple[str, Mapping[str, str]]:
    """Parse a Content-Type header into the type and its parameters."""
    return parse_options_header(header)
