"""The built-in data sets, and how their files are read."""

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stepbox.data.checksums import CHECKSUMS, FOLDERS
from stepbox.data.dataset import Dataset, DatasetSpec, Split, SplitSpec
from stepbox.data.idx import parse_idx
from stepbox.data.plane import GeneratedData
from stepbox.errors import DatasetError, NotFoundError

MNIST = DatasetSpec(
    id="d-921b8351caad",
    name="mnist",
    title="MNIST",
    kind="images",
    shape=(28, 28),
    classes=tuple("0123456789"),
    train=SplitSpec(
        samples=60_000,
        per_class=(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
        sha256="00be1c9c12d4dc26b8ac36edf1aa0fcd54dbf4dc68ab6476aac50527b221e393",
    ),
    test=SplitSpec(
        samples=10_000,
        per_class=(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
        sha256="fc21c3bdc4a0f57c0b3f59f2108a3b19193debfe3906126ed146e29853fcd5e6",
    ),
    folder=FOLDERS["mnist"],
    checksums=CHECKSUMS["mnist"],
    preparation="mnist",
    background="dark",
    augmentations=("affine", "distort"),
)
FASHION_MNIST = DatasetSpec(
    id="d-a96fff8c2d9f",
    name="fashion-mnist",
    title="Fashion-MNIST",
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
    train=SplitSpec(
        samples=60_000,
        per_class=(6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000),
        sha256="dbf4beb3bdbc201f67106d90fd1c6a2b8814147f938deedaa07bc9b433eef32a",
    ),
    test=SplitSpec(
        samples=10_000,
        per_class=(1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000),
        sha256="3d90bab5c45d395d93feec4b0799769e4f68168f0fd635c52c926ff75d980520",
    ),
    folder=FOLDERS["fashion-mnist"],
    checksums=CHECKSUMS["fashion-mnist"],
    preparation="fashion-mnist",
    background="dark",
    augmentations=("mirror-shift",),
)

DATASETS: dict[str, DatasetSpec] = {spec.name: spec for spec in (MNIST, FASHION_MNIST)}
"""The data sets that are built in, by name."""


def load_dataset(name: str, split: Split, folder: str | Path | None = None) -> Dataset:
    """Read one split of a built-in data set, after checking its files; or make a generated one.

    Parameters
    ----------
    name
        Name of the data set: of a built-in one, or such as ``spiral-3-300-noise0.1-seed0``.
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
    if split in ("train", "test") and (generated := GeneratedData.of_name(name)):
        return generated.splits()[split]
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
    samples = spec.split(split).samples
    if images.shape != (samples, *spec.shape) or labels.shape != (samples,):
        raise DatasetError(
            f"the {split} files of {name!r} hold {images.shape} images and {labels.shape} labels "
            f"instead of {(samples, *spec.shape)} and {(samples,)}"
        )
    return Dataset(spec, images, labels)


def _read_checked(folder: Path, spec: DatasetSpec, file: str) -> NDArray[np.uint8]:
    path = folder / (spec.folder or spec.name) / file
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
