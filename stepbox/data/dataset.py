"""MNIST and Fashion-MNIST from their IDX files.

Images are uint8 of shape (n, 28, 28), 0 (background) to 255; labels are uint8
of shape (n,), 0 to 9, indices into `CLASSES`.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stepbox.data.checksums import CHECKSUMS, FOLDERS
from stepbox.errors import DatasetError
from stepbox.nn.activations import Array
from stepbox.training.recipe import DatasetName, PixelScale

Split = Literal["train", "test"]

TRAIN_SAMPLES = 60_000  # of either data set
TEST_SAMPLES = 10_000

CLASSES: dict[DatasetName, tuple[str, ...]] = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}

PREFIXES: dict[Split, str] = {"train": "train", "test": "t10k"}

IDX_UINT8 = 0x08


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and their labels.

    Attributes
    ----------
    name
        Which data set they are of.
    images
        Shape (n, 28, 28), 0..255.
    labels
        Shape (n,), 0..9.
    """

    name: DatasetName
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def load_dataset(folder: Path, name: DatasetName, split: Split) -> Dataset:
    """Read one half of a data set, after checking its files.

    Parameters
    ----------
    folder
        The folder that holds ``MNIST/raw`` and ``FashionMNIST/raw``.
    name
        The data set.
    split
        ``train`` (60,000 images) or ``test`` (10,000).

    Returns
    -------
    Dataset
        Its arrays are read-only.

    Raises
    ------
    DatasetError
        A file is missing, or its MD5 differs from the published one.
    """
    prefix = PREFIXES[split]
    images = _read_checked(folder, name, f"{prefix}-images-idx3-ubyte")
    labels = _read_checked(folder, name, f"{prefix}-labels-idx1-ubyte")
    return Dataset(name, images, labels)


def scale_pixels(
    images: NDArray[Any], pixel_scale: PixelScale, dtype: DTypeLike = np.float64
) -> Array:
    """Turn pictures into a network's inputs.

    Parameters
    ----------
    images
        Shape (n, 28, 28), 0..255.
    pixel_scale
        ``unit`` divides by 255, ``raw`` leaves 0..255.
    dtype
        Float type of the result.

    Returns
    -------
    Array
        Shape (n, 784), rows of the picture one after the other.
    """
    inputs: Array = images.reshape(len(images), -1).astype(dtype)
    if pixel_scale == "unit":
        inputs /= 255
    return inputs


def parse_idx(content: bytes) -> NDArray[np.uint8]:
    """Decode an IDX file of bytes.

    Parameters
    ----------
    content
        Two zero bytes, the element type, the number of axes, the length of each
        axis (big-endian, 32 bit), then the elements in row-major order.

    Returns
    -------
    NDArray[np.uint8]
        Read-only, of the shape that the header names.

    Raises
    ------
    DatasetError
        The header is not that of an array of uint8, or the length does not fit it.

    References
    ----------
    LeCun, Y., Cortes, C., Burges, C.: The MNIST database, "The IDX file format".
    """
    if len(content) < 4 or content[:3] != bytes((0, 0, IDX_UINT8)):
        raise DatasetError("not an IDX file of unsigned bytes")
    start = 4 + 4 * content[3]
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    elements = np.frombuffer(content[start:], np.uint8)
    if len(content) < start or elements.size != np.prod(shape, dtype=object):
        raise DatasetError(f"an IDX file of {len(content)} bytes cannot hold the shape {shape}")
    return elements.reshape(shape)


def _read_checked(folder: Path, name: DatasetName, file_name: str) -> NDArray[np.uint8]:
    path = folder / FOLDERS[name] / file_name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: run bin/fetch-datasets") from None
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 != CHECKSUMS[name][file_name]:
        raise DatasetError(
            f"{path} has the MD5 {md5} instead of {CHECKSUMS[name][file_name]}: "
            "delete it and run bin/fetch-datasets"
        )
    return parse_idx(content)
