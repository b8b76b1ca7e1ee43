"""Choose the reader of a body by its content type."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.http import parse_options_header

from service.api.readers.arrays import read_npy, read_npz
from service.api.readers.csv import read_csv
from service.api.readers.form import read_form
from service.api.readers.image_file import read_file
from service.api.readers.images import Images, Sent
from service.api.readers.json_images import read_json
from stepbox.data.dataset import DatasetSpec, PixelScale
from stepbox.errors import InvalidInputError
from stepbox.images.plain_png import read_plain_png

JSON = "application/json"
MULTIPART = "multipart/form-data"
NPY = "application/x-npy"
NPZ = "application/x-npz"
CSV = "text/csv"

READERS: dict[str, Callable[[Sent], Images]] = {
    JSON: read_json,
    MULTIPART: read_form,
    NPY: read_npy,
    NPZ: read_npz,
    "application/zip": read_npz,
    CSV: read_csv,
}
IMAGE_TYPES = [f"image/{name}" for name in ("png", "jpeg", "gif", "bmp", "webp", "tiff")]

# The first bytes of a body whose content type is certain from them.
_BEGINNINGS = {
    b"{": JSON,
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"\x93NUMPY": NPY,
    b"PK\x03\x04": NPZ,
}


def read_images(
    content_type: str, body: bytes, spec: DatasetSpec, scale: PixelScale | None = None
) -> Images:
    """Read the samples of a body.

    Parameters
    ----------
    content_type
        The request header. It names an image format or one of `READERS`.
    body
        The request's body, not compressed.
    spec
        The data set of the model that the samples are for.
    scale
        Which number is white: 1 (`unit`) or 255 (`raw`). None if the request does not say it.

    Returns
    -------
    Images
        At least one sample. Image files are decoded one by one, while they are iterated.

    Raises
    ------
    InvalidInputError
        An image cannot be decoded, a value is out of range, or the model takes something else.
    BadRequest, RequestEntityTooLarge, UnsupportedMediaType
        The body does not match its content type or has too many images, or the type is unknown.
    """
    kind, options = parse_content_type(content_type)
    reader = _reader_of(kind)
    if reader is None:
        _check_beginning(kind, reader, body)
        raise UnsupportedMediaType(
            f"Content-Type must be {', '.join(IMAGE_TYPES)}, {', '.join(READERS)}, not "
            f"'{kind}'. To send a file with curl, add -H 'Content-Type: image/png' and use "
            "--data-binary @FILE."
        )
    if scale and reader in (read_file, read_form):
        raise InvalidInputError.at("/scale", "is for numbers, not for image files")
    return _read(kind, reader, Sent(body, spec, scale, options.get("boundary", "")))


def read_quick_images(
    kind: str, body: bytes, spec: DatasetSpec, scale: PixelScale | None = None
) -> Images | None:
    """Read the images of a body if the time for it is bounded by the body's size.

    Parameters
    ----------
    kind
        The content type, without parameters.
    body, spec, scale
        As for `read_images`.

    Returns
    -------
    Images or None
        The same as from `read_images`. None if it may take longer; nothing is decoded then.

    Raises
    ------
    InvalidInputError, BadRequest, RequestEntityTooLarge
        As from `read_images`.
    """
    if kind == "image/png":
        is_grey = len(spec.shape) == 2
        image = read_plain_png(body) if is_grey and not scale else None
        return None if image is None else image[None]
    if kind not in (JSON, NPY):
        return None
    images = _read(kind, READERS[kind], Sent(body, spec, scale))
    return None if isinstance(images, Iterator) else images


@lru_cache(64)
def parse_content_type(header: str) -> tuple[str, Mapping[str, str]]:
    """Parse a Content-Type header into the type, in lower case, and its parameters."""
    kind, options = parse_options_header(header)
    return kind.lower(), options


def _reader_of(kind: str) -> Callable[[Sent], Images] | None:
    if kind.startswith("image/"):
        return read_file
    if kind.startswith("application/") and kind.endswith("+json"):
        return read_json
    return READERS.get(kind)


def _read(kind: str, reader: Callable[[Sent], Images], sent: Sent) -> Images:
    try:
        return reader(sent)
    except (BadRequest, InvalidInputError):
        _check_beginning(kind, reader, sent.data)
        raise


def _check_beginning(kind: str, reader: Callable[[Sent], Images] | None, body: bytes) -> None:
    """Raise an error if a body begins like one of another content type.

    The status is the same as if its reader had found this out, but the error names the type.
    """
    start = body[:64].lstrip()
    found = next((type for begin, type in _BEGINNINGS.items() if start.startswith(begin)), None)
    if found is None or _reader_of(found) is reader:
        return
    detail = f"looks like {found}, but is sent as '{kind}': add the header 'Content-Type: {found}'"
    if reader is None:
        raise UnsupportedMediaType(f"The body {detail}.")
    if reader in (read_json, read_form):
        raise BadRequest(f"The body {detail}.")
    raise InvalidInputError.at("", detail)
