"""Read JSON images: rows of pixels."""

import re
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import BadRequest

from service.api.readers.images import HEIGHT, MOST_IMAGES, WIDTH, Pixels
from service.bodies.json_body import parse_object
from service.bodies.json_cost import has_too_many_values
from service.bodies.number_lists import IMAGE_BYTES, OddListError, read_image_list
from stepbox.errors import InvalidInputError

Pixel = Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)]
# Only the first fault of an image is reported: listing all faults could take gigabytes.
Row = Annotated[list[Pixel], Field(fail_fast=True, min_length=WIDTH, max_length=WIDTH)]
Image = Annotated[list[Row], Field(fail_fast=True, min_length=HEIGHT, max_length=HEIGHT)]

_IMAGES = re.compile(rb'[ \t\n\r]*\{[ \t\n\r]*"images"[ \t\n\r]*:[ \t\n\r]*\[')
_END = re.compile(rb"[ \t\n\r]*\}[ \t\n\r]*")


class PixelImages(BaseModel, extra="forbid", strict=True):
    """Images as rows of pixels, light on dark."""

    images: list[Image] = Field(
        min_length=1,
        max_length=MOST_IMAGES,
        description=f"{HEIGHT}×{WIDTH} numbers each, 0 (dark) to 255.",
    )


def read_pixels(body: bytes) -> Pixels:
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


def _read_each(body: bytes) -> Pixels:
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
