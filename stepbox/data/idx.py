"""The IDX file format, in which MNIST and Fashion-MNIST are published."""

import numpy as np
from numpy.typing import NDArray

from stepbox.errors import DatasetError

UINT8 = 0x08  # code of the element type in the header


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
    if len(content) < 4 or content[:3] != bytes((0, 0, UINT8)):
        raise DatasetError("not an IDX file of unsigned bytes")
    start = 4 + 4 * content[3]
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    elements = np.frombuffer(content[start:], np.uint8)
    if len(content) < start or elements.size != np.prod(shape, dtype=object):
        raise DatasetError(f"an IDX file of {len(content)} bytes cannot hold the shape {shape}")
    return elements.reshape(shape)
