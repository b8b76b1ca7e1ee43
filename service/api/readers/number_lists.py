"""Parse long lists of numbers in JSON piece by piece. Parsed at once, they can take gigabytes."""

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from itertools import islice
from math import prod
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from service.api.readers.images import MOST_IMAGES, Pixels, describe_input, forms_of
from service.bodies.json_cost import has_too_many_values
from stepbox.data.dataset import DatasetSpec, Kind
from stepbox.errors import Fault, InvalidInputError

SHORT_BYTES = 64 * 2**10  # the text of one sample may always be this long
NUMBER_BYTES = 80  # and any longer text has at most this many bytes per number
LEAST_NUMBER_BYTES = 2  # each number has a digit, and a comma or a bracket
LARGEST = sys.float_info.max
PIECE_BYTES = 64 * 2**10  # part of a flat list that is parsed in one step
MOST_FAULTS = 100

_SPACE = rb"[ \t\n\r]*"
_OPENING = re.compile(rb"(?:" + _SPACE + rb"\[){0,3}")
_NEXT = re.compile(_SPACE + rb"([,\]])")
_ENDS = {depth: re.compile(_SPACE.join([rb"\]"] * depth)) for depth in (1, 2, 3)}


class _Layout(NamedTuple):
    """What the text of samples must be like, if their lists have a certain depth.

    Attributes
    ----------
    kind, shape
        The kind of the samples, and the shape of one.
    brackets
        How many lists one sample is.
    least_bytes, most_bytes
        Length of the text of one sample.
    """

    kind: Kind
    shape: tuple[int, ...]
    brackets: int
    least_bytes: int
    most_bytes: int


@cache
def _layout(kind: Kind, shape: tuple[int, ...], depth: int) -> _Layout | None:
    """Return the layout of samples; None if their lists cannot have this depth."""
    form = next((form for form in forms_of(shape) if len(form) == depth), None)
    if form is None:
        return None
    size = prod(form)
    return _Layout(
        kind,
        form,
        sum(prod(form[:outer]) for outer in range(depth)),
        LEAST_NUMBER_BYTES * size,
        max(SHORT_BYTES, NUMBER_BYTES * size),
    )


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


def cut_numbers(
    text: bytes, name: str, pointer: str, spec: DatasetSpec
) -> tuple[bytes, Pixels | None]:
    """Parse the numbers of samples apart from the JSON around them.

    Parameters
    ----------
    text
        JSON text.
    name
        Name of the list of numbers.
    pointer
        RFC 6901 pointer to the list.
    spec
        The data set of the model.

    Returns
    -------
    bytes
        The JSON with an empty list instead of the numbers. Unchanged if the array is None.
    Pixels or None
        The numbers, flat or as samples in a form of their shape. Those of images are from 0 to 255,
        and uint8 if all are integers; those of vectors are float64. None if they must be parsed
        with the JSON, which is then small enough for this, is not valid, or has several lists of
        this name.

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
    layout = _layout(spec.kind, spec.shape, depth) if depth else None
    if depth and layout is None:
        return text, None
    try:
        numbers, end = (
            _read_images(text, start, layout) if layout else _read_flat(text, start, pointer, spec)
        )
    except _OddError as odd:
        if not has_too_many_values(text):
            return text, None
        where = f"{pointer}/{odd.index}"
        faults = _faults_in(odd, layout.shape if layout else (), pointer, spec.kind)
        if not faults and layout:
            what = f"must be {_lists(layout.shape)}, in at most {layout.most_bytes:,} bytes"
            faults = [
                Fault(
                    where,
                    f"{what}, and one of {MOST_IMAGES:,} {spec.kind}: {describe_input(spec)}",
                )
            ]
        raise InvalidInputError(faults or [_number_fault(where, spec.kind)]) from None
    except ValueError:  # invalid JSON, which the parser of the whole text reports
        return text, None
    if _beginning(name).search(text, end):  # it is not certain which of the lists is meant
        return text, None
    return b"%b]%b" % (text[:start], text[end:]), numbers


@cache
def _beginning(name: str) -> re.Pattern[bytes]:
    return re.compile(rb'"%b"%b:%b\[' % (name.encode(), _SPACE, _SPACE))


def _lists(shape: tuple[int, ...]) -> str:
    """Say what a sample of this shape is in JSON."""
    of = " of ".join(f"{side:,} lists" for side in shape[:-1])
    return f"{of} of {shape[-1]:,} numbers" if of else f"{shape[-1]:,} numbers"


def _read_images(text: bytes, start: int, layout: _Layout) -> tuple[Pixels, int]:
    """Read a list of samples; also return the position after it."""
    ending = _ENDS[len(layout.shape)]
    brackets = text.count(b"]", start) // layout.brackets
    most = min(MOST_IMAGES, brackets, len(text) // layout.least_bytes)
    dtype = np.uint8 if layout.kind == "images" else np.float64
    images: NDArray[Any] = np.empty((max(1, most), *layout.shape), dtype)
    index = 0
    while True:
        end = ending.search(text, start, start + layout.most_bytes)
        if end is None or index >= len(images):
            raise _OddError(index)
        image = _read_image(text[start : end.end()], index, layout)
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


def _read_image(text: bytes, index: int, layout: _Layout) -> NDArray[Any]:
    shape = layout.shape
    try:
        rows = orjson.loads(text)
        usual = len(shape) == 2 and len(rows) == shape[0] and {*map(len, rows)} == {shape[1]}
        if usual and not _has_words(text):
            try:  # for integers; `bytearray` is faster, and checks their range
                levels = np.frombuffer(b"".join(map(bytearray, rows)), np.uint8)
                return levels.reshape(shape)
            except (ValueError, TypeError):
                pass
        image = as_numbers(rows, text, layout.kind)
    except (ValueError, TypeError):
        raise _OddError(index, text) from None
    if image.shape != shape:
        raise _OddError(index, text)
    return image


def _read_flat(text: bytes, start: int, pointer: str, spec: DatasetSpec) -> tuple[Pixels, int]:
    """Read a flat list of numbers; also return the position after it."""
    end = text.find(b"]", start)
    size = text.count(b",", start, end) + 1
    most = MOST_IMAGES * spec.features
    if size > most:
        raise InvalidInputError.at(pointer, f"has {size:,} numbers: at most {most:,} are allowed")
    levels: NDArray[Any] = np.empty(size, spec.dtype)
    count = 0
    for piece in _pieces(text, start, end):
        numbers = orjson.loads(b"[%b]" % piece)
        if not numbers:
            raise ValueError("a comma without a number")
        try:
            part = as_numbers(numbers, piece, spec.kind)
        except ValueError:
            raise _OddError(count + _first_odd(numbers, spec.kind)) from None
        if part.dtype != np.uint8 and levels.dtype == np.uint8:
            levels = levels.astype(np.float64)
        levels[count : count + len(part)] = part
        count += len(part)
    return levels, end + 1


def as_numbers(numbers: list[Any], text: bytes, kind: Kind) -> NDArray[Any]:
    """Turn numbers into an array: from 0 to 255 for images, any finite ones for vectors.

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
    if kind == "vectors":
        if not np.isfinite(array).all():
            raise ValueError("not finite")
        return array.astype(np.float64, copy=False)
    if not 0 <= array.min() <= array.max() <= 255:
        raise ValueError("not from 0 to 255")
    return array.astype(np.float64 if array.dtype.kind == "f" else np.uint8, copy=False)


def _has_words(text: bytes) -> bool:
    """Tell whether a list in JSON has text, true, null or false."""
    return b'"' in text or b"u" in text or b"f" in text


def _first_odd(numbers: list[Any], kind: Kind) -> int:
    return next((i for i, number in enumerate(numbers) if not is_number(number, kind)), 0)


def _pieces(text: bytes, start: int, end: int) -> Iterator[bytes]:
    """Split the text of a list at commas."""
    while end - start > PIECE_BYTES:
        comma = text.rfind(b",", start, start + PIECE_BYTES)
        if comma < 0:
            break
        yield text[start:comma]
        start = comma + 1
    yield text[start:end]


def _faults_in(odd: _OddError, shape: tuple[int, ...], pointer: str, kind: Kind) -> list[Fault]:
    """Return the faults of a sample, which may end where a later one does."""
    try:
        images = json.loads(b"[%b]" % odd.text)
    except ValueError:
        return []
    return faults_of(
        ((f"{pointer}/{odd.index + i}", image) for i, image in enumerate(images)),
        shape,
        kind,
    )


def faults_of(values: Iterator[tuple[str, Any]], shape: tuple[int, ...], kind: Kind) -> list[Fault]:
    """Return the first fault of each value, which has a pointer and should have this shape."""
    found = (first_fault(value, shape, pointer, kind) for pointer, value in values)
    return list(islice(filter(None, found), MOST_FAULTS))


def first_fault(value: Any, shape: tuple[int, ...], pointer: str, kind: Kind) -> Fault | None:
    """Return the first fault of nested lists of numbers that should have a shape."""
    if not shape:
        return None if is_number(value, kind) else _number_fault(pointer, kind)
    if not isinstance(value, list) or len(value) != shape[0]:
        of = "numbers" if len(shape) == 1 else "lists"
        got = f"{len(value):,}" if isinstance(value, list) else "something else"
        return Fault(pointer, f"must be a list of {shape[0]:,} {of}, not {got}")
    faults = (first_fault(one, shape[1:], f"{pointer}/{i}", kind) for i, one in enumerate(value))
    return next(filter(None, faults), None)


def is_number(value: Any, kind: Kind) -> bool:
    """Tell whether a value is a number, from 0 to 255 for images, any finite one for vectors."""
    low, high = (0, 255) if kind == "images" else (-LARGEST, LARGEST)
    return type(value) in (int, float) and low <= value <= high


def _number_fault(pointer: str, kind: Kind) -> Fault:
    allowed = " from 0 to 255" if kind == "images" else ""
    return Fault(pointer, f"must be a number{allowed}")
