"""Read images from NumPy's array files."""

import io
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.api.readers.images import HEIGHT, MOST_IMAGES, WIDTH
from service.bodies.number_lists import IMAGE_SHAPE
from stepbox.errors import InvalidInputError


def read_npy(data: bytes) -> NDArray[np.uint8]:
    """Read a .npy array of uint8, shape (n, *IMAGE_SHAPE). Check its header before its data."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran_order, dtype = read_header(stream)
    except (ValueError, KeyError) as error:
        raise InvalidInputError.at("", f"is not a .npy array: {error}") from None
    if dtype != np.uint8 or len(shape) != 3 or shape[1:] != IMAGE_SHAPE:
        raise InvalidInputError.at(
            "", f"must be uint8 of shape (n, {HEIGHT}, {WIDTH}), but is {dtype} of shape {shape}"
        )
    if not 1 <= shape[0] <= MOST_IMAGES:
        raise InvalidInputError.at("", f"must hold 1 to {MOST_IMAGES:,} images, not {shape[0]:,}")
    start, size = stream.tell(), math.prod(shape)
    if len(data) - start != size:
        raise InvalidInputError.at(
            "", f"must hold {size:,} bytes after its header, not {len(data) - start:,}"
        )
    order: Literal["F", "C"] = "F" if fortran_order else "C"
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape, order=order)
