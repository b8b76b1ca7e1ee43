"""Decide what the columns of a table are for."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from stepbox.data.readers.checks import check_features
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError

SPLIT_COLUMN = "split"
_PIXEL = re.compile(r"pixel\d+|\d+x\d+")
_INDEX_NAMES = ("Unnamed:", "__index_level_")  # of columns without a name, in pandas
_LISTED = 20  # columns that a message lists


class Columns(NamedTuple):
    """What the columns of a table are for.

    Attributes
    ----------
    label
        Name of the column with the labels; None if there is none.
    features
        Names of the columns with numbers.
    side
        Height and width of an image if the features are its pixels, else None.
    has_split
        Whether the column ``split`` says to which part each row belongs.
    """

    label: str | None
    features: Sequence[str]
    side: int | None
    has_split: bool

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return (self.side, self.side) if self.side else (len(self.features),)


def find_label(names: Sequence[str], label: str, limits: Limits) -> str | None:
    """Return the column with the labels; None if there is none, and none is needed.

    Raises
    ------
    InvalidInputError
        There is none; the error names the columns that the table has.
    """
    if label not in names and limits.labels:
        listed = ", ".join(repr(name)[:60] for name in names[:_LISTED])
        more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
        example = next((name for name in reversed(names[:_LISTED]) if name), "species")
        raise InvalidInputError.at(
            "",
            f"there is no column {label!r} with the labels. The columns are {listed}{more}. "
            f"Choose one, for example with label={example[:60]}; a CSV file has their names in "
            "its first row",
        )
    return label if label in names else None


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
    found = find_label(names, label, limits)
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name.strip() or name.startswith(_INDEX_NAMES):
            raise InvalidInputError.at(
                "",
                f"column {number} has no name. If it only counts the rows, save the table without "
                "it (in pandas, with index=False)",
            )
        if name in seen:
            raise InvalidInputError.at("", f"two columns have the name {name[:60]!r}")
        seen.add(name)
    has_split = SPLIT_COLUMN in names and label != SPLIT_COLUMN
    features = [
        name for name in names if name != found and not (has_split and name == SPLIT_COLUMN)
    ]
    if not features:
        raise InvalidInputError.at("", f"there is no column besides {label!r}")
    check_features(len(features), limits, "the table")
    return Columns(found, features, _side(features), has_split)


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
