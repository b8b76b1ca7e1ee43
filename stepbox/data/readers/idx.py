"""Read IDX files, the format in which MNIST and its successors are published."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import Split
from stepbox.data.idx import LONGEST_HEADER, parse_idx_header
from stepbox.data.readers.checks import check_bytes, check_samples, image_shape
from stepbox.data.readers.labels import Labels
from stepbox.data.readers.part import Limits, Part, no_labels
from stepbox.data.readers.splits import by_split
from stepbox.errors import DatasetError, InvalidInputError


def read_idx(files: Sequence[tuple[str, Path]], limits: Limits) -> list[Part]:
    """Read images and labels from IDX files.

    Parameters
    ----------
    files
        Name and path of each file. A name with ``train``, ``test`` or ``t10k`` tells the split.
        A file with one axis has labels, one with three or four axes has images.
    limits
        What the files may contain.

    Returns
    -------
    list[Part]
        One part per split; its images are memory maps of the files.

    Raises
    ------
    InvalidInputError
        A file is malformed or over a limit, or a split does not have one file of images and one
        file of labels.
    """
    groups, warnings = by_split(files)
    splits = {
        split: [(name, _map_idx(name, path)) for name, path in group]
        for split, group in groups.items()
    }
    arrays = [array for found in splits.values() for _, array in found]
    check_samples(sum(len(array) for array in arrays if array.ndim == 1), limits)
    check_bytes(sum(array.size for array in arrays if array.ndim > 1), limits)
    parts = [_part(split, found, limits) for split, found in splits.items()]
    parts[0].warnings.extend(warnings)
    return parts


def _map_idx(name: str, path: Path) -> NDArray[np.uint8]:
    with path.open("rb") as file:
        first = file.read(LONGEST_HEADER)
    try:
        shape, start = parse_idx_header(first, path.stat().st_size)
    except DatasetError as error:
        raise InvalidInputError.at("", f"{name!r}: {error}") from None
    if not all(shape):
        raise InvalidInputError.at("", f"{name!r} has the shape {shape}, so it is empty")
    return np.memmap(path, np.uint8, mode="r", offset=start, shape=shape)


def _part(split: Split | None, arrays: list[tuple[str, NDArray[np.uint8]]], limits: Limits) -> Part:
    found: dict[str, list[tuple[str, NDArray[Any]]]] = {"images": [], "labels": []}
    for name, array in arrays:
        found["labels" if array.ndim == 1 else "images"].append((name, array))
    for what, of_kind in found.items():
        if len(of_kind) != 1 and (of_kind or what == "images" or limits.labels):
            names = ", ".join(repr(name) for name, _ in arrays)
            part = f"the {split} part" if split else "an upload without train or test in its names"
            raise InvalidInputError.at(
                "", f"{part} has {len(of_kind)} IDX files of {what} instead of one, in {names}"
            )
    ((images_name, images),) = found["images"]
    shape = image_shape(images.shape, limits, repr(images_name))
    if not found["labels"]:
        return Part(split, no_labels(len(images)), images.reshape(shape))
    ((labels_name, values),) = found["labels"]
    if len(images) != len(values):
        raise InvalidInputError.at(
            "",
            f"{images_name!r} has {len(images):,} images, but {labels_name!r} has "
            f"{len(values):,} labels",
        )
    labels = Labels(limits, repr(labels_name))
    distinct, indices = np.unique(values, return_inverse=True)
    labels.add([str(value) for value in distinct], indices, lambda index: f"sample {index:,}")
    return Part(split, labels.array(), images.reshape(shape))
