"""Parse long lists of numbers in JSON piece by piece. Parsed at once, they can take gigabytes."""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from service.api.readers.images import FORMS, HEIGHT, IMAGE_SHAPE, MOST_IMAGES, WIDTH, Pixels
from service.bodies.json_cost import has_too_many_values
from stepbox.errors import Fault, InvalidInputError

IMAGE_BYTES = 64 * 2**10  # longest text of one image, about 80 bytes per number
LEAST_IMAGE_BYTES = 2 * HEIGHT * WIDTH  # each number has a digit, and a comma or a bracket
MOST_NUMBERS = MOST_IMAGES * HEIGHT * WIDTH
PIECE_BYTES = 64 * 2**10  # part of a flat list that is parsed in one step
MOST_FAULTS = 100

_SPACE = rb"[ \t\n\r]*"
_OPENING = re.compile(rb"(?:" + _SPACE + rb"\[){0,3}")
_NEXT = re.compile(_SPACE + rb"([,\]])")
# By the depth of the lists of an image: its shape, how many lists it is, and its end.
_SHAPES = {len(form): form for form in FORMS}
_BRACKETS = {1: 1, 2: 1 + HEIGHT, 3: 1 + HEIGHT + HEIGHT * WIDTH}
_ENDS = {depth: re.compile(_SPACE.join([rb"\]"] * depth)) for depth in _SHAPES}


class _OddError(ValueError):
    """A list has something other than the expected numbers.

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


def cut_numbers(text: bytes, name: str, pointer: str) -> tuple[bytes, Pixels | None]:
    """Parse the numbers of images apart from the JSON around them.

    Parameters
    ----------
    text
        JSON text.
    name
        Name of the list of numbers.
    pointer
        RFC 6901 pointer to the list.

    Returns
    -------
    bytes
        The JSON with an empty list instead of the numbers. Unchanged if the array is None.
    Pixels or None
        The numbers, from 0 to 255, flat or as images in one of `FORMS`. uint8 if all of them are
        integers. None if they must be parsed with the JSON, which is then small enough for this,
        is not valid, or has several lists of this name.

    Raises
    ------
    InvalidInputError
        A number is wrong, in a text that is too large to be parsed as a whole.
    """
    found = _beginning(name).search(text)
    if found is None:
        return text, None
    start = found.end()
    opening = _OPENING.match(text, start)
    depth = opening[0].count(b"[") if opening else 0
    try:
        numbers, end = (
            _read_images(text, start, depth) if depth else _read_flat(text, start, pointer)
        )
    except _OddError as odd:
        if not has_too_many_values(text):
            return text, None
        faults = _faults_in(odd, _SHAPES.get(depth, ()), pointer)
        if not faults and depth:
            what = f"must be {HEIGHT} rows of {WIDTH} numbers, in at most {IMAGE_BYTES:,} bytes"
            faults = [Fault(f"{pointer}/{odd.index}", f"{what}, and one of {MOST_IMAGES:,} images")]
        raise InvalidInputError(faults or [_number_fault(f"{pointer}/{odd.index}")]) from None
    except ValueError:  # invalid JSON, which the parser of the whole text reports
        return text, None
    if _beginning(name).search(text, end):  # it is not certain which of the lists is meant
        return text, None
    return b"%b]%b" % (text[:start], text[end:]), numbers


@cache
def _beginning(name: str) -> re.Pattern[bytes]:
    return re.compile(rb'"%b"%b:%b\[' % (name.encode(), _SPACE, _SPACE))


def _read_images(text: bytes, start: int, depth: int) -> tuple[Pixels, int]:
    """Read a list of images; also return the position after it."""
    shape, ending = _SHAPES[depth], _ENDS[depth]
    brackets = text.count(b"]", start) // _BRACKETS[depth]
    most = min(MOST_IMAGES, brackets, len(text) // LEAST_IMAGE_BYTES)
    images: Pixels = np.empty((max(1, most), *shape), np.uint8)
    index = 0
    while True:
        end = ending.search(text, start, start + IMAGE_BYTES)
        if end is None or index >= len(images):
            raise _OddError(index)
        image = _read_image(text[start : end.end()], index, shape)
        if image.dtype != np.uint8 and images.dtype == np.uint8:
            images = images.astype(np.float64)
        images[index] = image
        index += 1
        follows = _NEXT.match(text, end.end())
        if follows is None:
            raise _OddError(index)
        start = follows.end()
        if follows[1] == b"]":
            return images[:index], start


def _read_image(text: bytes, index: int, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        rows = orjson.loads(text)
        usual = shape == IMAGE_SHAPE and len(rows) == HEIGHT and {*map(len, rows)} == {WIDTH}
        if usual and not _has_words(text):
            try:  # for integers; `bytearray` is faster, and checks their range
                levels = np.frombuffer(b"".join(map(bytearray, rows)), np.uint8)
                return levels.reshape(shape)
            except (ValueError, TypeError):
                pass
        image = as_levels(rows, text)
    except (ValueError, TypeError):
        raise _OddError(index, text) from None
    if image.shape != shape:
        raise _OddError(index, text)
    return image


def _read_flat(text: bytes, start: int, pointer: str) -> tuple[Pixels, int]:
    """Read a flat list of numbers; also return the position after it."""
    end = text.find(b"]", start)
    size = text.count(b",", start, end) + 1
    if size > MOST_NUMBERS:
        raise InvalidInputError.at(
            pointer, f"has {size:,} numbers: at most {MOST_NUMBERS:,} are allowed"
        )
    levels: Pixels = np.empty(size, np.uint8)
    count = 0
    for piece in _pieces(text, start, end):
        numbers = orjson.loads(b"[%b]" % piece)
        if not numbers:
            raise ValueError("a comma without a number")
        try:
            part = as_levels(numbers, piece)
        except ValueError:
            raise _OddError(count + _first_odd(numbers)) from None
        if part.dtype != np.uint8 and levels.dtype == np.uint8:
            levels = levels.astype(np.float64)
        levels[count : count + len(part)] = part
        count += len(part)
    return levels, end + 1


def as_levels(numbers: list[Any], text: bytes) -> NDArray[Any]:
    """Turn numbers from 0 to 255 into an array.

    Raises
    ------
    ValueError
        They are something else. Their JSON text shows it, where NumPy would accept `true` as 1.
    """
    if _has_words(text):  # checked first, because an array of texts may take gigabytes
        raise ValueError("not numbers")
    array = np.array(numbers)
    if array.dtype.kind not in "iuf" or not array.size:
        raise ValueError("not numbers")
    if not 0 <= array.min() <= array.max() <= 255:
        raise ValueError("not from 0 to 255")
    return array.astype(np.float64 if array.dtype.kind == "f" else np.uint8, copy=False)


def _has_words(text: bytes) -> bool:
    """Tell whether a list in JSON has text, true, null or false."""
    return b'"' in text or b"u" in text or b"f" in text


def _first_odd(numbers: list[Any]) -> int:
    return next(i for i, number in enumerate(numbers) if not is_level(number))


def _pieces(text: bytes, start: int, end: int) -> Iterator[bytes]:
    """Split the text of a list at commas."""
    while end - start > PIECE_BYTES:
        comma = text.rfind(b",", start, start + PIECE_BYTES)
        if comma < 0:
            break
        yield text[start:comma]
        start = comma + 1
    yield text[start:end]


def _faults_in(odd: _OddError, shape: tuple[int, ...], pointer: str) -> list[Fault]:
    """Return the faults of an image, which may end where a later image does."""
    try:
        images = json.loads(b"[%b]" % odd.text)
    except ValueError:
        return []
    return faults_of(
        ((f"{pointer}/{odd.index + i}", image) for i, image in enumerate(images)), shape
    )


def faults_of(values: Iterator[tuple[str, Any]], shape: tuple[int, ...]) -> list[Fault]:
    """Return the first fault of each value, which has a pointer and should have this shape."""
    found = (first_fault(value, shape, pointer) for pointer, value in values)
    return list(islice(filter(None, found), MOST_FAULTS))


def first_fault(value: Any, shape: tuple[int, ...], pointer: str) -> Fault | None:
    """Return the first fault of nested lists of numbers from 0 to 255 that should have a shape."""
    if not shape:
        return None if is_level(value) else _number_fault(pointer)
    if not isinstance(value, list) or len(value) != shape[0]:
        of = "numbers" if len(shape) == 1 else "lists"
        got = f"{len(value):,}" if isinstance(value, list) else "something else"
        return Fault(pointer, f"must be a list of {shape[0]:,} {of}, not {got}")
    faults = (first_fault(one, shape[1:], f"{pointer}/{i}") for i, one in enumerate(value))
    return next(filter(None, faults), None)


def is_level(value: Any) -> bool:
    """Tell whether a value is a number from 0 to 255."""
    return type(value) in (int, float) and 0 <= value <= 255


def _number_fault(pointer: str) -> Fault:
    return Fault(pointer, "must be a number from 0 to 255")
