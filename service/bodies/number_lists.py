"""Long lists of numbers in JSON, read piece by piece: as one tree of objects they take gigabytes.

Only lists of numbers and nothing else are read here. Another list is left to
`service.bodies.json_body`, which reads the whole body and says what is wrong.
"""

import re
from collections.abc import Iterator

import numpy as np
import orjson
from numpy.typing import NDArray

from stepbox.images.prepare import FIELD

IMAGE_BYTES = 64 * 2**10  # of the text of one image, at most: 80 a number
LEAST_IMAGE_BYTES = 2 * FIELD * FIELD  # a digit and a comma or bracket for each number
PIECE_BYTES = 64 * 2**10  # of a flat list, read at once

_SPACE = rb"[ \t\n\r]*"
_NUMBERS = b"0123456789+-.eE,[] \t\n\r"
_NEXT = re.compile(_SPACE + rb"([,\]])")
_END_OF_IMAGE = re.compile(rb"\]" + _SPACE + rb"\]")


class OddListError(ValueError):
    """A list is not what it should be.

    Attributes
    ----------
    index
        Of the first image or number of which that is known.
    text
        The JSON of that image; empty where its end is not found.
    """

    def __init__(self, index: int, text: bytes = b"") -> None:
        super().__init__(index)
        self.index = index
        self.text = text


def read_images(
    body: bytes, start: int, most: int
) -> tuple[NDArray[np.uint8] | NDArray[np.float64], int]:
    """Read a list of images, each 28 rows of 28 numbers from 0 to 255.

    Parameters
    ----------
    body
        JSON text.
    start
        Where the list begins, behind its bracket.
    most
        How many images there may be.

    Returns
    -------
    NDArray
        Shape (n, 28, 28), n ≥ 1; bytes where all numbers are whole.
    int
        Where the list has ended.

    Raises
    ------
    OddListError
        An image is something else, or there are more.
    """
    count = min(most, body.count(b"]", start) // (FIELD + 1), len(body) // LEAST_IMAGE_BYTES)
    images: NDArray[np.uint8] | NDArray[np.float64]
    images = np.empty((max(1, count), FIELD, FIELD), np.uint8)
    index = 0
    while True:
        end = _END_OF_IMAGE.search(body, start, start + IMAGE_BYTES)
        if end is None or index >= len(images):
            raise OddListError(index)
        text = body[start : end.end()]
        image = _read_image(text, index)
        if image.dtype != np.uint8 and images.dtype == np.uint8:
            images = images.astype(np.float64)
        images[index] = image
        index += 1
        follows = _NEXT.match(body, end.end())
        if follows is None:
            raise OddListError(index)
        start = follows.end()
        if follows[1] == b"]":
            return images[:index], start


def _read_image(text: bytes, index: int) -> NDArray[np.uint8] | NDArray[np.float64]:
    try:
        rows = orjson.loads(text)
        if len(rows) != FIELD or {*map(len, rows)} != {FIELD}:
            raise OddListError(index, text)
    except (ValueError, TypeError):
        raise OddListError(index, text) from None
    try:  # as in `read_levels`
        return np.frombuffer(b"".join(map(bytearray, rows)), np.uint8).reshape(FIELD, FIELD)
    except (ValueError, TypeError):
        pass
    try:
        image = np.array(rows)
    except ValueError:
        raise OddListError(index, text) from None
    if image.dtype != np.float64 or image.ndim != 2 or not 0 <= image.min() <= image.max() <= 255:
        raise OddListError(index, text)
    return image


def has_numbers_alone(body: bytes, start: int, end: int) -> bool:
    """Tell whether a part of a JSON text has nothing but numbers and brackets."""
    return not body[start:end].translate(None, _NUMBERS)


def read_levels(body: bytes, start: int, end: int) -> bytes:
    """Read a flat list of whole numbers from 0 to 255.

    Parameters
    ----------
    body
        JSON text.
    start, end
        Where the list's first number begins, and where its closing bracket is.

    Raises
    ------
    OddListError
        One is something else.
    ValueError
        It is no list of JSON.
    """
    levels = bytearray()
    for piece in _pieces(body, start, end):
        numbers = orjson.loads(b"[%b]" % piece)
        if not numbers and len(piece) < end - start:
            raise ValueError("a comma without a number")
        try:  # a `bytearray` takes whole numbers from 0 to 255 and nothing else
            levels += bytearray(numbers)
        except (ValueError, TypeError):
            raise OddListError(len(levels) + _first_odd(numbers)) from None
    return bytes(levels)


def _first_odd(numbers: list[object]) -> int:
    return next(i for i, n in enumerate(numbers) if type(n) is not int or not 0 <= n <= 255)


def _pieces(body: bytes, start: int, end: int) -> Iterator[bytes]:
    """Cut a list's text at commas."""
    while end - start > PIECE_BYTES:
        comma = body.rfind(b",", start, start + PIECE_BYTES)
        if comma < 0:
            break
        yield body[start:comma]
        start = comma + 1
    yield body[start:end]
