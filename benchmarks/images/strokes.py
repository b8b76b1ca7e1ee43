"""Turn the pixels of a digit into ink of any size: by its outline, or by the path of its pen.

An ink is an array of shape (height, width), 0 (paper) to 1 (ink), cropped to the digit.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import (
    binary_dilation,
    distance_transform_edt,
    gaussian_filter,
    label,
    maximum_filter,
)
from scipy.spatial import KDTree

Ink = NDArray[np.float32]
Pixels = NDArray[np.uint8]

LEVEL = 0.5  # of the brightness nearby: the outline of the digit
SMOOTHING = 0.5  # pixels: removes the staircases, and keeps the holes
BLOT = 1.7  # times the usual half width of the strokes: a loop that ink has filled, which stays so
STEEPNESS = 2.5  # makes the edge of an outline about one pixel wide
FINE = 8  # the path is found in an image that is this much larger
DUST = 0.05  # of the digit: smaller separate marks are not drawn


def resize(values: NDArray[np.floating], width: int, height: int) -> Ink:
    """Resize floats, shape (height, width), by cubic interpolation."""
    image = Image.fromarray(values.astype(np.float32))
    return np.array(image.resize((max(width, 1), max(height, 1)), Image.Resampling.BICUBIC))


def outline(pixels: Pixels, side: float) -> Ink:
    """Draw a digit with its own strokes, in smooth sharp edges.

    Parameters
    ----------
    pixels
        Light on dark, shape (28, 28).
    side
        The longer side of the digit, in pixels of the result.
    """
    smooth = _smooth(pixels)
    rows, columns = _box(smooth > LEVEL)
    zoom = side / max(rows.stop - rows.start, columns.stop - columns.start)
    near = smooth[rows.start - 1 : rows.stop + 1, columns.start - 1 : columns.stop + 1]
    large = resize(near, round(near.shape[1] * zoom), round(near.shape[0] * zoom))
    ink = np.clip((large - LEVEL) * zoom * STEEPNESS + 0.5, 0, 1)
    return ink[_box(ink > 0)]


def pen(pixels: Pixels, side: float, width: float, pressure: Ink | None = None) -> Ink:
    """Draw a digit anew with a round pen.

    Parameters
    ----------
    pixels
        Light on dark, shape (28, 28).
    side
        The longer side of the pen's path, in pixels of the result.
    width
        Width of the pen, in pixels of the result.
    pressure
        Factors of the width, of any shape, for a hand that does not press evenly.
    """
    points = path(pixels)
    points = (points - points.min(axis=0)) * (side / np.ptp(points, axis=0).max())
    step = max(1, min(int(side / 100), int(width / 3)))  # enlarging distances is faster
    reach = width + 2 * step + 2
    height, breadth = ((np.ptp(points, axis=0) + 2 * reach) / step).astype(int)
    grid = np.indices((height, breadth)).reshape(2, -1).T * step + step / 2 - reach
    distance, _ = KDTree(points).query(grid, distance_upper_bound=reach)
    large = resize(
        np.minimum(distance, reach).reshape(height, breadth), breadth * step, height * step
    )
    if pressure is not None:
        large = large / resize(pressure, breadth * step, height * step)
    ink = np.clip(width / 2 - large + 0.5, 0, 1)
    return ink[_box(ink > 0)]


def path(pixels: Pixels) -> NDArray[np.floating]:
    """Return points (y, x) close together on the smooth path of the pen, shape (points, 2)."""
    smooth = _smooth(pixels)
    digit = resize(smooth, smooth.shape[1] * FINE, smooth.shape[0] * FINE) > LEVEL
    mask = thin(digit)
    pixel = np.argwhere(mask)
    weight = gaussian_filter(mask.astype(float), FINE / 2.5)[mask]
    places = np.indices(mask.shape, float)
    means = [gaussian_filter(mask * place, FINE / 2.5)[mask] for place in places]
    points = np.stack(means, axis=1) / weight[:, None]
    pairs = KDTree(pixel).query_pairs(1.5, output_type="ndarray")
    start, end = points[pairs[:, 0]], points[pairs[:, 1]]
    between = [start + (end - start) * part for part in (0.25, 0.5, 0.75)]
    depth = np.asarray(distance_transform_edt(digit))
    blots = np.argwhere(depth > BLOT * np.median(depth[mask]))
    return np.concatenate([points, *between, blots])


def thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Thin a mask to lines of one pixel that are connected in the same way.

    References
    ----------
    T. Y. Zhang and C. Y. Suen, "A fast parallel algorithm for thinning digital patterns",
    Communications of the ACM 27(3), 1984.
    """
    mask = mask.copy()
    box = _box(mask)
    part, before = np.pad(mask[box], 1), -1
    while before != (before := np.count_nonzero(part)):
        for first in (True, False):
            # p2 to p9 of the paper: the neighbours, clockwise from the one above
            shifts = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            around = [np.roll(part, shift, (0, 1)) for shift in shifts]
            count = np.sum(around, axis=0)
            rises = np.sum(
                [~a & b for a, b in zip(around, around[1:] + around[:1], strict=True)], 0
            )
            north, east, south, west = around[::2]
            kept = (east & south & (north | west)) if first else (north & west & (east | south))
            part &= ~((count >= 2) & (count <= 6) & (rises == 1)) | kept
    mask[box] = part[1:-1, 1:-1]
    return mask


def _smooth(pixels: Pixels) -> Ink:
    """Return the smoothed pixels relative to the brightest ones nearby, without dust."""
    smooth = gaussian_filter(np.pad(pixels, 2) / np.float32(255), SMOOTHING)
    smooth /= np.maximum(gaussian_filter(maximum_filter(smooth, 5), 1.5), 0.25)
    marks, _ = label(smooth > LEVEL, np.ones((3, 3)))
    sizes = np.bincount(marks.ravel())
    large = np.flatnonzero(sizes[1:] >= DUST * sizes[1:].sum()) + 1
    return smooth * binary_dilation(np.isin(marks, large), iterations=2)


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
