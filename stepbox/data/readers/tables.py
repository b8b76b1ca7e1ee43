"""Turn the columns of a table into samples and labels. CSV and Parquet share this module."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from stepbox.data.dataset import Split
from stepbox.data.readers.checks import (
    WHOLE_PIXELS,
    check_features,
    check_samples,
    first_invalid_pixel,
    first_missing,
)
from stepbox.data.readers.labels import MOST_CHARACTERS, Labels
from stepbox.data.readers.part import Limits, Part
from stepbox.data.readers.scratch import ArrayFile
from stepbox.errors import InvalidInputError

SPLIT_COLUMN = "split"
_SPLITS: tuple[Split, ...] = ("train", "test")
_PIXEL = re.compile(r"pixel\d+|\d+x\d+")
_LISTED = 20  # columns that a message lists


class Columns(NamedTuple):
    """What the columns of a table are for.

    Attributes
    ----------
    label
        Name of the column with the labels.
    features
        Names of the columns with numbers.
    side
        Height and width of an image if the features are its pixels, else None.
    has_split
        Whether the column ``split`` says to which part each row belongs.
    """

    label: str
    features: Sequence[str]
    side: int | None
    has_split: bool

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return (self.side, self.side) if self.side else (len(self.features),)


class Batch(NamedTuple):
    """Some rows of a table.

    Attributes
    ----------
    rows
        The columns that `Columns` names. Labels and splits are texts, or can be cast to texts.
    place
        Says for messages where the row with an index is, for example ``row 7``.
    """

    rows: pa.RecordBatch
    place: Callable[[int], str]


def find_label(names: Sequence[str], label: str) -> None:
    """Reject a table without a column for the labels, and name the columns that it has."""
    if label not in names:
        listed = ", ".join(repr(name)[:60] for name in names[:_LISTED])
        more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
        example = next((name for name in reversed(names[:_LISTED]) if name), "species")
        raise InvalidInputError.at(
            "",
            f"there is no column {label!r} with the labels. The columns are {listed}{more}. "
            f"Choose one, for example with label={example[:60]}; a CSV file has their names in "
            "its first row",
        )


def choose_columns(names: Sequence[str], label: str, limits: Limits) -> Columns:
    """Decide from their names what the columns of a table are for.

    Parameters
    ----------
    names
        Names of all columns, in their order.
    label
        Name of the column with the labels.
    limits
        Its `features` is the largest number of other columns.

    Raises
    ------
    InvalidInputError
        The label is missing; a name is empty or not unique; there are no features, or too many;
        or only some columns are named like pixels, or they are not those of a square in order.
    """
    find_label(names, label)
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise InvalidInputError.at(
                "", f"column {number} has no name. If it only counts the rows, save without it"
            )
        if name in seen:
            raise InvalidInputError.at("", f"two columns have the name {name[:60]!r}")
        seen.add(name)
    has_split = SPLIT_COLUMN in names and label != SPLIT_COLUMN
    features = [name for name in names if name != label and not (has_split and name == SPLIT_COLUMN)]
    if not features:
        raise InvalidInputError.at("", f"there is no column besides {label!r}")
    check_features(len(features), limits, "the table")
    return Columns(label, features, _side(features), has_split)


def _side(features: Sequence[str]) -> int | None:
    pixels = [name for name in features if _PIXEL.fullmatch(name)]
    if not pixels:
        return None
    count = len(features)
    side = math.isqrt(count)
    forms = (
        [f"pixel{i}" for i in range(count)],
        [f"pixel{i + 1}" for i in range(count)],
        [f"{row}x{column}" for row in range(1, side + 1) for column in range(1, side + 1)],
    )
    if side * side != count or list(features) not in forms:
        raise InvalidInputError.at(
            "",
            f"{len(pixels):,} of {count:,} columns are named like pixels, such as {pixels[0]!r}. "
            "Pixels are columns pixel0, pixel1, … or pixel1, pixel2, … or 1x1, 1x2, …: all rows "
            "of a square image in order, without other columns",
        )
    return side


def read_batches(
    columns: Columns,
    batches: Iterable[Batch],
    scratch: Path,
    limits: Limits,
    split: Split | None = None,
) -> list[Part]:
    """Write the samples of a table to scratch files.

    Parameters
    ----------
    columns
        What the columns are for.
    batches
        The rows.
    scratch
        An existing folder for the files.
    limits
        What the table may contain.
    split
        The split of all rows, if it is known.

    Returns
    -------
    list[Part]
        One part, or the training and the test part if there is a column ``split``.

    Raises
    ------
    InvalidInputError
        The table is empty or over a limit, or a cell is missing or has a wrong value.
    """
    splits: Sequence[Split | None] = _SPLITS if columns.has_split else [split]
    dtype = np.uint8 if columns.side else np.float64
    with ExitStack() as stack:
        files = [
            stack.enter_context(
                ArrayFile(scratch / f"{name or 'all'}.raw", dtype, columns.row_shape, limits)
            )
            for name in splits
        ]
        labels = [Labels(limits, f"column {columns.label!r}") for _ in splits]
        for batch in batches:
            samples = _samples(columns, batch)
            texts = _texts(batch, columns.label)
            for index, rows in enumerate(_rows_of_splits(columns, batch)):
                if len(rows):
                    files[index].append(samples[rows].reshape(-1, *columns.row_shape))
                    _add_labels(labels[index], texts.take(pa.array(rows)), batch, rows)
            check_samples(sum(file.rows for file in files), limits)
        parts = [
            Part(
                name,
                found.array(),
                file.array(),
                columns=None if columns.side else tuple(columns.features),
            )
            for name, file, found in zip(splits, files, labels, strict=True)
            if file.rows
        ]
    if not parts:
        raise InvalidInputError.at("", "the table has no rows")
    return parts


def _samples(columns: Columns, batch: Batch) -> NDArray[np.float64]:
    samples = np.empty((batch.rows.num_rows, len(columns.features)))
    for index, name in enumerate(columns.features):
        column = batch.rows.column(name)
        if column.null_count:
            row = column.is_null().index(True).as_py()
            raise InvalidInputError.at(
                "", f"{batch.place(row)}, column {name!r}: the cell is empty or has no value"
            )
        samples[:, index] = column.to_numpy(zero_copy_only=False)
    wrong = first_invalid_pixel(samples) if columns.side else first_missing(samples)
    if wrong is not None:
        row, index = wrong
        allowed = WHOLE_PIXELS if columns.side else "features must be finite numbers"
        raise InvalidInputError.at(
            "",
            f"{batch.place(row)}, column {columns.features[index]!r}: "
            f"{samples[wrong]:g} is not allowed, {allowed}",
        )
    return samples


def read_labels(batches: Iterable[Batch], name: str, limits: Limits) -> NDArray[Any]:
    """Read the column with the labels. There must be at least one row.

    Returns
    -------
    NDArray
        Shape (samples,), as in `Part`.
    """
    labels = Labels(limits, f"column {name!r}")
    for batch in batches:
        _add_labels(labels, _texts(batch, name), batch, np.arange(batch.rows.num_rows))
    return labels.array()


def _texts(batch: Batch, name: str) -> pa.Array:
    column = batch.rows.column(name)
    if pa.types.is_dictionary(column.type):
        column = _short_texts(column.dictionary, name).take(column.indices)
    return pc.fill_null(pc.utf8_trim_whitespace(column.cast(pa.string())), "")


def _short_texts(values: pa.Array, name: str) -> pa.Array:
    """Reject long texts, which would take much memory when they are repeated."""
    texts = values.cast(pa.string())
    longest = pc.max(pc.utf8_length(texts)).as_py() or 0
    if longest > MOST_CHARACTERS:
        raise InvalidInputError.at(
            "",
            f"column {name!r} has a text of {longest:,} characters; up to {MOST_CHARACTERS} are "
            "allowed",
        )
    return texts


def _rows_of_splits(columns: Columns, batch: Batch) -> list[NDArray[np.intp]]:
    """Return the indices of the rows in each split."""
    if not columns.has_split:
        return [np.arange(batch.rows.num_rows)]
    texts = _texts(batch, SPLIT_COLUMN).to_numpy(zero_copy_only=False)
    masks = [texts == name for name in _SPLITS]
    other = ~(masks[0] | masks[1])
    if other.any():
        row = int(other.argmax())
        raise InvalidInputError.at(
            "",
            f"{batch.place(row)}, column 'split': {texts[row][:50]!r} is neither 'train' nor "
            "'test'. If the column is a feature, rename it",
        )
    return [np.flatnonzero(mask) for mask in masks]


def _add_labels(labels: Labels, texts: pa.Array, batch: Batch, rows: NDArray[np.intp]) -> None:
    encoded = cast(Any, texts.dictionary_encode())
    labels.add(
        encoded.dictionary.to_pylist(),
        encoded.indices.to_numpy(),
        lambda index: batch.place(int(rows[index])),
    )
