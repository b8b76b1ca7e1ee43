"""Turn the 28×28 pixels of a digit into ink of any size: its outline, or the path of its pen.

An ink is an array of shape (height, width), 0 (paper) to 1 (ink). It is cropped to the digit.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter, label

Ink = NDArray[np.float32]
Pixels = NDArray[np.uint8]

LEVEL = 0.4  # of the smoothed pixels: the outline of the digit
SMOOTHING = 0.6  # pixels of the 28×28 image: removes its staircases, and keeps its holes
FINE = 8  # the path of the pen is found in an image that is this much larger
STEEPNESS = 2.5  # slope that turns the smoothed pixels into an edge of about one pixel


def resize(values: NDArray[np.floating], width: int, height: int) -> Ink:
    """Resize floats, shape (height, width), by cubic interpolation."""
    image = Image.fromarray(values.astype(np.float32))
    return np.array(image.resize((max(width, 1), max(height, 1)), Image.Resampling.BICUBIC))


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the rows and columns that contain all true pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def outline(pixels: Pixels, side: int) -> Ink:
    """Draw a digit with the strokes of its own, and smooth sharp edges.

    Parameters
    ----------
    pixels
        Light on dark, shape (28, 28).
    side
        The longer side of the digit, in pixels of the result.
    """
    smooth = _smooth(pixels)
    rows, columns = box_of(smooth > LEVEL)
    zoom = side / max(rows.stop - rows.start, columns.stop - columns.start)
    near = smooth[rows.start - 1 : rows.stop + 1, columns.start - 1 : columns.stop + 1]
    large = resize(near, round(near.shape[1] * zoom), round(near.shape[0] * zoom))
    ink = np.clip((large - LEVEL) * zoom * STEEPNESS + 0.5, 0, 1)
    return ink[box_of(ink > 0)]


def pen(pixels: Pixels, side: int, width: float, pressure: Ink | None = None) -> Ink:
    """Draw a digit anew with a round pen of another width.

    Parameters
    ----------
    pixels
        Light on dark, shape (28, 28).
    side
        The longer side of the path, in pixels of the result.
    width
        Width of the stroke, in pixels of the result.
    pressure
        Factors of the width of any shape, for a hand that does not press evenly.
    """
    height, breadth = pixels.shape
    fine = resize(_smooth(pixels), breadth * FINE, height * FINE)
    path = thin(fine > LEVEL)
    rows, columns = box_of(path)
    zoom = side / max(rows.stop - rows.start, columns.stop - columns.start)
    margin = int(width / zoom) + 2
    path = np.pad(path[rows, columns], margin)
    distance = np.asarray(distance_transform_edt(~path))
    large = resize(distance, round(path.shape[1] * zoom), round(path.shape[0] * zoom)) * zoom
    if pressure is not None:
        large = large / resize(pressure, large.shape[1], large.shape[0])
    ink = np.clip(width / 2 - large + 0.5, 0, 1).astype(np.float32)
    return ink[box_of(ink > 0)]


def thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin a mask to lines of one pixel that are connected in the same way.

    References
    ----------
    T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital patterns",
    Communications of the ACM 27(3), 1984.
    """
    mask = np.pad(mask, 1)
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            # p2..p9 of the paper: the neighbours, clockwise from the one above
            around = [
                np.roll(mask, shift, (0, 1))
                for shift in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]
            count = np.sum(around, axis=0)
            rises = np.sum(
                [~a & b for a, b in zip(around, around[1:] + around[:1], strict=True)], 0
            )
            north, east, south, west = around[::2]
            kept = (
                (north & east & south) | (east & south & west)
                if first
                else (north & east & west) | (north & south & west)
            )
            removed = mask & (count >= 2) & (count <= 6) & (rises == 1) & ~kept
            changed |= bool(removed.any())
            mask = mask & ~removed
    return mask[1:-1, 1:-1]


def _smooth(pixels: Pixels) -> Ink:
    """Return the smoothed pixels, 0..1, without what is not connected to the digit."""
    smooth = gaussian_filter(np.pad(pixels, 2) / np.float32(255), SMOOTHING)
    parts, count = label(smooth > LEVEL, np.ones((3, 3)))
    if count > 1:
        sizes = np.bincount(parts.ravel())[1:]
        for part in np.flatnonzero(sizes < 0.05 * sizes.sum()) + 1:
            smooth[
                binary_dilation(parts == part, iterations=2) & ((parts == 0) | (parts == part))
            ] = 0
    return smooth
