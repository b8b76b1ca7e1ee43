"""What a reader finds in an uploaded file: parts, each with samples and their labels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import MOST_CLASSES, Split


def _proceed() -> None:
    """Let an import go on."""


class Limits(NamedTuple):
    """What an upload may contain, and whether to go on.

    A reader rejects what is over a limit before it does any work on it.

    Attributes
    ----------
    classes, samples
        Largest numbers of classes, and of samples in all parts together.
    bytes
        Largest size of the samples on disk, after they have been decoded.
    features
        Largest number of columns of a table, besides the label, and of values in one sample.
    labels
        Whether each sample must have a label. If not, all samples of a part have one, or none has.
    proceed
        Called after each block of an upload. It raises an exception if the import must stop.
    """

    classes: int = MOST_CLASSES
    samples: int = 2_000_000
    bytes: int = 4 * 2**30
    features: int = 12_288  # 64 × 64 pixels in three colors
    labels: bool = True
    proceed: Callable[[], None] = _proceed


class ImageFiles(Protocol):
    """Encoded images. They may be iterated over several times, always in the same order."""

    def __len__(self) -> int:
        """Return the number of files."""

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name of each file, for messages, and its content."""


@dataclass(frozen=True, eq=False)
class Part:
    """Samples of an upload that are in the same split.

    Attributes
    ----------
    split
        ``train`` or ``test`` if the upload says so; None if Stepbox has to split these samples.
    labels
        Shape (samples,): the label of each sample, either int64 or Python strings (dtype object);
        or `no_labels`.
    samples
        Image files; or an array with one row per sample, possibly a memory map of a scratch file:
        uint8 of shape (samples, height, width) or (samples, height, width, 3), 0..255; or float64
        of shape (samples, features).
    classes
        Names of the classes, if the upload gives them: integer labels are indices into them.
    columns
        Names of the features, for a table.
    warnings
        What users should know about this part, as sentences.
    """

    split: Split | None
    labels: NDArray[Any]
    samples: ImageFiles | NDArray[np.uint8] | NDArray[np.float64]
    classes: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    warnings: list[str] = field(default_factory=list)


def no_labels(samples: int) -> NDArray[Any]:
    """Return the labels of samples that have none, shape (samples,): all are None."""
    return np.full(samples, None, object)
