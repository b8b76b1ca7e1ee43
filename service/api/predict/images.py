"""Read the images of a request's body.

This module does not depend on Flask, because quick predictions use it without Flask.
"""

import io
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

import numpy as np
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import parse_options_header

from service.bodies.json_body import parse_object
from service.bodies.json_cost import has_too_many_values
from service.bodies.number_lists import IMAGE_BYTES, IMAGE_SHAPE, OddListError, read_image_list
from service.server.client_disconnected import raise_if_disconnected
from stepbox.errors import Fault, InvalidInputError
from stepbox.images.decode import MAX_PIXELS, Grey, decode_image
from stepbox.images.plain_png import read_plain_png

MOST_IMAGES = 10_000
MOST_PIXELS = 10 * MAX_PIXELS  # in all image files of a request
JSON = "application/json"
MULTIPART = "multipart/form-data"
NPY = "application/x-npy"

HEIGHT, WIDTH = IMAGE_SHAPE

Pixel = Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)]
# Only the first fault of an image is reported: listing all faults could take gigabytes.
Row = Annotated[list[Pixel], Field(fail_fast=True, min_length=WIDTH, max_length=WIDTH)]
Image = Annotated[list[Row], Field(fail_fast=True, min_length=HEIGHT, max_length=HEIGHT)]

# An array of images, shape (n, *IMAGE_SHAPE), or images of any size, one by one.
Images = NDArray[np.uint8] | NDArray[np.float64] | list[Grey] | Iterator[Grey]

_IMAGES = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*"images"[ \t\n\r]*:[ \t\n\r]*\[')
_END = re.compile(rb"[ \t\n\r]*\}[ \t\n\r]*")


class PixelImages(BaseModel, extra="forbid", strict=True):
    """Images as rows of pixels, light on dark."""

    images: list[Image] = Field(
        min_length=1,
        max_length=MOST_IMAGES,
        description=f"{HEIGHT}×{WIDTH} numbers each, 0 (dark) to 255.",
    )


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
        return _decode_files(read_files(body, options.get("boundary", "")))
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


def _decode_files(files: list[bytes]) -> Iterator[Grey]:
    """Decode files one by one, up to `MOST_PIXELS` in total."""
    left = MOST_PIXELS
    for i, file in enumerate(files):
        raise_if_disconnected()
        image = decode_image(file, pointer=f"/image/{i}", max_pixels=left)
        left -= image.size
        yield image


def read_pixels(body: bytes) -> NDArray[np.uint8] | NDArray[np.float64]:
    """Read JSON pixels, shape (n, *IMAGE_SHAPE), and check each value.

    Images that consist of numbers are parsed one by one, so a body takes only a few times its size
    in memory. The first invalid image is reported. Other bodies are parsed as a whole.
    """
    try:
        return _read_each(body)
    except OddListError as odd:
        if odd.text:
            _raise_fault(odd)
        if _IMAGES.match(body) and has_too_many_values(body):
            raise InvalidInputError.at(
                f"/images/{odd.index}",
                f"must be {HEIGHT} rows of {WIDTH} numbers from 0 to 255, in at most "
                f"{IMAGE_BYTES:,} bytes; a body has 1 to {MOST_IMAGES:,} images",
            ) from None
    return np.asarray(PixelImages.model_validate(parse_object(body)).images, dtype=np.float64)


def _read_each(body: bytes) -> NDArray[np.uint8] | NDArray[np.float64]:
    begin = _IMAGES.match(body)
    # Reject text, `true`, `false` and `null`, some of which the code below would read as numbers.
    if begin is None or body.count(b'"') != 2 or b"u" in body or b"f" in body:
        raise OddListError(0)
    images, end = read_image_list(body, begin.end(), MOST_IMAGES)
    if _END.fullmatch(body, end) is None:
        raise OddListError(len(images))
    return images


def _raise_fault(odd: OddListError) -> None:
    """Raise the fault of one image, with its index in the list; do nothing if it is not JSON."""
    try:
        PixelImages.model_validate(parse_object(b'{"images": [%b]}' % odd.text))
    except BadRequest:
        return
    except ValidationError as error:
        faults: Any = error.errors()
        for fault in faults:
            # Only `]]` ends an image, so after an empty one, `[]`, the text goes on.
            _, index, *rest = fault["loc"]
            fault["loc"] = ("images", odd.index + index, *rest)
        raise ValidationError.from_exception_data(error.title, faults) from None


def read_npy(data: bytes) -> NDArray[np.uint8]:
    """Read a .npy array of uint8, shape (n, *IMAGE_SHAPE). Check its header before its data."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(stream)
    except (ValueError, KeyError) as error:
        raise InvalidInputError.at("", f"is not a .npy array: {error}") from None
    if dtype != np.uint8 or len(shape) != 3 or shape[1:] != IMAGE_SHAPE:
        raise InvalidInputError.at(
            "", f"must be uint8 of shape (n, {HEIGHT}, {WIDTH}), but is {dtype} of shape {shape}"
        )
    if not 1 <= shape[0] <= MOST_IMAGES:
        raise InvalidInputError.at("", f"must hold 1 to {MOST_IMAGES:,} images, not {shape[0]:,}")
    start, size = stream.tell(), math.prod(shape)
    if len(data) - start != size:
        raise InvalidInputError.at(
            "", f"must hold {size:,} bytes after its header, not {len(data) - start:,}"
        )
    order: Literal["F", "C"] = "F" if fortran_order else "C"
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape, order=order)


def read_files(body: bytes, boundary: str) -> list[bytes]:
    """Read the files of multipart form data, all of which must be named `image`."""
    files: list[bytes] = []
    unknown: set[str] = set()
    try:
        with PushMultipartParser(
            boundary, len(body), max_segment_count=MOST_IMAGES, strict=True
        ) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    files.append(b"")
                    if event.name != "image":
                        unknown.add(event.name)
                elif event:  # at most one per file, because the body is complete
                    files[-1] += event
    except ParserLimitReached as error:
        raise RequestEntityTooLarge(
            f"At most {MOST_IMAGES:,} parts are allowed: {error}."
        ) from None
    except MultipartError as error:
        raise BadRequest(f"The body is not multipart/form-data: {error}") from None
    if unknown:
        raise InvalidInputError(
            [Fault(f"/{name}", "parts must be files named 'image'") for name in sorted(unknown)]
        )
    if not files:
        raise InvalidInputError.at("/image", f"send 1 to {MOST_IMAGES:,} files named 'image'")
    return files
