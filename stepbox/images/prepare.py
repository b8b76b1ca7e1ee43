"""Turn any picture into 28×28 grey pixels.

The networks know one kind of picture: 28×28 pixels, the ground 0 and the ink
up to 255. What people send is larger, coloured, rotated, or dark on light.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stepbox.images.decode import Grey

Invert = Literal["auto", "always", "never"]
Fit = Literal["none", "mnist"]
Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are the first outside

FIELD = 28  # pixels of a side of what the networks see
INK_SIZE = 20  # pixels of the longer side of MNIST's digits within it
CENTRE = 14  # the pixel, from 0, that MNIST's centres of mass lie on (half a pixel at most away)
MIN_CONTRAST = 16  # grey levels; a picture with less holds no ink
INK_LEVEL = 0.25  # the part of a picture's contrast from which a pixel counts as ink

_BORDER = np.flatnonzero(np.pad(np.zeros((FIELD - 2, FIELD - 2), bool), 1, constant_values=True))


class Prepared(NamedTuple):
    """A picture as the networks see it, and what was done to get there.

    Column x of the picture lies at `offset[0] + (x − box[0]) · zoom` of the field, rows alike.

    Attributes
    ----------
    pixels
        Grey levels 0..255, the ground dark, shape (28, 28).
    inverted
        Whether light and dark were exchanged.
    box
        Left, top, right and bottom of the part of the picture that was taken, in its pixels;
        right and bottom are the first outside.
    zoom
        Field pixels per picture pixel, along the longer side.
    offset
        Column and row of the field where the box's left upper corner lies.
    ground
        Grey level 0..255, after the inversion, that was taken for the ground.
    """

    pixels: Grey
    inverted: bool
    box: Box
    zoom: float
    offset: tuple[int, int]
    ground: int


def prepare(grey: Grey, *, invert: Invert = "auto", fit: Fit = "none") -> Prepared:
    """Put a picture on 28×28 pixels, light on dark.

    Parameters
    ----------
    grey
        Luminance 0..255, shape (height, width), at least one pixel.
    invert
        Exchange light and dark `always`, `never`, or where the mean of the picture's border of
        one pixel is over 127 (`auto`).
    fit
        `none`: the whole picture, its longer side scaled to 28 pixels, in the middle of a ground
        of its border's mean; 28×28 pixels stay as they are. `mnist`: as MNIST was made: cropped to
        the ink, its longer side scaled to 20 pixels, its centre of mass moved to the field's
        centre as far as the ink stays inside; the ground becomes 0 and the strongest ink 255.

    Returns
    -------
    Prepared
        The pixels and what was done. A picture without ink is no error.
    """
    level = _border_mean(grey)
    inverted = invert == "always" or (invert == "auto" and level > 127)
    if inverted:
        grey, level = 255 - grey, 255 - level
    ground = round(level)
    height, width = grey.shape
    box = (0, 0, width, height)
    if fit == "mnist":
        box = _ink_box(grey, ground)
        part, zoom = _scale(grey, box, INK_SIZE)
        part = _stretch(part, ground)
        column, row = _centred(part)
        field = np.zeros((FIELD, FIELD), np.uint8)
    elif grey.shape == (FIELD, FIELD):
        return Prepared(grey, inverted, box, 1.0, (0, 0), ground)
    else:
        part, zoom = _scale(grey, box, FIELD)
        column, row = (FIELD - part.shape[1]) // 2, (FIELD - part.shape[0]) // 2
        field = np.full((FIELD, FIELD), ground, np.uint8)
    field[row : row + part.shape[0], column : column + part.shape[1]] = part
    return Prepared(field, inverted, box, zoom, (column, row), ground)


def prepare_fields(pixels: NDArray[Any], *, invert: Invert = "auto") -> NDArray[Any]:
    """Do with many pictures of 28×28 pixels at once what `prepare` does with each.

    Parameters
    ----------
    pixels
        Grey levels 0..255, shape (n, 28, 28); they need not be whole.
    invert
        As for `prepare`.

    Returns
    -------
    NDArray[Any]
        Shape and type as before, the ground dark.
    """
    if invert == "never":
        return pixels
    if invert == "always":
        return 255 - pixels
    light = pixels.reshape(-1, FIELD * FIELD)[:, _BORDER].mean(axis=1) > 127
    return np.where(light[:, None, None], 255 - pixels, pixels) if light.any() else pixels


def _border_mean(grey: Grey) -> float:
    """Mean of the outermost rows and columns, 0..255."""
    if grey.shape == (FIELD, FIELD):
        return float(grey.take(_BORDER).sum()) / len(_BORDER)
    border = np.concatenate((grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]))
    return float(border.mean())


def _ink_box(grey: Grey, ground: int) -> Box:
    """Smallest box around all ink; the whole picture where there is none."""
    height, width = grey.shape
    contrast = int(grey.max()) - ground
    if contrast < MIN_CONTRAST:
        return 0, 0, width, height
    ink = grey >= ground + INK_LEVEL * contrast
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _scale(grey: Grey, box: Box, size: int) -> tuple[Grey, float]:
    """Scale a part of a picture so that its longer side has `size` pixels; also the zoom."""
    left, top, right, bottom = box
    zoom = size / max(right - left, bottom - top)
    shape = max(1, round((right - left) * zoom)), max(1, round((bottom - top) * zoom))
    # Lanczos weighs all pixels that a new one covers, so a large picture does not alias.
    scaled = Image.fromarray(grey).resize(shape, Image.Resampling.LANCZOS, box=box)
    return np.asarray(scaled), zoom


def _stretch(grey: Grey, ground: int) -> Grey:
    """Move the ground to 0 and the lightest pixel to 255; all 0 where there is no ink."""
    contrast = int(grey.max()) - ground
    if contrast < MIN_CONTRAST:
        return np.zeros_like(grey)
    return np.rint((grey.clip(ground) - ground) * (255 / contrast)).astype(np.uint8)


def _centred(part: Grey) -> tuple[int, int]:
    """Column and row of the field where a part belongs for its mass to lie in the centre."""
    mass = part.sum(dtype=np.int64)

    def start(profile: NDArray[np.int64]) -> int:
        size = len(profile)
        centre = profile @ np.arange(size) / mass if mass else (size - 1) / 2
        return int(np.clip(round(CENTRE - centre), 0, FIELD - size))

    return start(part.sum(axis=0, dtype=np.int64)), start(part.sum(axis=1, dtype=np.int64))
