"""Many images as one."""

import numpy as np
from numpy.typing import NDArray


def sheet(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Put images side by side, row by row and without gaps.

    Parameters
    ----------
    images
        Shape (n, height, width) or (n, height, width, 3), n ≥ 1.
    columns
        Number of images in a row.

    Returns
    -------
    Shape (rows * height, columns * width, …). What is left of the last row is black.
    """
    count, height, width, *channels = images.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height, width, *channels), np.uint8)
    cells[:count] = images
    cells = cells.reshape(rows, columns, height, width, *channels).swapaxes(1, 2)
    return cells.reshape(rows * height, columns * width, *channels)
