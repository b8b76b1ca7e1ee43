"""The built-in data sets, and how their files are read."""

import hashlib
import os
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from stepbox.data.checksums import CHECKSUMS, FOLDERS
from stepbox.data.dataset import Dataset, DatasetSpec, Split
from stepbox.data.idx import parse_idx
from stepbox.errors import DatasetError, NotFoundError
from stepbox.registry import KeyOf

MNIST = DatasetSpec(
    id="mnist",
    name="MNIST",
    kind="images",
    shape=(28, 28),
    classes=tuple("0123456789"),
    train_samples=60_000,
    test_samples=10_000,
    folder=FOLDERS["mnist"],
    checksums=CHECKSUMS["mnist"],
    preparation="mnist",
)
FASHION_MNIST = DatasetSpec(
    id="fashion-mnist",
    name="Fashion-MNIST",
    kind="images",
    shape=(28, 28),
    classes=(
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
    train_samples=60_000,
    test_samples=10_000,
    folder=FOLDERS["fashion-mnist"],
    checksums=CHECKSUMS["fashion-mnist"],
    preparation="fashion-mnist",
    mirrored=True,
)

DATASETS: dict[str, DatasetSpec] = {spec.id: spec for spec in (MNIST, FASHION_MNIST)}

MOST_CLASSES = max(len(spec.classes) for spec in DATASETS.values())

DatasetName = Annotated[str, KeyOf(DATASETS)]


def load_dataset(name: DatasetName, split: Split, folder: str | Path | None = None) -> Dataset:
    """Read one split of a data set, after checking its files.

    Parameters
    ----------
    name
        Id of the data set.
    split
        ``train`` or ``test``.
    folder
        The data folder, which bin/fetch-datasets fills; by default ``$STEPBOX_DATA_DIR``, else
        ``data``.

    Returns
    -------
    Dataset
        The split. Its arrays are read-only.

    Raises
    ------
    NotFoundError
        There is no such data set or split.
    DatasetError
        A file is missing, its MD5 differs from the published one, or its shape differs from the
        `DatasetSpec`.
    """
    if name not in DATASETS or split not in ("train", "test"):
        raise NotFoundError(
            f"there is no data set {name!r} with a split {split!r}: the data sets "
            f"{' and '.join(DATASETS)} have the splits train and test"
        )
    spec = DATASETS[name]
    folder = Path(folder or os.environ.get("STEPBOX_DATA_DIR", "data"))
    files = list(spec.checksums)
    images, labels = (
        _read_checked(folder, spec, file) for file in (files[:2] if split == "train" else files[2:])
    )
    samples = spec.train_samples if split == "train" else spec.test_samples
    if images.shape != (samples, *spec.shape) or labels.shape != (samples,):
        raise DatasetError(
            f"the {split} files of {name!r} hold {images.shape} images and {labels.shape} labels "
            f"instead of {(samples, *spec.shape)} and {(samples,)}"
        )
    return Dataset(spec, images, labels)


def _read_checked(folder: Path, spec: DatasetSpec, file: str) -> NDArray[np.uint8]:
    path = folder / spec.folder / file
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(
            f"{path} is missing: run bin/fetch-datasets, or name the folder in STEPBOX_DATA_DIR"
        ) from None
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 != spec.checksums[file]:
        raise DatasetError(
            f"{path} has the MD5 {md5} instead of {spec.checksums[file]}: "
            "delete it and run bin/fetch-datasets"
        )
    return parse_idx(content)
