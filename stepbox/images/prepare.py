"""Turn an image of any size into the grey pixels that a network takes.

A network takes images of one shape, light on dark: background 0, ink up to 255. People send images
that are larger or dark on light.
"""

from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stepbox.images.decode import Grey

Invert = Literal["auto", "always", "never"]
Fit = Literal["none", "mnist"]
Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are exclusive

Shape = tuple[int, ...]  # (height, width)

MARGIN = 4  # pixels around the ink in MNIST: digits of 20 pixels in a field of 28
MIN_CONTRAST = 16  # grey levels; an image with less contrast has no ink
INK_LEVEL = 0.25  # fraction of an image's contrast from which a pixel counts as ink


class Prepared(NamedTuple):
    """An image as a network sees it, and how it was prepared.

    Column x of the image is column `offset[0] + (x − box[0]) · zoom` of the field. Row y is row
    `offset[1] + (y − box[1]) · zoom`.

    Attributes
    ----------
    pixels
        The field: grey levels 0..255, light on dark, of the network's shape.
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
        Grey level of the background after the inversion, 0..255.
    """

    pixels: Grey
    inverted: bool
    box: Box
    zoom: float
    offset: tuple[int, int]
    ground: int


def prepare(grey: Grey, shape: Shape, *, invert: Invert = "auto", fit: Fit = "none") -> Prepared:
    """Fit an image into a field: an image of the network's shape, light on dark.

    Parameters
    ----------
    grey
        Luminance 0..255, shape (height, width), at least one pixel.
    shape
        Height and width of the field.
    invert
        Whether to exchange light and dark: `always`, `never`, or (`auto`) if the mean of the
        outermost rows and columns is over 127.
    fit
        `none`: scale the whole image to fit, and centre it. The background gets the mean grey of
        its outermost rows and columns. An image of the field's shape is not scaled. `mnist`:
        prepare it as MNIST was. Crop it to the ink, and scale it to the field minus a margin of 4
        pixels on each side. Move its centre of mass to the field's centre, but keep the ink inside.
        The background becomes 0 and the strongest ink 255.

    Returns
    -------
    Prepared
        The field, and how it was filled. An image without ink is not an error.
    """
    level = _border_mean(grey, shape)
    inverted = invert == "always" or (invert == "auto" and level > 127)
    if inverted:
        grey, level = 255 - grey, 255 - level
    ground = round(level)
    height, width = grey.shape
    box = (0, 0, width, height)
    if fit == "mnist":
        box = _ink_box(grey, ground)
        part, zoom = _scale(grey, box, tuple(max(1, side - 2 * MARGIN) for side in shape))
        part = _stretch(part, ground)
        row, column = _centred(part, shape)
        field = np.zeros(shape, np.uint8)
    elif grey.shape == shape:
        return Prepared(grey, inverted, box, 1.0, (0, 0), ground)
    else:
        part, zoom = _scale(grey, box, shape)
        row, column = (shape[0] - part.shape[0]) // 2, (shape[1] - part.shape[1]) // 2
        field = np.full(shape, ground, np.uint8)
    field[row : row + part.shape[0], column : column + part.shape[1]] = part
    return Prepared(field, inverted, box, zoom, (column, row), ground)


def prepare_fields(pixels: NDArray[Any], *, invert: Invert = "auto") -> NDArray[Any]:
    """Prepare many images that already have the network's shape, each as `prepare` does.

    Parameters
    ----------
    pixels
        Grey levels 0..255, integers or not, shape (images, height, width).
    invert
        As for `prepare`.

    Returns
    -------
    NDArray[Any]
        Same shape and dtype, light on dark.
    """
    if invert == "never":
        return pixels
    if invert == "always":
        return 255 - pixels
    border = _border(pixels.shape[1:])
    light = pixels.reshape(len(pixels), -1)[:, border].mean(axis=1) > 127
    return np.where(light[:, None, None], 255 - pixels, pixels) if light.any() else pixels


@cache
def _border(shape: Shape) -> NDArray[np.intp]:
    """Return the indices of the outermost rows and columns in a flat image of a network's shape."""
    inner = np.zeros([max(0, side - 2) for side in shape], bool)
    return np.flatnonzero(np.pad(inner, 1, constant_values=True)[: shape[0], : shape[1]])


def _border_mean(grey: Grey, shape: Shape) -> float:
    """Return the mean of the outermost rows and columns, 0..255."""
    if grey.shape == shape:  # predictions take this path, which is four times as fast
        border = _border(shape)
        return float(grey.take(border).sum()) / len(border)
    border = np.concatenate((grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]))
    return float(border.mean())


def _ink_box(grey: Grey, ground: int) -> Box:
    """Return the smallest box around all ink, or the whole image if there is none."""
    height, width = grey.shape
    contrast = int(grey.max()) - ground
    if contrast < MIN_CONTRAST:
        return 0, 0, width, height
    ink = grey >= ground + INK_LEVEL * contrast
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _scale(grey: Grey, box: Box, shape: Shape) -> tuple[Grey, float]:
    """Scale a part of an image to the largest size that fits a shape; return it and the zoom."""
    left, top, right, bottom = box
    zoom = min(shape[0] / (bottom - top), shape[1] / (right - left))
    size = max(1, round((right - left) * zoom)), max(1, round((bottom - top) * zoom))
    # Lanczos resampling uses all pixels that a new pixel covers, which avoids aliasing.
    scaled = Image.fromarray(grey).resize(size, Image.Resampling.LANCZOS, box=box)
    return np.asarray(scaled), zoom


def _stretch(grey: Grey, ground: int) -> Grey:
    """Move the background to 0 and the lightest pixel to 255; return all 0 if there is no ink."""
    contrast = int(grey.max()) - ground
    if contrast < MIN_CONTRAST:
        return np.zeros_like(grey)
    return np.rint((grey.clip(ground) - ground) * (255 / contrast)).astype(np.uint8)


def _centred(part: Grey, shape: Shape) -> tuple[int, int]:
    """Return the row and column of the field where a part must begin to centre its mass."""
    mass = part.sum(dtype=np.int64)

    def start(profile: NDArray[np.int64], side: int) -> int:
        size = len(profile)
        centre = profile @ np.arange(size) / mass if mass else (size - 1) / 2
        return int(np.clip(round(side // 2 - centre), 0, side - size))

    rows, columns = part.sum(axis=1, dtype=np.int64), part.sum(axis=0, dtype=np.int64)
    return start(rows, shape[0]), start(columns, shape[1])
