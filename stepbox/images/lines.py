"""Remove the lines of ruled and squared paper."""

from math import radians, tan

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from stepbox.images.paper import Levels

MOST_DEGREES = 8  # how far the lines may be from horizontal
SAMPLES = 128  # columns that are looked at
LEAST_CONTRAST = 8  # of a line, in grey levels

_ANGLES = np.arange(-MOST_DEGREES, MOST_DEGREES + 0.1)


def remove_lines(contrast: Levels, *, least: int = 2) -> tuple[Levels, int]:
    """Remove straight lines that run across a whole image, nearly horizontally.

    Where a stroke crosses a line, the stroke stays.

    Parameters
    ----------
    contrast
        How much darker each pixel is than the paper, 0..255, shape (height, width).
    least
        Least number of lines: a single one may be a stroke.

    Returns
    -------
    Levels
        The contrast without the lines.
    int
        The number of lines removed.
    """
    height, width = contrast.shape
    slope = _slope(contrast)
    shift = _shift(np.arange(width), slope, contrast.shape)
    columns = np.linspace(0, width - 1, min(width, SAMPLES)).astype(np.intp)
    wide = np.pad(
        ndimage.maximum_filter1d(contrast, 3, axis=0)[:, columns],
        ((height, height), (0, 0)),
        constant_values=-1,
    )
    rows = np.arange(height)[:, None]
    along = np.sort(wide[rows + height + shift[columns], np.arange(len(columns))], axis=1)
    inside = (along >= 0).sum(axis=1)
    # Nine tenths of a row are at least this dark. A stroke is rarely that long.
    tenth = np.minimum(len(columns) - inside + inside // 10, len(columns) - 1)
    level = np.where(inside > len(columns) / 2, along[np.arange(height), tenth], 0)
    usual = np.median(level)
    is_line = level > max(usual + 6, 2.5 * usual, LEAST_CONTRAST)
    labels, count = ndimage.label(is_line)
    if count < least or is_line.mean() > 0.6:
        return contrast, 0
    line_of = rows - shift
    is_inside = (line_of >= 0) & (line_of < height)
    line_of = line_of.clip(0, height - 1)
    on_line = is_inside & ndimage.binary_dilation(is_line)[line_of]
    level = ndimage.maximum_filter1d(np.where(is_inside, level[line_of], 0), 3, axis=0)
    thickness = int(np.bincount(labels[labels > 0]).max()) + 3
    # A stroke crosses a line where there is ink on both sides, or far darker ink on the line.
    bridged = ndimage.grey_closing(np.where(on_line, 0, contrast), (thickness + 2, 3))
    crossing = np.maximum(
        np.minimum(bridged, contrast), np.where(contrast > 2.6 * level, contrast, 0)
    )
    return np.where(on_line, crossing, contrast), count


def _slope(contrast: Levels) -> float:
    """Return the slope for which the means of the rows differ most from those next to them."""
    height, width = contrast.shape
    columns = np.linspace(0, width - 1, min(width, SAMPLES // 4)).astype(np.intp)
    sample = contrast[:, columns]
    sample = np.minimum(sample, np.percentile(sample, 97))  # so that strokes do not count more
    sample = np.pad(sample, ((height, height), (0, 0)))
    rows = np.arange(height)[:, None] + height

    def sharpest(degrees: NDArray[np.float64]) -> float:
        shifts = [_shift(columns, tan(radians(angle)), contrast.shape) for angle in degrees]
        means = sample[rows + np.array(shifts)[:, None], np.arange(len(columns))].mean(axis=2)
        sharpness = ((means - ndimage.uniform_filter1d(means, 9)) ** 2).sum(axis=1)
        return float(degrees[sharpness.argmax()])

    return tan(radians(sharpest(sharpest(_ANGLES) + np.arange(-0.75, 0.8, 0.25))))


def _shift(columns: NDArray[np.intp], slope: float, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return by how many rows a line through the image's middle is lower in each column."""
    height, width = shape
    shift = np.rint((columns - width / 2) * slope).clip(-height, height)
    rows: NDArray[np.intp] = shift.astype(np.intp)
    return rows
