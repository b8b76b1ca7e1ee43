"""Classes: their names and order, from the labels of all parts."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import LABEL_DTYPE
from stepbox.data.readers.names import natural_key
from stepbox.data.readers.part import Limits, Part
from stepbox.errors import InvalidInputError

FEW = 10  # samples: with fewer, a class can hardly be learned, and its test figures mean little
NAMED = 5  # classes that a sentence names


class Classes(NamedTuple):
    """The classes of an upload.

    Attributes
    ----------
    names
        Whole numbers in numeric order, other names in natural order ("2" before "10").
    labels
        For each part, indices into `names`, shape (samples,).
    warnings
        What users should know about the labels, as sentences.
    """

    names: tuple[str, ...]
    labels: list[NDArray[Any]]
    warnings: list[str]


def find_classes(parts: Sequence[Part], limits: Limits) -> Classes:
    """Find the classes of all parts.

    Raises
    ------
    InvalidInputError
        There are fewer than two classes or more than the limit, or a label has no name.
    """
    given = next((part.classes for part in parts if part.classes is not None), None)
    warnings = []
    if given is None:
        values = {value for part in parts for value in set(part.labels.tolist())}
        names = tuple(sorted({str(value) for value in values}, key=order_of_class))
        index = {name: number for number, name in enumerate(names)}
        if all(re.fullmatch(r"-?\d+", name) for name in names):
            warnings += _skipped([int(name) for name in names])
    else:
        names = tuple(given)
        index = {str(number): number for number in range(len(names))}
    if not 2 <= len(names) <= limits.classes:
        found = f"only the class {names[0]!r}" if len(names) == 1 else f"{len(names):,} classes"
        raise InvalidInputError.at(
            "", f"the upload has {found}; 2 to {limits.classes:,} are allowed"
        )
    return Classes(names, [_indices(part.labels, index) for part in parts], warnings)


def order_of_class(name: str) -> tuple[bool, int, str, str]:
    """Return a sort key: whole numbers first, then other names in natural order."""
    whole = re.fullmatch(r"-?\d+", name) is not None
    return not whole, int(name) if whole else 0, natural_key(name), name


def _indices(labels: NDArray[Any], index: dict[str, int]) -> NDArray[Any]:
    values, inverse = np.unique(labels, return_inverse=True)
    try:
        table = np.array([index[str(value)] for value in values], LABEL_DTYPE)
    except KeyError as error:
        raise InvalidInputError.at(
            "", f"the upload has the label {error.args[0]}, but only {len(index)} names of classes"
        ) from None
    found: NDArray[Any] = table[inverse]
    return found


def _skipped(numbers: list[int]) -> list[str]:
    missing = sorted({*range(min(0, numbers[0]), numbers[-1])} - {*numbers}) if numbers else []
    if numbers[-1] - numbers[0] > 10 * len(numbers):
        return ["The labels are whole numbers with large gaps; each is a class of its own."]
    if numbers[0] == 1 and missing == [0]:
        return []  # counting from 1 skips nothing
    return [f"The labels skip {some(map(str, missing))}."] if missing else []


def rare(names: Sequence[str], counts: NDArray[np.int64]) -> list[str]:
    """Warn of classes with few samples; counts has the shape (classes,)."""
    few = [f"{name!r} ({n})" for name, n in zip(names, counts.tolist(), strict=True) if n < FEW]
    return [f"Classes with fewer than {FEW} samples: {some(few)}."] if few else []


def some(texts: Any) -> str:
    """List the first few texts, and count the others."""
    texts = list(texts)
    more = f" and {len(texts) - NAMED:,} more" if len(texts) > NAMED else ""
    return ", ".join(texts[:NAMED]) + more
