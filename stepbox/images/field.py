"""The field: the image of a network's shape that an image is placed on."""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stepbox.images.decode import Grey

Invert = Literal["auto", "always", "never"]
Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are exclusive
Shape = tuple[int, ...]  # (height, width), or (height, width, 3) in color

DIGIT_MARGIN = 4  # pixels around a digit in MNIST: digits of 20 pixels in a field of 28
MIN_CONTRAST = 16  # grey levels; an image with less contrast shows nothing


class Prepared(NamedTuple):
    """An image as a network sees it, and how it was prepared.

    Column x of the image is column `offset[0] + (x − box[0]) · zoom` of the field. Row y is row
    `offset[1] + (y − box[1]) · zoom`.

    Attributes
    ----------
    pixels
        The field: levels 0..255, of the network's shape.
    inverted
        Whether light and dark were exchanged.
    box
        Left, top, right and bottom of the part of the image that was used, in its pixels. Right
        and bottom are exclusive.
    zoom
        Field pixels per image pixel, along the longer side.
    offset
        Column and row of the field where the box begins.
    ground
        Grey level of the background after the inversion, 0..255; in color, three levels.
    preparation
        Name of the preparation. ``none`` only scales the image.
    stroke_width
        Mean width of the strokes before and after they were made wider or narrower, in pixels of
        the field. None if no strokes were looked for.
    lines_removed
        How many lines of ruled or squared paper were removed.
    desk_cropped
        Whether a desk around the paper was cropped.
    """

    pixels: Grey
    inverted: bool
    box: Box
    zoom: float
    offset: tuple[int, int]
    ground: int | list[int]
    preparation: str = "none"
    stroke_width: tuple[float, float] | None = None
    lines_removed: int = 0
    desk_cropped: bool = False


def scale_part(
    grey: Grey, box: Box, shape: Shape, resample: Image.Resampling = Image.Resampling.LANCZOS
) -> tuple[Grey, float]:
    """Scale a part of an image to the largest size that fits a shape; return it and the zoom."""
    left, top, right, bottom = box
    zoom = min(shape[0] / (bottom - top), shape[1] / (right - left))
    size = max(1, round((right - left) * zoom)), max(1, round((bottom - top) * zoom))
    # The resampling uses all pixels that a new pixel covers, which avoids aliasing.
    return np.asarray(Image.fromarray(grey).resize(size, resample, box=box)), zoom


def mass_centre(fields: NDArray[Any]) -> NDArray[np.float64]:
    """Return the row and column of the centre of mass of each field, shape (n, 2).

    An empty field has its centre in the middle.
    """
    mass = fields.sum(axis=(1, 2), dtype=np.float64)
    centres = []
    for axis in (2, 1):
        profile = fields.sum(axis=axis, dtype=np.float64)
        side = profile.shape[1]
        moment = profile @ np.arange(side)
        middle = np.full(len(fields), (side - 1) / 2)
        centres.append(np.divide(moment, mass, out=middle, where=mass > 0))
    return np.stack(centres, axis=1)


def place(part: Grey, shape: Shape, centre: tuple[float, float]) -> tuple[Grey, tuple[int, int]]:
    """Place a part on an empty field; return the field, and the column and row where it begins.

    A point of the part, `centre` (row and column), comes to the field's middle, unless the part
    would stick out.
    """
    row, column = (
        min(max(0, round(side // 2 - point)), side - length)
        for side, point, length in zip(shape, centre, part.shape, strict=True)
    )
    field = np.zeros(shape, np.uint8)
    field[row : row + part.shape[0], column : column + part.shape[1]] = part
    return field, (column, row)
