"""Parse long lists of numbers in JSON piece by piece. Parsed at once, they can take gigabytes.

This module parses only lists of numbers. `service.bodies.json_body` parses the whole body if a list
contains anything else, and reports what is wrong.
"""

import re
from collections.abc import Iterator

import numpy as np
import orjson
from numpy.typing import NDArray

from stepbox.data.builtin import MNIST

IMAGE_BYTES = 64 * 2**10  # longest text of one image, about 80 bytes per number
IMAGE_SHAPE = HEIGHT, WIDTH = MNIST.shape  # both data sets have this shape
LEAST_IMAGE_BYTES = 2 * HEIGHT * WIDTH  # each number has a digit, and a comma or a bracket
PIECE_BYTES = 64 * 2**10  # part of a flat list that is parsed in one step

_SPACE = rb"[ \t\n\r]*"
_NUMBERS = b"0123456789+-.eE,[] \t\n\r"
_NEXT = re.compile(_SPACE + rb"([,\]])")
_END_OF_IMAGE = re.compile(rb"\]" + _SPACE + rb"\]")


class OddListError(ValueError):
    """A list contains something other than the expected numbers.

    Attributes
    ----------
    index
        Index of the first image or number known to be wrong.
    text
        The JSON text of that image. Empty if its end was not found.
    """

    def __init__(self, index: int, text: bytes = b"") -> None:
        super().__init__(index)
        self.index = index
        self.text = text


def read_image_list(
    body: bytes, start: int, most: int
) -> tuple[NDArray[np.uint8] | NDArray[np.float64], int]:
    """Parse a list of images, each `HEIGHT` rows of `WIDTH` numbers from 0 to 255.

    Parameters
    ----------
    body
        JSON text.
    start
        Position after the opening bracket of the list.
    most
        Maximum number of images.

    Returns
    -------
    NDArray
        Shape (n, *IMAGE_SHAPE), n ≥ 1. uint8 if all numbers are integers.
    int
        Position after the list.

    Raises
    ------
    OddListError
        An image has another form, or there are too many.
    """
    count = min(most, body.count(b"]", start) // (HEIGHT + 1), len(body) // LEAST_IMAGE_BYTES)
    images: NDArray[np.uint8] | NDArray[np.float64]
    images = np.empty((max(1, count), *IMAGE_SHAPE), np.uint8)
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
        if len(rows) != HEIGHT or {*map(len, rows)} != {WIDTH}:
            raise OddListError(index, text)
    except (ValueError, TypeError):
        raise OddListError(index, text) from None
    try:  # for integers; `bytearray` is faster, and checks their range
        return np.frombuffer(b"".join(map(bytearray, rows)), np.uint8).reshape(IMAGE_SHAPE)
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
    """Tell whether a range of a JSON text has only numbers, commas, brackets and spaces."""
    return not body[start:end].translate(None, _NUMBERS)


def read_levels(body: bytes, start: int, end: int) -> bytes:
    """Parse a flat list of integers from 0 to 255.

    Parameters
    ----------
    body
        JSON text.
    start, end
        Positions of the list's first number and of its closing bracket.

    Raises
    ------
    OddListError
        The list contains another value.
    ValueError
        It is not valid JSON.
    """
    levels = bytearray()
    for piece in _pieces(body, start, end):
        numbers = orjson.loads(b"[%b]" % piece)
        if not numbers and len(piece) < end - start:
            raise ValueError("a comma without a number")
        try:  # `bytearray` accepts only integers from 0 to 255
            levels += bytearray(numbers)
        except (ValueError, TypeError):
            raise OddListError(len(levels) + _first_odd(numbers)) from None
    return bytes(levels)


def _first_odd(numbers: list[object]) -> int:
    return next(i for i, n in enumerate(numbers) if type(n) is not int or not 0 <= n <= 255)


def _pieces(body: bytes, start: int, end: int) -> Iterator[bytes]:
    """Split the text of a list at commas."""
    while end - start > PIECE_BYTES:
        comma = body.rfind(b",", start, start + PIECE_BYTES)
        if comma < 0:
            break
        yield body[start:comma]
        start = comma + 1
    yield body[start:end]
