"""What a data set is: `DatasetSpec` describes it, `Dataset` holds its samples."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stepbox.nn.activations import Array

Split = Literal["train", "test"]
DATASET_NAME = re.compile("[a-z0-9][a-z0-9._-]{0,59}")
PixelScale = Literal["unit", "raw"]
Preparation = Literal["none", "mnist", "fashion-mnist"]


@dataclass(frozen=True)
class DatasetSpec:
    """Everything that the rest of Stepbox knows about a data set.

    To add a data set, define a spec and add it to `stepbox.data.builtin.DATASETS`;
    docs/how-to/add-a-data-set.md shows each step.

    Attributes
    ----------
    id
        The name in recipes, requests and cards.
    name
        The name that people read.
    kind
        What a sample is: an image, or a vector of features.
    shape
        Shape of one sample: (height, width) of an image.
    classes
        Names of the classes, in the order of the labels.
    train_samples, test_samples
        Sizes of both splits.
    folder
        Folder of its files, relative to the data folder.
    checksums
        File name → published MD5: images and labels of the training split, then of the test split.
    preparation
        How its publishers prepared the images: as in MNIST, as in Fashion-MNIST, or not at all.
    mirrored
        Whether the mirror image of a sample is a sample of the same class.
    """

    id: str
    name: str
    kind: Literal["images", "vectors"]
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    train_samples: int
    test_samples: int
    folder: str
    checksums: Mapping[str, str]
    preparation: Preparation = "none"
    mirrored: bool = False

    @property
    def features(self) -> int:
        """Number of values in one sample."""
        return math.prod(self.shape)

    @property
    def checksum(self) -> str:
        """SHA-256 of the lines that ``md5sum`` prints for all files."""
        lines = "".join(f"{md5}  {file}\n" for file, md5 in self.checksums.items())
        return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples of a data set, with their labels.

    Attributes
    ----------
    spec
        The data set that the samples are from.
    images
        Shape (samples, *spec.shape), uint8: 0 (background) to 255.
    labels
        Shape (samples,), integers: indices into ``spec.classes``.
    """

    spec: DatasetSpec
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __getitem__(self, samples: slice) -> "Dataset":
        """Return a slice of the samples."""
        return Dataset(self.spec, self.images[samples], self.labels[samples])


def scale_pixels(
    images: NDArray[Any], pixel_scale: PixelScale, dtype: DTypeLike = np.float64
) -> Array:
    """Turn images into a network's inputs.

    Parameters
    ----------
    images
        Shape (samples, height, width), 0..255.
    pixel_scale
        ``unit`` divides by 255, ``raw`` leaves 0..255.
    dtype
        Float type of the result.

    Returns
    -------
    Array
        Shape (samples, height × width): the rows of each image, one after the other.
    """
    inputs: Array = images.reshape(len(images), -1).astype(dtype)
    if pixel_scale == "unit":
        inputs /= 255
    return inputs
