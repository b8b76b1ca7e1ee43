"""Read tables in CSV: Kaggle's images as rows of pixels, or features of any kind."""

import csv
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from stepbox.data.readers.columns import SPLIT_COLUMN, Columns, choose_columns, find_label
from stepbox.data.readers.part import Limits, Part
from stepbox.data.readers.tables import Batch, read_batches
from stepbox.errors import InvalidInputError

LONGEST_LINE = 2**20  # bytes; a row of 12,288 numbers with 17 digits takes 250 kB
# Arrow's messages. With `use_threads=False`, they have the number of the row, without empty lines.
_CELLS = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+): (.*)", re.DOTALL)
_CELL = re.compile(r"In CSV column #(\d+): Row #(\d+): .*?invalid value '(.*)'", re.DOTALL)


def read_csv(path: Path, scratch: Path, limits: Limits, label: str = "label") -> list[Part]:
    """Read samples and labels from a CSV file.

    Parameters
    ----------
    path
        The file: UTF-8, with the names of the columns in the first row. If this row has a tab
        outside quotes, tabs separate the cells; otherwise semicolons do if it has one; otherwise
        commas. Numbers have a decimal point.
    scratch
        An existing folder for the memory-mapped arrays.
    limits
        What the file may contain.
    label
        Name of the column with the labels. If a column is named ``split``, it says ``train`` or
        ``test``. All other columns are features.

    Returns
    -------
    list[Part]
        Images if the features are named like the pixels of a square, otherwise vectors.

    Raises
    ------
    InvalidInputError
        The file is malformed or over a limit, or a cell is missing or has a wrong value.
    """
    names, separator = _header(path, label, limits)
    columns = choose_columns(names, label, limits)
    return read_batches(columns, _batches(path, names, separator, columns), scratch, limits)


def _header(path: Path, label: str, limits: Limits) -> tuple[list[str], str]:
    """Return the names of the columns, and the separator."""
    with path.open("rb") as file:
        line = file.readline(LONGEST_LINE)
    if not line.endswith((b"\n", b"\r")) and len(line) == LONGEST_LINE:
        raise _too_long("the first line")
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise _not_utf8() from None
    if not text.strip():
        raise InvalidInputError.at("", "the first line is empty, instead of names of columns")
    unquoted = re.sub('"[^"]*"', "", text)
    separator = next((found for found in "\t;" if found in unquoted), ",")
    try:
        names = next(csv.reader([text], delimiter=separator, strict=True), [])
    except csv.Error as error:
        raise InvalidInputError.at("", f"the first line is not CSV: {error}") from None
    find_label(names, label, limits)
    return names, separator


def _batches(path: Path, names: list[str], separator: str, columns: Columns) -> Iterator[Batch]:
    texts = {columns.label, *([SPLIT_COLUMN] if columns.has_split else [])}
    options = {
        "read_options": pa_csv.ReadOptions(
            use_threads=False, block_size=LONGEST_LINE, column_names=names, skip_rows=1
        ),
        "parse_options": pa_csv.ParseOptions(delimiter=separator),
        "convert_options": pa_csv.ConvertOptions(
            column_types={name: pa.string() if name in texts else pa.float64() for name in names}
        ),
    }
    first = 2  # number of the next row; empty lines do not count yet
    try:
        with pa_csv.open_csv(path, **options) as reader:
            for rows in reader:
                kept = np.flatnonzero(~_blank(rows))
                yield Batch(
                    rows.take(kept) if len(kept) < len(rows) else rows,
                    partial(_place, path, first + kept),
                )
                first += len(rows)
    except pa.ArrowInvalid as error:
        raise _explained(str(error), path, names) from None


def _place(path: Path, numbers: NDArray[np.intp], index: int) -> str:
    return f"row {_row(path, int(numbers[index])):,}"


def _row(path: Path, number: int) -> int:
    """Return the number of a row as a spreadsheet counts, which includes empty lines."""
    row = 0
    with path.open("rb") as file:
        while number and (line := file.readline(LONGEST_LINE)):
            number -= line not in (b"\n", b"\r\n")
            row += 1
    return row


def _blank(rows: pa.RecordBatch) -> NDArray[np.bool_]:
    """Tell which rows have only empty cells; spreadsheets often write some at the end."""
    blank = np.ones(len(rows), bool)
    for column in sorted(rows.columns, key=lambda column: column.type != pa.string()):
        if blank.any():  # in most files, no longer after the first column of texts
            empty = pc.equal(column, "") if column.type == pa.string() else column.is_null()
            blank &= empty.to_numpy(zero_copy_only=False)
    return blank


def _explained(message: str, path: Path, names: list[str]) -> InvalidInputError:
    if found := _CELLS.search(message):
        return InvalidInputError.at(
            "",
            f"row {_row(path, int(found[1])):,} has {found[3]} cells instead of {found[2]}: "
            f"{found[4][:60]!r}",
        )
    if found := _CELL.search(message):
        column, number, value = names[int(found[1])], _row(path, int(found[2])), found[3]
        problem = (
            "is a formula: save its value"
            if value.lstrip().startswith("=")
            else ("is not a number (with a decimal point). A table has numbers, besides the labels")
        )
        return InvalidInputError.at(
            "", f"row {number:,}, column {column!r}: {value[:50]!r} {problem}"
        )
    if "straddling" in message:
        return _too_long("a row")
    if "out of sync" in message:
        return InvalidInputError.at(
            "", "a cell has a line break, or a quotation mark has no partner; neither is allowed"
        )
    if "UTF8" in message:
        return _not_utf8()
    return InvalidInputError.at("", f"the CSV file cannot be read: {message[:200]}")


def _too_long(what: str) -> InvalidInputError:
    return InvalidInputError.at(
        "", f"{what} is longer than {LONGEST_LINE:,} bytes. A CSV file has one line per sample"
    )


def _not_utf8() -> InvalidInputError:
    return InvalidInputError.at("", "the CSV file is not in UTF-8: save it as UTF-8")
