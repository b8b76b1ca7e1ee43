"""Read samples from CSV: one per row, by the names of the columns or by their position."""

import csv
import math
from functools import cache

import numpy as np
import orjson

from service.api.readers.images import (
    MOST_IMAGES,
    Images,
    Pixels,
    Sent,
    check_count,
    describe_input,
    to_samples,
)
from service.api.readers.number_lists import as_numbers, is_number
from stepbox.data.dataset import DatasetSpec, Kind
from stepbox.errors import InvalidInputError

LABEL = "label"


@cache
def _pixel_names(shape: tuple[int, ...]) -> list[list[str]]:
    """Return the names of the pixels in the usual files: those of MNIST and Fashion-MNIST."""
    size = math.prod(shape)
    names = [[f"pixel{i + first}" for i in range(size)] for first in (0, 1)]
    if len(shape) == 2:
        names.append([f"{i // shape[1] + 1}x{i % shape[1] + 1}" for i in range(size)])
    return names


def read_csv(sent: Sent) -> Images:
    """Read one sample per row.

    Images have Kaggle's columns: an optional label, which is ignored, and one column per number.
    With a header, the label is the column with this name, and the others must have the order of
    `_pixel_names`. Without a header, the label comes first.

    The columns of vectors are found by their names, in any order, if there is a header and the data
    set has names; other columns are ignored. Otherwise, they have the data set's order.
    """
    spec = sent.spec
    if sent.data.count(b"\n") > MOST_IMAGES + 1:
        raise InvalidInputError.at(
            "", f"has too many rows: {MOST_IMAGES:,} {spec.kind} are allowed"
        )
    rows = [row.strip() for row in sent.data.removeprefix(b"\xef\xbb\xbf").rstrip().split(b"\n")]
    names = next(csv.reader([rows[0].decode("utf-8", "replace")], skipinitialspace=True), [])
    names = [name.strip() for name in names or [""]]
    has_header = _is_header(names, spec)
    first = int(has_header)
    choose = _choose_columns if spec.kind == "vectors" else _choose_pixels
    chosen = choose(names, has_header, spec)
    check_count(len(rows) - first, "", spec)
    samples: Pixels = np.empty((len(rows) - first, spec.features), spec.dtype)
    for index in range(len(samples)):
        line = first + index
        numbers = _read_row(rows[line], line + 1, len(names), chosen, spec.kind)
        if numbers.dtype != samples.dtype:
            samples = samples.astype(np.float64, copy=False)
        samples[index] = numbers
    return to_samples(samples, sent.scale, "", spec)


def _is_header(names: list[str], spec: DatasetSpec) -> bool:
    """Tell whether the first row has names: those of the data set, which may be numbers, or words.

    If only some cells are words, the row is a vector with wrong numbers.
    """
    words = [math.isnan(_number(name)) for name in names]
    if spec.kind == "images":
        return words[0]  # the label, or the first pixel
    return all(words) or (spec.columns is not None and set(names) >= set(spec.columns))


def _choose_pixels(names: list[str], has_header: bool, spec: DatasetSpec) -> list[int]:
    """Return the positions of the pixels: all, or all but that of the label."""
    size = spec.features
    if len(names) not in (size, size + 1):
        raise InvalidInputError.at(
            "",
            f"has {len(names):,} columns in the first line, but {describe_input(spec)}: send "
            f"{size} numbers, separated by commas, and before them perhaps a {LABEL}",
        )
    positions = list(range(len(names)))
    lower = [name.lower() for name in names]
    if has_header:
        if LABEL in lower:
            del positions[lower.index(LABEL)]
        usual = _pixel_names(spec.shape)
        if [lower[i] for i in positions] not in usual:
            other = f", or from 1x1 to {spec.shape[0]}x{spec.shape[1]}" if len(usual) > 2 else ""
            raise InvalidInputError.at(
                "",
                f"must have the columns pixel0 to pixel{size - 1} (or from pixel1{other}) in this "
                f"order, and perhaps one named {LABEL}",
            )
        return positions
    return positions[-size:]


def _choose_columns(names: list[str], has_header: bool, spec: DatasetSpec) -> list[int]:
    """Return the positions of the features of vectors."""
    if has_header and spec.columns:
        for name in spec.columns:
            if names.count(name) != 1:
                what = "lacks the column" if name not in names else "has more than one column"
                raise InvalidInputError.at("", f"{what} {name!r}, but {describe_input(spec)}")
        places = {name: i for i, name in enumerate(names)}
        return [places[name] for name in spec.columns]
    if len(names) != spec.features:
        raise InvalidInputError.at(
            "", f"has {len(names):,} columns in the first line, but {describe_input(spec)}"
        )
    return list(range(len(names)))


def _read_row(row: bytes, line: int, columns: int, chosen: list[int], kind: Kind) -> Pixels:
    """Read the chosen columns of a row. Name the line and the column of an error, both from 1."""
    fields = row.split(b",")
    if len(fields) != columns:  # perhaps a quoted cell has a comma
        cells = next(csv.reader([row.decode("utf-8", "replace")]), [""])
        fields = [cell.encode() for cell in cells]
    if len(fields) != columns:
        raise InvalidInputError.at(
            "", f"has {len(fields):,} columns in line {line}, but {columns:,} in the first line"
        )
    fields = [fields[i] for i in chosen]
    try:  # for numbers as in JSON, which is faster
        array = b"[%b]" % b",".join(fields)
        return as_numbers(orjson.loads(array), array, kind)
    except ValueError:
        pass
    numbers = [_number(field.strip(b'" \t').decode("utf-8", "replace")) for field in fields]
    odd = next((i for i, number in enumerate(numbers) if not is_number(number, kind)), None)
    if odd is not None:
        text = fields[odd][:40].decode("utf-8", "replace")
        allowed = " from 0 to 255" if kind == "images" else ""
        raise InvalidInputError.at(
            "",
            f"must have numbers{allowed}, but has '{text}' in line {line}, "
            f"column {chosen[odd] + 1}",
        )
    return np.array(numbers)


def _number(text: str) -> float:
    """Read a number, or return NaN."""
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan
