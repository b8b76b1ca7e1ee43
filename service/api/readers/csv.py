"""Read images from CSV in the columns of Kaggle: an optional label, and one column per pixel."""

import math

import numpy as np
import orjson

from service.api.readers.images import (
    HEIGHT,
    MOST_IMAGES,
    WIDTH,
    Images,
    Pixels,
    Sent,
    check_count,
    to_grey,
)
from service.api.readers.number_lists import as_levels
from stepbox.errors import InvalidInputError

LABEL = "label"
SIZE = HEIGHT * WIDTH
# The names of the pixels in the usual files of MNIST and of Fashion-MNIST.
NAMES = (
    [f"pixel{i}" for i in range(SIZE)],
    [f"pixel{i + 1}" for i in range(SIZE)],
    [f"{i // WIDTH + 1}x{i % WIDTH + 1}" for i in range(SIZE)],
)


def read_csv(sent: Sent) -> Images:
    """Read one image per row, and ignore its label.

    With a header, the label is the column with this name. The others must be the pixels, in the
    order of one of `NAMES`. Without a header, the label is the first of 785 columns.
    """
    if sent.data.count(b"\n") > MOST_IMAGES + 1:
        raise InvalidInputError.at("", f"has too many rows: {MOST_IMAGES:,} images are allowed")
    rows = [row.strip() for row in sent.data.removeprefix(b"\xef\xbb\xbf").rstrip().split(b"\n")]
    columns = rows[0].count(b",") + 1
    if columns not in (SIZE, SIZE + 1):
        raise InvalidInputError.at(
            "",
            f"has {columns:,} columns in the first line: send {SIZE} pixels, separated by commas, "
            f"and before them perhaps a {LABEL}",
        )
    names = [name.strip(b'" ').decode("utf-8", "replace").lower() for name in rows[0].split(b",")]
    label = 0 if columns > SIZE else None
    first = 0
    if math.isnan(_number(names[0])):  # a header
        first, label = 1, names.index(LABEL) if LABEL in names else None
        if label is not None:
            del names[label]
        if names not in NAMES:
            raise InvalidInputError.at(
                "",
                f"must have the columns pixel0 to pixel{SIZE - 1} (or from pixel1, or from 1x1 "
                f"to {HEIGHT}x{WIDTH}) in this order, and perhaps one named {LABEL}",
            )
    check_count(len(rows) - first, "")
    images: Pixels = np.empty((len(rows) - first, SIZE), np.uint8)
    for index in range(len(images)):
        line = first + index
        numbers = _read_row(rows[line], line + 1, columns, label)
        if numbers.dtype != images.dtype:
            images = images.astype(np.float64, copy=False)
        images[index] = numbers
    return to_grey(images, sent.scale, "")


def _read_row(row: bytes, line: int, columns: int, label: int | None) -> Pixels:
    """Read the pixels of a row. Name the line and the column of an error, both from 1."""
    found = row.count(b",") + 1
    if found != columns:
        raise InvalidInputError.at(
            "", f"has {found:,} columns in line {line}, but {columns:,} in the first line"
        )
    fields = row.split(b",")
    if label is not None:
        del fields[label]
    try:  # for numbers as in JSON, which is faster
        array = b"[%b]" % b",".join(fields)
        return as_levels(orjson.loads(array), array)
    except ValueError:
        pass
    numbers = [_number(field.strip(b'" \t').decode("utf-8", "replace")) for field in fields]
    odd = next((i for i, number in enumerate(numbers) if not 0 <= number <= 255), None)
    if odd is not None:
        column = odd + 1 + (label is not None and odd >= label)
        text = fields[odd][:40].decode("utf-8", "replace")
        raise InvalidInputError.at(
            "", f"must have numbers from 0 to 255, but has '{text}' in line {line}, column {column}"
        )
    return np.array(numbers)


def _number(text: str) -> float:
    """Read a number, or return NaN."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan
