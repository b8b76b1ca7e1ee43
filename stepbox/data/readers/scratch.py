"""Write arrays to scratch files, block by block."""

import math
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stepbox.data.readers.checks import check_bytes, check_samples
from stepbox.data.readers.part import Limits


class ArrayFile:
    """An array in a new file, to which rows are appended.

    Parameters
    ----------
    scratch
        An existing folder for the file.
    dtype, row_shape
        Type of the elements, and shape of one row.
    limits
        What the array may contain.
    """

    def __init__(
        self, scratch: Path, dtype: DTypeLike, row_shape: tuple[int, ...], limits: Limits
    ) -> None:
        self._dtype = np.dtype(dtype)
        self._row_shape = row_shape
        self._row_bytes = math.prod(row_shape) * self._dtype.itemsize
        self._limits = limits
        self._file = NamedTemporaryFile(  # noqa: SIM115 – closed by __exit__
            dir=scratch, suffix=".array", delete=False
        )
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows, shape (rows, *row_shape). Their values must fit the type of the elements.

        Raises
        ------
        InvalidInputError
            The array would be larger than the limits.
        """
        self.rows += len(rows)
        check_samples(self.rows, self._limits)
        check_bytes(self.rows * self._row_bytes, self._limits)
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)

    def array(self) -> NDArray[Any]:
        """Return the array as a read-only memory map. At least one row must have been appended."""
        self._file.flush()
        return np.memmap(
            self._file.name, self._dtype, mode="r", shape=(self.rows, *self._row_shape)
        )
