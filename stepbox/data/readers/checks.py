"""Check sizes against the limits, and values of pixels and features."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError

WHOLE_PIXELS = "pixels must be whole numbers from 0 to 255"


def check_samples(samples: int, limits: Limits) -> None:
    """Reject too many samples, in all parts together."""
    if samples > limits.samples:
        raise InvalidInputError.at(
            "", f"the upload has more than {limits.samples:,} samples, which is the limit"
        )


def check_bytes(size: int, limits: Limits) -> None:
    """Reject samples that take too many bytes, in all parts together."""
    if size > limits.bytes:
        raise InvalidInputError.at(
            "", f"the samples take more than {limits.bytes:,} bytes on disk, which is the limit"
        )


def check_features(features: int, limits: Limits, where: str) -> None:
    """Reject too many values in one sample."""
    if features > limits.features:
        raise InvalidInputError.at(
            "",
            f"{where} has {features:,} values per sample; up to {limits.features:,} are allowed",
        )


def image_shape(shape: tuple[int, ...], limits: Limits, where: str) -> tuple[int, ...]:
    """Check the shape of an array of images.

    Returns
    -------
    tuple[int, ...]
        (samples, height, width), or (samples, height, width, 3) for images with colors.

    Raises
    ------
    InvalidInputError
        The array is empty, has another number of axes or channels, or too large images.
    """
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise InvalidInputError.at(
            "",
            f"{where} has the shape {shape}. Images have the shape (samples, height, width), or "
            "(samples, height, width, channels) with 1 or 3 channels",
        )
    if not all(shape):
        raise InvalidInputError.at("", f"{where} has the shape {shape}, so it is empty")
    check_features(math.prod(shape[1:]), limits, where)
    return shape[:3] if shape[3:] == (1,) else shape


def first_invalid_pixel(block: NDArray[Any]) -> tuple[int, ...] | None:
    """Return the index of the first value that is not a whole number from 0 to 255, if any."""
    if block.dtype == np.uint8:
        return None
    valid = (block >= 0) & (block <= 255)
    if block.dtype.kind == "f":
        valid &= block == np.floor(block)
    return None if valid.all() else _first(~valid)


def first_missing(block: NDArray[Any]) -> tuple[int, ...] | None:
    """Return the index of the first value that is not finite, if any."""
    finite = np.isfinite(block)
    return None if finite.all() else _first(~finite)


def _first(where: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(index) for index in np.unravel_index(int(where.argmax()), where.shape))
