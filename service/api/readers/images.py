"""What all readers share: the forms of images, their limits, and the scale of their numbers."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.server.client_disconnected import raise_if_disconnected
from stepbox.data.builtin import MNIST
from stepbox.data.dataset import PixelScale
from stepbox.errors import InvalidInputError
from stepbox.images.decode import MAX_PIXELS, Grey, decode_image

MOST_IMAGES = 10_000
MOST_PIXELS = 10 * MAX_PIXELS  # in all image files of a request

IMAGE_SHAPE = HEIGHT, WIDTH = MNIST.shape  # both data sets have this shape
FORMS = ((HEIGHT, WIDTH), (HEIGHT * WIDTH,), (HEIGHT, WIDTH, 1))  # of the numbers of one image

Pixels = NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.float64]

# Images of one shape, (n, height, width), or of any sizes, one by one. Grey levels 0..255.
Images = Pixels | list[Grey] | Iterator[Grey]


class Sent(NamedTuple):
    """A request's body, and what the request says about it.

    Attributes
    ----------
    data
        The body, not compressed.
    scale
        `unit` if white is 1, `raw` if it is 255, None if the request does not say it.
    boundary
        The text between the parts of a form.
    """

    data: bytes
    scale: PixelScale | None = None
    boundary: str = ""


def decode_files(files: Iterable[tuple[str, bytes]]) -> Iterator[Grey]:
    """Decode image files one by one, up to `MOST_PIXELS` in total. Each has a JSON pointer."""
    left = MOST_PIXELS
    for pointer, data in files:
        raise_if_disconnected()
        image = decode_image(data, pointer=pointer, max_pixels=left)
        left -= image.size
        yield image


def check_count(count: int, pointer: str) -> None:
    """Raise InvalidInputError if a request has no images or too many."""
    if not 1 <= count <= MOST_IMAGES:
        raise InvalidInputError.at(pointer, f"has {count:,} images: send 1 to {MOST_IMAGES:,}")


def check_shape(shape: tuple[int, ...], pointer: str) -> None:
    """Raise InvalidInputError if an array is neither an image nor a list of images."""
    if shape not in FORMS:
        if shape[1:] not in FORMS:
            raise InvalidInputError.at(
                pointer,
                f"has the shape {shape}: send images with the shape (n, {HEIGHT}, {WIDTH}), "
                f"(n, {HEIGHT * WIDTH}) or (n, {HEIGHT}, {WIDTH}, 1), or one image without the n",
            )
        check_count(shape[0], pointer)


def to_grey(numbers: NDArray[Any], scale: PixelScale | None, pointer: str) -> Pixels:
    """Turn the numbers of images into grey levels.

    Parameters
    ----------
    numbers
        Integers or floats of any size, shape (n, ...) with the shape of an image.
    scale
        Which number is white: 1 (`unit`) or 255 (`raw`). None: 255, if a number is over 1.
    pointer
        RFC 6901 pointer for errors to name.

    Returns
    -------
    Pixels
        Grey levels 0..255, shape (n, *IMAGE_SHAPE). uint8 if the numbers are integers and white
        is 255. float32 if they are floats of at most 32 bits.

    Raises
    ------
    InvalidInputError
        A number is out of range. Or the scale is unknown, because the largest number is not 0 and
        at most 1.
    """
    images = numbers.reshape(-1, *IMAGE_SHAPE)
    high, white = images.max().item(), 1 if scale == "unit" else 255
    low = 0 if images.dtype == np.uint8 else images.min().item()
    if not 0 <= low <= high <= white:  # not a number is neither
        in_range = ((images >= 0) & (images <= white)).all(axis=(1, 2))
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
