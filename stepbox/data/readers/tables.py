"""Turn the columns of a table into samples and labels. CSV and Parquet share this module."""

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
    check_bytes,
    check_samples,
    first_invalid_pixel,
    first_missing,
)
from stepbox.data.readers.columns import SPLIT_COLUMN, Columns
from stepbox.data.readers.labels import MOST_CHARACTERS, Labels
from stepbox.data.readers.part import Limits, Part, no_labels
from stepbox.data.readers.scratch import ArrayFile
from stepbox.errors import InvalidInputError

_SPLITS: tuple[Split, ...] = ("train", "test")
FEWEST_COUNTED = 10  # rows; in a few rows, a feature may happen to count


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
        files = [stack.enter_context(ArrayFile(scratch, dtype, columns.row_shape)) for _ in splits]
        labels = [Labels(limits, f"column {columns.label!r}") for _ in splits]
        counting = _Counting(columns.features)
        total = 0
        for batch in batches:
            total += batch.rows.num_rows
            limits.proceed()
            check_samples(total, limits)
            check_bytes(total * len(columns.features) * np.dtype(dtype).itemsize, limits)
            samples = _samples(columns, batch)
            counting.add(samples)
            texts = None if columns.label is None else _texts(batch, columns.label)
            for index, rows in enumerate(_rows_of_splits(columns, batch)):
                if len(rows):
                    files[index].append(samples[rows].reshape(-1, *columns.row_shape))
                    if texts is not None:
                        _add_labels(labels[index], texts.take(pa.array(rows)), batch, rows)
        parts = [
            Part(
                name,
                no_labels(file.rows) if columns.label is None else found.array(),
                file.array(),
                columns=None if columns.side else tuple(columns.features),
                warnings=[] if columns.side else counting.warnings(),
            )
            for name, file, found in zip(splits, files, labels, strict=True)
            if file.rows
        ]
    if not parts:
        raise InvalidInputError.at("", "the table has no rows")
    return parts


class _Counting:
    """Finds columns that only count the rows, such as ``Id``.

    In a table that is sorted by class, they tell the class.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = np.array(names, object)
        self._indices = np.arange(len(names))  # of the columns that have counted so far
        self._last = np.empty((0, len(names)))  # their values in the last row
        self._rows = 0

    def add(self, rows: NDArray[np.float64]) -> None:
        self._rows += len(rows)
        values = np.concatenate([self._last, rows[:, self._indices]])
        counts = (np.diff(values, axis=0) == 1).all(axis=0)
        self._indices = self._indices[counts]
        self._last = values[-1:, counts]

    def warnings(self) -> list[str]:
        return [
            f"The column {name!r} counts the rows. It says nothing about a sample: upload the "
            "table without it."
            for name in self._names[self._indices]
            if self._rows >= FEWEST_COUNTED
        ]


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
    """Read the column with the labels.

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
