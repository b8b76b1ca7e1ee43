"""Collect the labels of a part, block by block."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError

MOST_CHARACTERS = 200  # of a class's name: more is text, not a name
_WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MISSING = {"", "nan", "inf", "-inf"}
_INT64 = np.iinfo(np.int64)


class Labels:
    """The labels of the samples so far: indices into their distinct values.

    Labels that are all whole numbers (``1`` or ``1.0``) are integers, others are texts. So the
    same labels are read alike from any format.

    Parameters
    ----------
    limits
        Its `classes` is the largest number of distinct labels.
    where
        Where the labels are, for messages; for example ``column 'label'``.
    """

    def __init__(self, limits: Limits, where: str) -> None:
        self._limits = limits
        self._where = where
        self._index: dict[str, int] = {}
        self._blocks: list[NDArray[np.int32]] = []

    def add(
        self, values: Sequence[str], indices: NDArray[Any], place: Callable[[int], str]
    ) -> None:
        """Add a block of labels.

        Parameters
        ----------
        values
            Distinct labels of the block, as texts.
        indices
            Shape (samples,): the label of each sample, as an index into `values`.
        place
            Says for messages where the sample with an index is, for example ``row 7``.

        Raises
        ------
        InvalidInputError
            A label is missing, too long or a formula, or there are too many classes.
        """
        for position, value in enumerate(values):
            if value not in self._index:
                if problem := _problem(value):
                    first = int((indices == position).argmax())
                    raise InvalidInputError.at("", f"{place(first)}, {self._where}: {problem}")
                self._index[value] = len(self._index)
                if len(self._index) > self._limits.classes:
                    self._reject_measurements()
                    raise InvalidInputError.at(
                        "",
                        f"{self._where} has more than {self._limits.classes:,} distinct labels, "
                        "which is the limit",
                    )
        table = np.array([self._index[value] for value in values], np.int32)
        self._blocks.append(table[indices])

    def array(self) -> NDArray[Any]:
        """Return the labels, shape (samples,): int64 or Python strings.

        Raises
        ------
        InvalidInputError
            There are no labels; or they are numbers, but not all of them are whole.
        """
        values: NDArray[Any]
        if not self._blocks:
            raise InvalidInputError.at("", f"{self._where} has no rows")
        if all(_WHOLE.fullmatch(value) for value in self._index):
            whole = [int(value.partition(".")[0]) for value in self._index]
            for number in whole:
                if not _INT64.min <= number <= _INT64.max:
                    raise InvalidInputError.at("", f"{self._where}: {number} is too large")
            values = np.array(whole, np.int64)
        else:
            self._reject_measurements()
            values = np.array(list(self._index), object)
        result: NDArray[Any] = values[np.concatenate(self._blocks)]
        return result

    def _reject_measurements(self) -> None:
        if all(_NUMBER.fullmatch(value) for value in self._index):
            fraction = next((value for value in self._index if not _WHOLE.fullmatch(value)), None)
            if fraction is not None:
                raise InvalidInputError.at(
                    "",
                    f"{self._where} has numbers with fractions, such as {fraction}. These are "
                    "measurements; labels are names or whole numbers",
                )


def _problem(value: str) -> str | None:
    """Say what is wrong with a label, if anything is."""
    if value.lower() in _MISSING:
        return f"the label is missing (it is {value!r})"
    if len(value) > MOST_CHARACTERS:
        return (
            f"the label has {len(value):,} characters ({value[:20]!r}…); up to {MOST_CHARACTERS} "
            "are allowed"
        )
    if value.startswith("="):
        return f"the label {value[:50]!r} is a formula: save its value"
    return None
