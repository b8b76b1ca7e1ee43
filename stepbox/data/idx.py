"""The IDX file format, in which MNIST and Fashion-MNIST are published."""

import math

import numpy as np
from numpy.typing import NDArray

from stepbox.errors import DatasetError

UINT8 = 0x08  # code of the element type in the header
LONGEST_HEADER = 4 + 4 * 255  # bytes: the number of axes is a single byte


def parse_idx(content: bytes) -> NDArray[np.uint8]:
    """Decode an IDX file of unsigned bytes.

    Parameters
    ----------
    content
        Two zero bytes, the element type, the number of axes, the length of each axis (32 bits,
        big-endian), then the elements in row-major order.

    Returns
    -------
    NDArray[np.uint8]
        Read-only, with the shape that the header gives.

    Raises
    ------
    DatasetError
        The header does not describe an array of uint8, or the length does not match it.

    References
    ----------
    LeCun, Y., Cortes, C., Burges, C.: The MNIST database, "The IDX file format".
    """
    shape, start = parse_idx_header(content, len(content))
    return np.frombuffer(content[start:], np.uint8).reshape(shape)


def parse_idx_header(first: bytes, length: int) -> tuple[tuple[int, ...], int]:
    """Decode the header of an IDX file of unsigned bytes.

    Parameters
    ----------
    first
        The first `LONGEST_HEADER` bytes of the file, or all of them if there are fewer.
    length
        Number of bytes in the file.

    Returns
    -------
    tuple
        The shape of the array, and the number of bytes before its elements.

    Raises
    ------
    DatasetError
        As for `parse_idx`.
    """
    if len(first) < 4 or first[:3] != bytes((0, 0, UINT8)):
        raise DatasetError("not an IDX file of unsigned bytes")
    start = 4 + 4 * first[3]
    shape = tuple(int.from_bytes(first[at : at + 4], "big") for at in range(4, start, 4))
    if len(first) < start or length - start != math.prod(shape):
        raise DatasetError(f"an IDX file of {length} bytes cannot hold the shape {shape}")
    return shape, start
