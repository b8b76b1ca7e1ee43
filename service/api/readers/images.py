"""What all readers share: the forms of samples, their limits, and the scale of their numbers."""

from collections.abc import Iterable, Iterator
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.server.client_disconnected import raise_if_disconnected
from stepbox.data.dataset import DatasetSpec, PixelScale
from stepbox.errors import InvalidInputError
from stepbox.images.decode import MAX_PIXELS, Grey, decode_image
from stepbox.images.prepare import color_of

MOST_IMAGES = 10_000
MOST_PIXELS = 10 * MAX_PIXELS  # in all image files of a request
MOST_LISTED = 10  # columns that an error lists

Pixels = NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.float64]

# Samples of the model's shape, (n, *shape), or images of any sizes, one by one. Levels 0..255.
Images = Pixels | list[Grey] | Iterator[Grey]


class Sent(NamedTuple):
    """A request's body, what the request says about it, and the model's data set.

    Attributes
    ----------
    data
        The body, not compressed.
    spec
        The data set of the model that the samples are for.
    scale
        `unit` if white is 1, `raw` if it is 255, None if the request does not say it.
    boundary
        The text between the parts of a form.
    """

    data: bytes
    spec: DatasetSpec
    scale: PixelScale | None = None
    boundary: str = ""


@cache
def forms_of(shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the forms that the numbers of one sample may have, each with another depth."""
    flat = (prod(shape),)
    return {1: (shape,), 2: (shape, flat, (*shape, 1)), 3: (shape, flat)}[len(shape)]


def input_name(spec: DatasetSpec) -> str:
    """Return what requests call the samples of a model: `images`, or `inputs` for vectors."""
    return "images" if spec.kind == "images" else "inputs"


def describe_input(spec: DatasetSpec) -> str:
    """Say what a model takes, for errors."""
    if spec.kind == "vectors":
        names = list(spec.columns or ())
        more = ", …" if len(names) > MOST_LISTED else ""
        listed = f" ({', '.join(names[:MOST_LISTED])}{more})" if names else ""
        return f"this model takes vectors of {spec.features:,} numbers{listed}"
    mode = "grey" if len(spec.shape) == 2 else "RGB"
    return f"this model takes {mode} images of {spec.shape[0]}×{spec.shape[1]} pixels"


def check_takes_files(spec: DatasetSpec, pointer: str) -> None:
    """Raise InvalidInputError if a model does not take images."""
    if spec.kind != "images":
        raise InvalidInputError.at(pointer, f"is an image file, but {describe_input(spec)}")


def decode_files(files: Iterable[tuple[str, bytes]], spec: DatasetSpec) -> Iterator[Grey]:
    """Decode image files one by one, up to `MOST_PIXELS` in total. Each has a JSON pointer."""
    left = MOST_PIXELS
    color = color_of(spec)
    for pointer, data in files:
        raise_if_disconnected()
        check_takes_files(spec, pointer)
        image = decode_image(data, pointer=pointer, max_pixels=left, color=color)
        left -= image.shape[0] * image.shape[1]
        yield image


def check_count(count: int, pointer: str, spec: DatasetSpec) -> None:
    """Raise InvalidInputError if a request has no samples or too many."""
    if not 1 <= count <= MOST_IMAGES:
        raise InvalidInputError.at(pointer, f"has {count:,} {spec.kind}: send 1 to {MOST_IMAGES:,}")


def check_shape(shape: tuple[int, ...], pointer: str, spec: DatasetSpec) -> None:
    """Raise InvalidInputError if an array is neither a sample nor a list of samples."""
    forms = forms_of(spec.shape)
    if shape not in forms:
        if shape[1:] not in forms:
            *first, last = (str(("n", *form)).replace("'", "") for form in forms)
            listed = f"{', '.join(first)} or {last}" if first else last
            raise InvalidInputError.at(
                pointer,
                f"has the shape {shape}, but {describe_input(spec)}: send {spec.kind} with the "
                f"shape {listed}, or one without the n",
            )
        check_count(shape[0], pointer, spec)


def to_samples(
    numbers: NDArray[Any], scale: PixelScale | None, pointer: str, spec: DatasetSpec
) -> Pixels:
    """Turn the numbers of samples into levels, or into vectors.

    Parameters
    ----------
    numbers
        Integers or floats of any size, shape (n, ...) with the shape of a sample.
    scale
        Which number is white: 1 (`unit`) or 255 (`raw`). None: 255, if a number is over 1.
    pointer
        RFC 6901 pointer for errors to name.
    spec
        The data set of the model.

    Returns
    -------
    Pixels
        Shape (n, *spec.shape). Images: levels 0..255, uint8 if the numbers are integers and white
        is 255, float32 if they are floats of at most 32 bits. Vectors: float64.

    Raises
    ------
    InvalidInputError
        A number is out of range. Or the scale is unknown, because the largest number is not 0 and
        at most 1.
    """
    if spec.kind == "vectors":
        return _to_vectors(numbers.reshape(-1, *spec.shape), scale, pointer)
    images = numbers.reshape(-1, *spec.shape)
    high, white = images.max().item(), 1 if scale == "unit" else 255
    low = 0 if images.dtype == np.uint8 else images.min().item()
    if not 0 <= low <= high <= white:  # not a number is neither
        in_range = ((images >= 0) & (images <= white)).reshape(len(images), -1).all(axis=1)
        index = int(np.argmin(in_range))
        raise InvalidInputError.at(
            pointer,
            f"must have numbers from 0 to {white}, but image {index} has numbers from "
            f"{images[index].min():.6g} to {images[index].max():.6g}",
        )
    if scale is None and 0 < high <= 1:
        raise InvalidInputError.at(
            pointer,
            'has no number over 1, so white could be 1 or 255: add "scale": "unit" if it is 1, or '
            '"scale": "raw" if it is 255 (to the query if the body is not JSON, to the parameters '
            "of a v2 request)",
        )
    grey: Pixels
    if images.dtype.kind != "f":
        grey = images.astype(np.uint8, copy=False)
    elif images.itemsize > 4:
        grey = images.astype(np.float64, copy=False)
    else:
        grey = images.astype(np.float32, copy=False)
    if scale == "unit":
        return np.multiply(grey, 255, out=grey if grey.flags.writeable else None)
    return grey


def _to_vectors(rows: NDArray[Any], scale: PixelScale | None, pointer: str) -> Pixels:
    """Check the numbers of vectors, shape (n, features)."""
    if scale is not None:
        raise InvalidInputError.at("/scale", "is for images, but this model takes vectors")
    with np.errstate(over="ignore"):
        vectors = rows.astype(np.float64, copy=False)
    if not np.isfinite(vectors).all():
        index, column = np.argwhere(~np.isfinite(vectors))[0]
        raise InvalidInputError.at(
            pointer,
            f"must have finite numbers, but vector {index} has {rows[index, column]} at position "
            f"{column}, counted from 0",
        )
    return vectors
