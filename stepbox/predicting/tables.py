"""The files of a prediction: Parquet and CSV, with a row for each sample."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

from stepbox.nn.activations import Array
from stepbox.store.predictions import Format


def column_names(classes: Sequence[str], *, files: bool = False) -> tuple[str, ...]:
    """Name the columns: those that all files have, then ``p_`` and the name for each class.

    So no class has the column of another value. A name that several classes share is numbered.

    Examples
    --------
    >>> column_names(["index", "cat", "cat"])
    ('index', 'label', 'predicted', 'probability', 'p_index', 'p_cat', 'p_cat (2)')
    """
    names = ["index", *(["file"] if files else []), "label", "predicted", "probability"]
    for name in (f"p_{name}" for name in classes):
        free, number = name, 1
        while free in names:
            number += 1
            free = f"{name} ({number})"
        names.append(free)
    return tuple(names)


class ResultWriter:
    """Writes both files, block by block. Use it as a context manager.

    Equal calls write equal bytes.

    Parameters
    ----------
    folder
        Where the files are written.
    classes
        The classes of the model.
    names
        The name of the image file of each sample; None if the samples are not files.

    Attributes
    ----------
    files
        The path of each file, which is complete after the context has ended.
    columns
        The names of the columns.
    """

    def __init__(self, folder: Path, classes: Sequence[str], names: pa.Array | None = None) -> None:
        self.files: dict[Format, Path] = {
            "parquet": folder / "result.parquet",
            "csv": folder / "result.csv",
        }
        self.columns = column_names(classes, files=names is not None)
        self._classes = pa.array(classes, pa.string())
        self._names = names
        texts = [pa.string()] * (2 if names is None else 3)
        types = [pa.int64(), *texts, *[pa.float32()] * (1 + len(classes))]
        self._schema = pa.schema(list(zip(self.columns, types, strict=True)))
        self._open = ExitStack()

    def write(
        self,
        first: int,
        labels: Sequence[str | None],
        predicted: NDArray[Any],
        probabilities: Array,
    ) -> None:
        """Write the rows of a block.

        Parameters
        ----------
        first
            Index of the first sample.
        labels
            The class of each sample; None where it is not known.
        predicted
            The predicted class of each sample, shape (samples,).
        probabilities
            Shape (samples, classes), 0..1, stored as float32.
        """
        rounded = probabilities.astype("f4")
        names = [] if self._names is None else [self._names.slice(first, len(rounded))]
        rows = pa.record_batch(
            [
                pa.array(range(first, first + len(rounded)), pa.int64()),
                *names,
                pa.array(labels, pa.string()),
                self._classes.take(pa.array(predicted)),
                pa.array(rounded.max(axis=1)),
                *(pa.array(rounded[:, column].copy()) for column in range(rounded.shape[1])),
            ],
            schema=self._schema,
        )
        self._parquet.write_batch(rows)
        self._csv.write_batch(rows)

    def __enter__(self) -> Self:
        # Pages of floats take hardly less room as dictionaries, and longer to write.
        texts = [field.name for field in self._schema if field.type == pa.string()]
        self._parquet = self._open.enter_context(
            parquet.ParquetWriter(
                self.files["parquet"], self._schema, compression="zstd", use_dictionary=texts
            )
        )
        self._csv = self._open.enter_context(csv.CSVWriter(self.files["csv"], self._schema))
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)
