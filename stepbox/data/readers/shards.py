"""Check Parquet files by their footers, before any column is read."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from stepbox.data.readers.checks import check_samples
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError

MOST_FOOTER_BYTES = 64 * 2**20  # the footer is decoded as a whole
# Decompressed. It bounds a page and a cell, of which Arrow may hold four copies at a time. Hugging
# Face writes 100 images per row group.
MOST_GROUP_BYTES = 256 * 2**20


@contextmanager
def rejecting_damage() -> Iterator[None]:
    """Turn Arrow's errors about a damaged file into an `InvalidInputError`."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # it is the system's, for example because the disk is full
        raise InvalidInputError.at("", f"a Parquet file is damaged: {str(error)[:200]}") from None


class Shard(NamedTuple):
    """One of the Parquet files of an upload: its name there, and its path."""

    name: str
    path: Path

    def open(self, texts: Sequence[str] = ()) -> pq.ParquetFile:
        """Open the file.

        Parameters
        ----------
        texts
            Columns to read as dictionaries. Otherwise, a text that the file stores once and uses
            in a million rows would take a million times its size.
        """
        return pq.ParquetFile(
            self.path, read_dictionary=list(texts), buffer_size=2**20, pre_buffer=False
        )

    @property
    def rows(self) -> int:
        """Number of rows."""
        with self.open() as file:
            rows: int = file.metadata.num_rows
            return rows

    def place(self, first: int, index: int) -> str:
        """Say for messages where a row is, `index` rows after the row `first`."""
        return f"{self.name!r}, row {first + index + 1:,}"


def common_schema(shards: Sequence[Shard], limits: Limits) -> pa.Schema:
    """Check the sizes of all files, and return their schema, which must be the same."""
    schema: pa.Schema | None = None
    rows = 0
    for shard in shards:
        _check_footer(shard)
        with shard.open() as file:
            rows += file.metadata.num_rows
            check_samples(rows, limits)
            _check_row_groups(shard, file.metadata)
            found = file.schema_arrow
        if schema is not None and not schema.equals(found):
            raise InvalidInputError.at(
                "", f"{shard.name!r} and {shards[0].name!r} have other columns or types of columns"
            )
        schema = schema or found
    if schema is None or not rows:
        raise InvalidInputError.at("", "the Parquet files have no rows")
    return schema


def _check_footer(shard: Shard) -> None:
    size = shard.path.stat().st_size
    with shard.path.open("rb") as file:
        file.seek(max(0, size - 8))
        end = file.read()
    footer = int.from_bytes(end[:4], "little")
    if len(end) < 8 or end[4:] != b"PAR1" or footer > size - 12:
        raise InvalidInputError.at("", f"{shard.name!r} is not a Parquet file, or is cut off")
    if footer > MOST_FOOTER_BYTES:
        raise InvalidInputError.at(
            "",
            f"the footer of {shard.name!r} has {footer:,} bytes; up to {MOST_FOOTER_BYTES:,} are "
            "allowed",
        )


def _check_row_groups(shard: Shard, metadata: pq.FileMetaData) -> None:
    for index in range(metadata.num_row_groups):
        size = metadata.row_group(index).total_byte_size
        if size > MOST_GROUP_BYTES:
            raise InvalidInputError.at(
                "",
                f"row group {index} of {shard.name!r} has {size:,} bytes; up to "
                f"{MOST_GROUP_BYTES:,} are allowed. Write the file with smaller row groups",
            )


def class_names(schema: pa.Schema, label: str, limits: Limits) -> tuple[str, ...] | None:
    """Return the names of the classes from Hugging Face's metadata, if they are there."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"null"))
        names = info["info"]["features"][label]["names"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    if len(names) > limits.classes:
        raise InvalidInputError.at(
            "", f"there are {len(names):,} classes; up to {limits.classes:,} are allowed"
        )
    return tuple(names)
