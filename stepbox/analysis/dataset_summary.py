"""What the samples of a data set look like: mean images, or the distribution of each column."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import Dataset, Kind
from stepbox.nn.activations import Array

MOST_READ = 20_000  # samples: a mean grey level is then exact to one of 255
MOST_VALUES = 2**22  # values of vectors, of which all are in memory at once: 32 MiB
BLOCK_BYTES = 2**22  # of samples that are read at once
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, eq=False)
class SampleStatistics:
    """Statistics of some samples of a split.

    Attributes
    ----------
    read
        Number of samples of each class from which the statistics are computed, shape (classes,).
    mean
        Mean of all these samples, shape (features,).
    class_means
        Mean of those of each class, shape (classes, features): rounded to uint8 in images. It is 0
        where none was read.
    deviations
        Standard deviation of each column, shape (features,); None in images.
    quantiles
        The quantiles `QUANTILES` of each column, shape (5, features); None in images. They are not
        finite where the difference of two values is not.
    """

    read: NDArray[np.int64]
    mean: Array
    class_means: NDArray[np.uint8] | Array
    deviations: Array | None = None
    quantiles: Array | None = None

    @property
    def bytes(self) -> int:
        """Size of the arrays."""
        arrays = (self.read, self.mean, self.class_means, self.deviations, self.quantiles)
        return sum(array.nbytes for array in arrays if array is not None)


def most_read(kind: Kind, features: int) -> int:
    """Return how many samples of a split `sample_statistics` reads at most."""
    return MOST_READ if kind == "images" else max(1, min(MOST_READ, MOST_VALUES // features))


def evenly_spaced(count: int, most: int) -> NDArray[np.int64]:
    """Return up to `most` of the numbers 0 to ``count - 1``, evenly spaced from 0, ascending."""
    chosen = min(count, most)
    return np.arange(chosen, dtype=np.int64) * count // max(1, chosen)


def by_class(labels: NDArray[np.integer], classes: int) -> list[NDArray[np.int64]]:
    """Return the indices of the samples of each class, ascending."""
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=classes))
    return np.split(order, ends[:-1])


def sample_statistics(dataset: Dataset) -> SampleStatistics:
    """Compute means and, for vectors, the distribution of each column.

    A large split is not read completely. If its samples are sorted by class, and those of a class
    by index, the samples that are read are evenly spaced, so that each class has its share.
    """
    classes, features = len(dataset.spec.classes), dataset.spec.features
    sorted_by_class = np.concatenate(by_class(dataset.labels, classes))
    most = most_read(dataset.spec.kind, features)
    indices = np.sort(sorted_by_class[evenly_spaced(len(sorted_by_class), most)])
    labels = dataset.labels[indices]
    read = np.bincount(labels, minlength=classes)
    if dataset.spec.kind == "images":
        sums = _sums(dataset, indices, np.zeros((classes, features), np.uint32))
        mean = sums.sum(axis=0, dtype=np.float64) / len(indices)
        # One row at a time: as floats, all rows could take 100 MB.
        rows = [
            np.rint(row / max(1, n)).astype(np.uint8) for row, n in zip(sums, read, strict=True)
        ]
        return SampleStatistics(read, mean, np.stack(rows))
    vectors = dataset.take(indices)
    with np.errstate(over="ignore", invalid="ignore"):  # in the difference of two huge values
        quantiles = np.quantile(vectors, QUANTILES, axis=0)
    # Divided by the largest value of the column, no sum overflows.
    scale = np.abs(vectors).max(axis=0)
    scale[scale == 0] = 1
    vectors /= scale
    class_means = np.zeros((classes, features))
    for label in np.flatnonzero(read):
        class_means[label] = vectors[labels == label].mean(axis=0) * scale
    mean, deviations = vectors.mean(axis=0) * scale, vectors.std(axis=0) * scale
    return SampleStatistics(read, mean, class_means, deviations, quantiles)


def _sums(
    dataset: Dataset, indices: NDArray[np.int64], sums: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Add the pixels of each image to the row of its class, block by block."""
    block = max(1, BLOCK_BYTES // sums.shape[1])
    for start in range(0, len(indices), block):
        chosen = indices[start : start + block]
        pixels = dataset.take(chosen).reshape(len(chosen), -1)
        labels = dataset.labels[chosen]
        for label in np.unique(labels):
            sums[label] += pixels[labels == label].sum(axis=0, dtype=np.uint32)
    return sums
