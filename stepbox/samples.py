"""Turn what callers pass as a sample into what a network of a data set takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError
from stepbox.images.decode import decode_image
from stepbox.images.field import Invert
from stepbox.images.prepare import Fit, color_of, prepare
from stepbox.nn.activations import Array

Sample = str | Path | bytes | NDArray[Any] | Sequence[float] | Mapping[str, float]
"""What `Model.predict` classifies: a file, its bytes, levels of grey or color, or a vector."""


def prepare_sample(
    spec: DatasetSpec, sample: Sample, invert: Invert, fit: Fit
) -> NDArray[np.uint8] | Array:
    """Turn a sample into pixels or a vector, in the shape of a data set; see `Model.predict`."""
    if spec.kind == "vectors":
        return _vector(sample, spec)
    if isinstance(sample, str | Path):
        sample = Path(sample).read_bytes()
    if isinstance(sample, bytes):
        sample = decode_image(sample, pointer="/image", color=color_of(spec))
    return prepare(_levels(sample), spec, invert=invert, fit=fit).pixels


def _vector(sample: Any, spec: DatasetSpec) -> Array:
    """Return a vector in the order of the columns; raise InvalidInputError if it is none."""
    if isinstance(sample, Mapping):
        names = spec.columns or ()
        if sample.keys() != set(names):
            raise InvalidInputError.at("/input", f"must have the columns {', '.join(names)}")
        sample = [sample[name] for name in names]
    try:
        array = np.asarray(sample)
    except ValueError:  # lists of different lengths
        array = np.empty(0)
    if array.dtype.kind not in "iuf" or array.shape != spec.shape or not np.isfinite(array).all():
        raise InvalidInputError.at(
            "/input", f"must be {spec.features:,} finite numbers, one for each column"
        )
    return array.astype(np.float64)


def _levels(image: Any) -> NDArray[np.uint8]:
    """Return an image as uint8; raise InvalidInputError if that would change a value."""
    array = np.asarray(image)
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if array.dtype.kind not in "iu" or not is_image or not array.size:
        raise InvalidInputError.at(
            "/image",
            "must be integers 0..255 of shape (height, width) or (height, width, 3), but is an "
            f"array of {array.dtype} of shape {array.shape}",
        )
    if array.min() < 0 or array.max() > 255:
        raise InvalidInputError.at(
            "/image", f"must be 0..255, but its values are {array.min()}..{array.max()}"
        )
    return array.astype(np.uint8)
