"""Read Parquet: Hugging Face's images with labels, or tables of numbers."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from stepbox.data.dataset import Split
from stepbox.data.readers.checks import check_samples
from stepbox.data.readers.columns import SPLIT_COLUMN, Columns, choose_columns, find_label
from stepbox.data.readers.part import Limits, Part, no_labels
from stepbox.data.readers.shards import Shard, class_names, common_schema, rejecting_damage
from stepbox.data.readers.splits import by_split
from stepbox.data.readers.tables import Batch, read_batches, read_labels
from stepbox.errors import InvalidInputError

BATCH_VALUES = 2**20  # read at a time
LABELS = 10_000  # read at a time


class ParquetImages:
    """The encoded images of a column, read a few rows at a time.

    Parameters
    ----------
    shards
        The files.
    column
        Name of the column.
    count
        Number of labels. There must be as many images.
    """

    def __init__(self, shards: Sequence[Shard], column: str, count: int) -> None:
        self._shards = shards
        self._column = column
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        count = 0
        for shard in self._shards:
            with rejecting_damage():
                for image in self._images_of(shard):
                    count += 1
                    yield image
        if count != self._count:
            raise InvalidInputError.at(
                "", f"the Parquet files have {count:,} images, but {self._count:,} labels"
            )

    def _images_of(self, shard: Shard) -> Iterator[tuple[str, bytes]]:
        with shard.open() as file:
            # One at a time, because a file can store a large image once for many rows.
            batches = file.iter_batches(1, columns=[self._column], use_threads=False)
            for row, batch in enumerate(batches):
                images = batch.column(0)
                if pa.types.is_struct(images.type):
                    images = images.field("bytes")
                yield shard.place(0, row), images[0].as_py() or b""


def read_parquet(
    files: Sequence[tuple[str, Path]], scratch: Path, limits: Limits, label: str = "label"
) -> list[Part]:
    """Read samples and labels from Parquet files.

    Parameters
    ----------
    files
        Name and path of each file. A name with ``train`` or ``test`` tells the split. Files of
        the same split are read one after the other, in the order of their names.
    scratch
        An existing folder for memory-mapped arrays.
    limits
        What the files may contain.
    label
        Name of the column with the labels. Another column has encoded images, as bytes or in
        Hugging Face's form; or all other columns are numbers, as in `read_csv`.

    Returns
    -------
    list[Part]
        One part per split.

    Raises
    ------
    InvalidInputError
        A file is damaged or over a limit, or its columns are missing or have other types.
    """
    groups, warnings = by_split(sorted(files))
    splits = {split: [Shard(*file) for file in group] for split, group in groups.items()}
    with rejecting_damage():
        schema = common_schema([s for shards in splits.values() for s in shards], limits)
        find_label(schema.names, label, limits)
        parts: list[Part] = []
        for split, shards in splits.items():
            parts += _read_split(shards, split, schema, scratch, limits, label)
    check_samples(sum(len(part.labels) for part in parts), limits)
    parts[0].warnings.extend(warnings)
    return parts


def _read_split(
    shards: Sequence[Shard],
    split: Split | None,
    schema: pa.Schema,
    scratch: Path,
    limits: Limits,
    label: str,
) -> list[Part]:
    found = find_label(schema.names, label, limits)
    if found is not None:
        _check_label_type(schema.field(found))
    images = [field.name for field in schema if field.name != found and _has_images(field.type)]
    names = None if found is None else class_names(schema, found, limits)
    if images:
        part = _read_images(shards, split, schema, images, limits, found, names)
        return [part]
    columns = choose_columns(schema.names, label, limits)
    if columns.has_split and split:
        raise InvalidInputError.at(
            "", f"{shards[0].name!r} has a column 'split', but its name says {split} already"
        )
    _check_types(schema, columns)
    rows = max(1, BATCH_VALUES // len(schema.names))
    return [
        Part(
            part.split,
            _checked_labels(part.labels, names, label),
            part.samples,
            names,
            part.columns,
        )
        for part in read_batches(
            columns, _batches(shards, schema, schema.names, rows), scratch, limits, split
        )
    ]


def _read_images(
    shards: Sequence[Shard],
    split: Split | None,
    schema: pa.Schema,
    images: Sequence[str],
    limits: Limits,
    label: str | None,
    names: Sequence[str] | None,
) -> Part:
    if len(images) > 1:
        listed = ", ".join(repr(name) for name in images)
        raise InvalidInputError.at("", f"more than one column has images: {listed}")
    if label is None:
        labels = no_labels(sum(shard.rows for shard in shards))
    else:
        labels = read_labels(_batches(shards, schema, [label], LABELS), label, limits)
    return Part(
        split,
        _checked_labels(labels, names, label or ""),
        ParquetImages(shards, images[0], len(labels)),
        names,
        warnings=[
            f"The column {name!r} was not used."
            for name in schema.names
            if name not in (label, images[0])
        ],
    )


def _batches(
    shards: Sequence[Shard], schema: pa.Schema, columns: Sequence[str], rows: int
) -> Iterator[Batch]:
    texts = [name for name in columns if _is_text(schema.field(name).type)]
    for shard in shards:
        first = 0
        with shard.open(texts) as file:
            for batch in file.iter_batches(rows, columns=list(columns), use_threads=False):
                yield Batch(batch, partial(shard.place, first))
                first += batch.num_rows


def _value_type(of: pa.DataType) -> pa.DataType:
    return of.value_type if pa.types.is_dictionary(of) else of


def _has_images(of: pa.DataType) -> bool:
    if pa.types.is_struct(of):
        index = of.get_field_index("bytes")
        return index >= 0 and _has_images(of.field(index).type)
    of = _value_type(of)
    return bool(pa.types.is_binary(of) or pa.types.is_large_binary(of))


def _is_text(of: pa.DataType) -> bool:
    of = _value_type(of)
    return bool(pa.types.is_string(of) or pa.types.is_large_string(of))


def _is_number(of: pa.DataType) -> bool:
    return bool(pa.types.is_integer(of) or pa.types.is_floating(of))


def _check_label_type(field: pa.Field) -> None:
    if not (_is_number(_value_type(field.type)) or _is_text(field.type)):
        raise InvalidInputError.at(
            "",
            f"the column {field.name!r} has values of type {field.type}; labels are whole numbers "
            "or texts",
        )


def _check_types(schema: pa.Schema, columns: Columns) -> None:
    if columns.has_split and not _is_text(schema.field(SPLIT_COLUMN).type):
        raise InvalidInputError.at(
            "", "the column 'split' has no texts. If it is a feature, rename it"
        )
    for name in columns.features:
        of = schema.field(name).type
        if not _is_number(of):
            raise InvalidInputError.at(
                "",
                f"the column {name!r} has values of type {of}. Besides the labels, there is "
                "either one column with images (bytes, or a struct with bytes), or all columns "
                "are numbers",
            )


def _checked_labels(labels: NDArray[Any], names: Sequence[str] | None, label: str) -> NDArray[Any]:
    if names is not None:
        wrong = labels.dtype != np.int64 or (labels < 0) | (labels >= len(names))
        if np.any(wrong):
            value = labels[int(np.argmax(wrong))]
            raise InvalidInputError.at(
                "",
                f"the column {label!r} has the label {value}, but the file names {len(names)} "
                f"classes, so labels are 0 to {len(names) - 1} (-1 means that there is none)",
            )
    return labels
