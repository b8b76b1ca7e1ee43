"""Read the pictures in a request's body, of whichever kind, and put them on 28×28 pixels.

Nothing here knows Flask: the same functions serve its view and the fast way before it.
"""

import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Annotated, Any, Literal

import numpy as np
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.http import parse_options_header

from service.bodies.json_body import has_too_many_values, parse_object
from service.bodies.number_lists import IMAGE_BYTES, OddListError, read_images
from service.server.leaving import stop_if_left
from stepbox.errors import Fault, InvalidInputError
from stepbox.images.decode import MAX_PIXELS, decode_image
from stepbox.images.plain_png import read_plain_png
from stepbox.images.prepare import FIELD, Fit, Invert, Prepared, prepare, prepare_fields

MOST_IMAGES = 10_000
MOST_PIXELS = 10 * MAX_PIXELS  # of all pictures of a request
JSON = "application/json"
MULTIPART = "multipart/form-data"
NPY = "application/x-npy"

Pixel = Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)]
# The first fault of an image is named: to collect all would take gigabytes for a large body.
Row = Annotated[list[Pixel], Field(fail_fast=True, min_length=FIELD, max_length=FIELD)]
Image = Annotated[list[Row], Field(fail_fast=True, min_length=FIELD, max_length=FIELD)]

_IMAGES = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*"images"[ \t\n\r]*:[ \t\n\r]*\[')
_END = re.compile(rb"[ \t\n\r]*\}[ \t\n\r]*")


class PixelImages(BaseModel):
    """Pictures as rows of pixels, light on dark."""

    model_config = ConfigDict(extra="forbid", strict=True)

    images: list[Image] = Field(
        min_length=1, max_length=MOST_IMAGES, description="28×28 numbers each, 0 (dark) to 255."
    )


class NotQuickError(Exception):
    """The pictures are of a kind whose reading may take long."""


def read_pictures(
    content_type: str, body: bytes, invert: Invert, fit: Fit, quick: bool = False
) -> NDArray[np.uint8] | NDArray[np.float64]:
    """Read a body's pictures as the networks see them.

    Parameters
    ----------
    content_type
        The header of that name: an image file, multipart parts named `image`, JSON, or a .npy
        array.
    body
        The body.
    invert, fit
        As for `stepbox.images.prepare`.
    quick
        Read only kinds whose reading takes no longer than their size lets expect.

    Returns
    -------
    NDArray
        Grey levels 0..255, shape (n, 28, 28) with n ≥ 1.

    Raises
    ------
    InvalidInputError, pydantic.ValidationError
        A picture cannot be read, or a value is out of range.
    BadRequest, RequestEntityTooLarge, UnsupportedMediaType
        The body is not what it is said to be, has too many parts, or is of another kind.
    NotQuickError
        Only what is quick was asked for.
    """
    pictures = _read(content_type, body, quick)
    if fit == "none" and isinstance(pictures, np.ndarray):
        return prepare_fields(pictures, invert=invert)
    if fit == "none" and not isinstance(pictures, list):
        return np.concatenate(list(_prepare_runs(pictures, invert)))
    return np.array([one.pixels for one in _prepare_each(pictures, invert, fit)])


def read_prepared(
    content_type: str, body: bytes, invert: Invert, fit: Fit, quick: bool = False
) -> list[Prepared]:
    """Read a body's pictures with what was done to each; as `read_pictures`, but slower."""
    return list(_prepare_each(_read(content_type, body, quick), invert, fit))


def _prepare_each(pictures: Iterable[NDArray[Any]], invert: Invert, fit: Fit) -> Iterable[Prepared]:
    for picture in pictures:
        stop_if_left()
        grey = np.rint(picture).astype(np.uint8) if fit == "mnist" else picture
        yield prepare(grey, invert=invert, fit=fit)


def _prepare_runs(
    pictures: Iterable[NDArray[np.uint8]], invert: Invert
) -> Iterable[NDArray[np.uint8]]:
    """Prepare pictures of 28×28 at once and others one by one: of the large, one is held."""
    for fields, run in groupby(pictures, lambda picture: picture.shape == (FIELD, FIELD)):
        if fields:
            yield prepare_fields(np.array(list(run)), invert=invert)
        else:
            yield from (one.pixels[None] for one in _prepare_each(run, invert, "none"))


def _read(
    content_type: str, body: bytes, quick: bool
) -> NDArray[Any] | Iterable[NDArray[np.uint8]]:
    kind, options = _parse_content_type(content_type)
    if quick and kind not in (JSON, NPY):
        plain = read_plain_png(body) if kind == "image/png" else None
        if plain is None:
            raise NotQuickError
        return [plain]
    if kind.startswith("image/"):
        return [decode_image(body, pointer="")]
    if kind == MULTIPART:
        return _decode_files(read_parts(body, options.get("boundary", "")))
    if kind == JSON or (kind.startswith("application/") and kind.endswith("+json")):
        return read_pixels(body)
    if kind == NPY:
        return read_npy(body)
    raise UnsupportedMediaType(
        f"Send an image (Content-Type: image/png, image/jpeg, ...), {MULTIPART} with parts named "
        f"'image', {JSON}, or {NPY}."
    )


@lru_cache(64)
def _parse_content_type(header: str) -> tuple[str, Mapping[str, str]]:
    return parse_options_header(header)


def _decode_files(files: list[bytes]) -> Iterator[NDArray[np.uint8]]:
    """Decode the files of a form, one when it is asked for, up to the most pixels in all."""
    left = MOST_PIXELS
    for i, file in enumerate(files):
        stop_if_left()
        picture = decode_image(file, pointer=f"/image/{i}", most_in_all=left)
        left -= picture.size
        yield picture


def read_pixels(body: bytes) -> NDArray[np.uint8] | NDArray[np.float64]:
    """Read JSON pixels, shape (n, 28, 28), each value checked.

    Numbers alone are read image by image, so that a body takes little more than its bytes; the
    first invalid image is reported. All other bodies are read as any JSON.
    """
    try:
        return _read_each(body)
    except OddListError as odd:
        if odd.text:
            _tell_fault(odd)
        if _IMAGES.match(body) and has_too_many_values(body):
            raise InvalidInputError.at(
                f"/images/{odd.index}",
                f"must be {FIELD} rows of {FIELD} numbers from 0 to 255 in at most "
                f"{IMAGE_BYTES:,} bytes, and one of 1 to {MOST_IMAGES:,} images",
            ) from None
    return np.asarray(PixelImages.model_validate(parse_object(body)).images, dtype=np.float64)


def _read_each(body: bytes) -> NDArray[np.uint8] | NDArray[np.float64]:
    begin = _IMAGES.match(body)
    # Neither text nor `true`, `false` and `null`, some of which are taken for numbers below.
    if begin is None or body.count(b'"') != 2 or b"u" in body or b"f" in body:
        raise OddListError(0)
    images, end = read_images(body, begin.end(), MOST_IMAGES)
    if _END.fullmatch(body, end) is None:
        raise OddListError(len(images))
    return images


def _tell_fault(odd: OddListError) -> None:
    """Raise what is wrong with one image, at its place among all; nothing where it is no JSON."""
    try:
        PixelImages.model_validate(parse_object(b'{"images": [%b]}' % odd.text))
    except BadRequest:
        return
    except ValidationError as error:
        raise ValidationError.from_exception_data(
            error.title,
            [
                InitErrorDetails(
                    type=fault["type"],
                    # The text may hold several images: that of an empty one has no end.
                    loc=("images", odd.index + int(fault["loc"][1]), *fault["loc"][2:]),
                    input=fault["input"],
                    ctx=fault.get("ctx", {}),
                )
                for fault in error.errors()
            ],
        ) from None


def read_npy(data: bytes) -> NDArray[np.uint8]:
    """Read a .npy array of uint8, shape (n, 28, 28), whose header is checked before its data."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(stream)
    except (ValueError, KeyError) as error:
        raise InvalidInputError.at("", f"is no .npy array: {error}") from None
    if dtype != np.uint8 or len(shape) != 3 or shape[1:] != (FIELD, FIELD):
        raise InvalidInputError.at(
            "", f"must be uint8 of shape (n, 28, 28), but is {dtype} of shape {shape}"
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


def read_parts(body: bytes, boundary: str) -> list[bytes]:
    """Read the parts of a multipart body, which must all be named `image`."""
    files: list[bytes] = []
    unknown: set[str] = set()
    try:
        with PushMultipartParser(
            boundary, len(body), max_segment_count=MOST_IMAGES, strict=True
        ) as parser:
            chunks: list[bytes] = []
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    chunks = []
                    if event.name != "image":
                        unknown.add(event.name)
                elif event is None:
                    files.append(b"".join(chunks))
                else:
                    chunks.append(bytes(event))
    except ParserLimitReached as error:
        raise RequestEntityTooLarge(f"At most {MOST_IMAGES:,} parts are taken: {error}.") from None
    except MultipartError as error:
        raise BadRequest(f"The body is not multipart/form-data: {error}") from None
    if unknown:
        raise InvalidInputError(
            [Fault(f"/{name}", "parts must be files named 'image'") for name in sorted(unknown)]
        )
    if not files:
        raise InvalidInputError.at("/image", f"send 1 to {MOST_IMAGES:,} files named 'image'")
    return files
