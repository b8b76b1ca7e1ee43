"""What users should know about a data set before they train on it."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stepbox.importing.duplicates import find_duplicates

BLOCK = 2000  # images that are read at a time
DARK, LIGHT = 64, 192  # grey levels: a border below, or above, is dark, or light
MOST = 0.9  # share of images whose border must be so


def background_of(images: NDArray[np.uint8]) -> Literal["dark", "light"] | None:
    """Tell whether images, shape (samples, height, width, …), have a dark or a light border."""
    dark = light = 0
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK]
        edges = [block[:, 0], block[:, -1], block[:, :, 0], block[:, :, -1]]
        border = np.concatenate([edge.reshape(len(block), -1) for edge in edges], axis=1)
        means = border.mean(axis=1)
        dark += int((means < DARK).sum())
        light += int((means > LIGHT).sum())
    if dark >= MOST * len(images):
        return "dark"
    return "light" if light >= MOST * len(images) else None


def compare_splits(train: NDArray[Any], test: NDArray[Any]) -> list[str]:
    """Warn of samples that are in both splits, or nearly so, and of samples without content."""
    found = find_duplicates(train, test)
    warnings = []
    if found.identical:
        warnings.append(
            f"Test samples that are also training samples: {found.identical:,}. So the test "
            "accuracy is too high."
        )
    if found.similar:
        warnings.append(
            f"Test images that are almost the same as training images: {found.similar:,} of "
            f"{found.compared:,}. So the test accuracy may be too high."
        )
    if _constant(train) and _constant(test):
        warnings.append("All samples have the same values, so there is nothing to learn.")
    return warnings


def _constant(samples: NDArray[Any]) -> bool:
    return all(
        bool((samples[start : start + BLOCK] == samples[0]).all())
        for start in range(0, len(samples), BLOCK)
    )
