"""Tell paper from ink: the paper's local grey level, its noise, and where a dark desk begins.

All images here are float32, shape (height, width), grey levels 0..255.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

Levels = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MEDIAN_SIDE = 32  # pixels; the median filter's time grows with the fourth power of this
_DESK_SIDE = 128  # pixels
_SHARES = 0.15, 0.3, 0.5, 0.7  # thresholds between desk and paper; uneven light needs several


def fitted(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return the shape of an image scaled so that its longer side is `side` pixels."""
    zoom = side / max(shape)
    height, width = (max(1, round(length * zoom)) for length in shape)
    return height, width


def scaled(levels: Levels, shape: tuple[int, int]) -> Levels:
    """Scale an image to a shape; all pixels that a new pixel covers count."""
    image = Image.fromarray(np.ascontiguousarray(levels, np.float32))
    return np.asarray(image.resize(shape[::-1], Image.Resampling.BICUBIC))


def scaled_mask(mask: Mask, shape: tuple[int, int]) -> Mask:
    """Scale a mask to a shape. What is not empty stays so, however thin it is."""
    share = scaled(mask.astype(np.float32), shape)
    inside: Mask = share > share.max() / 2
    return inside


def bounds(mask: Mask) -> tuple[slice, slice]:
    """Return the rows and columns of the smallest box around a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def otsu(levels: Levels) -> float:
    """Return the threshold between two groups of levels by Otsu's method (IEEE SMC 9(1), 1979).

    If all levels are equal, they are below it.
    """
    if np.ptp(levels) == 0:
        return float(levels.max())
    counts, edges = np.histogram(levels, 64)
    below = np.cumsum(counts)
    sums = np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (sums[-1] * below / below[-1] - sums) ** 2 / (below * (below[-1] - below))
    return float(edges[1 + np.nanargmax(spread[:-1])])


def noise(levels: Levels) -> float:
    """Estimate the standard deviation of the noise from the differences between neighbours."""
    if min(levels.shape) < 3:
        return 0.0
    around = levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:]
    median = np.median(np.abs(levels[1:-1, 1:-1] - around / 4)[::2, ::2])
    return float(median * 1.4826 / np.sqrt(1.25))  # median → σ of a normal variable; 1 + 4/16


def local_median(levels: Levels) -> Levels:
    """Return the median around each pixel, in a window of half the image's longer side."""
    shape = fitted(levels.shape, min(_MEDIAN_SIDE, max(levels.shape)))
    window = max(shape) // 2 | 1
    size = tuple(min(window, 2 * side - 1) for side in shape)
    return scaled(ndimage.median_filter(scaled(levels, shape), size, mode="nearest"), levels.shape)


def two_levels(levels: Levels) -> tuple[float, float] | None:
    """Tell whether an image has just two levels, as a clean drawing has.

    Returns
    -------
    tuple[float, float] or None
        The threshold between both, and the level of the lighter one. None if the level that covers
        more of the image is not even, as on a photograph, or if the other one is not one level.
    """
    smooth = ndimage.gaussian_filter(levels, 1)[::2, ::2]
    threshold = otsu(smooth)
    is_light = smooth > threshold
    groups = []
    for group in (~is_light, is_light):
        inner = ndimage.binary_erosion(group, iterations=2)  # without blurred edges
        groups.append(smooth[inner if inner.any() else group])
    dark, light = (float(np.median(group)) if group.size else 0.0 for group in groups)
    contrast = light - dark
    if contrast < 40 or not all(group.size for group in groups):
        return None
    spreads = [np.abs(group - np.median(group)) for group in groups]
    if np.percentile(max(spreads, key=np.size), 98) > max(6, contrast / 20):
        return None
    if max(spread.max() for spread in spreads) > 0.6 * contrast:
        return None
    return threshold, light


def ink_is_dark(levels: Levels) -> bool:
    """Decide whether an image shows dark ink on light paper, by comparing both."""
    clean = two_levels(levels)
    if clean is not None:  # paper covers more of the image and of its border than ink
        dark = levels <= clean[0]
        border = np.concatenate((dark[0], dark[-1], dark[:, 0], dark[:, -1]))
        return bool(dark.mean() + border.mean() < 1)
    difference = levels - local_median(levels)
    difference[np.abs(difference) < 4 * noise(levels) + 6] = 0
    return bool((difference.clip(max=0) ** 2).sum() >= (difference.clip(min=0) ** 2).sum())


def ink_contrast(levels: Levels) -> Levels:
    """Return how much darker each pixel is than the paper around it, 0 (paper) to 255.

    The paper's level is the smaller one of a morphological closing, which keeps the edges of
    shadows, and of a local median, which follows soft shadows. The contrast is relative to it, so
    ink in a shadow has the same contrast as ink in the light.
    """
    clean = two_levels(levels)
    if clean is not None:
        return (clean[1] - ndimage.gaussian_filter(levels, 0.5)).clip(0)
    smooth = ndimage.gaussian_filter(levels, 0.8)
    window = max(3, max(levels.shape) // 4 | 1)  # wider than a stroke
    size = tuple(min(window, 2 * side - 1) for side in levels.shape)
    closed = ndimage.grey_closing(smooth, size, mode="nearest")
    paper = np.minimum(closed, np.maximum(local_median(levels), smooth))
    darker = paper - smooth
    darker -= np.median(darker[::2, ::2])
    relative: Levels = darker.clip(0) * (255 / (paper + 20)).astype(np.float32)
    return relative


def sheets(levels: Levels) -> Iterator[Mask]:
    """Find sheets of light paper that lie on something darker, such as a desk.

    Yields
    ------
    Mask
        The area of a sheet: convex, and mostly light. Larger ones come first.
        A part of the paper that lies outside a shadow may look like a sheet too.
    """
    smooth = scaled(ndimage.gaussian_filter(levels, 1.2), fitted(levels.shape, _DESK_SIDE))
    closed = ndimage.grey_closing(smooth, (9, 9), mode="nearest")
    is_light = closed > otsu(closed)
    if is_light.all() or not is_light.any():
        return
    dark, light = closed[~is_light].mean(), closed[is_light].mean()
    if light - dark < 30 or light < 1.3 * dark:
        return
    last = 0
    for share in _SHARES:
        threshold = dark + share * (light - dark)
        areas, _ = ndimage.label(closed > threshold)
        largest = areas == 1 + np.argmax(np.bincount(areas.ravel())[1:])
        sheet = ndimage.binary_opening(ndimage.binary_fill_holes(largest), iterations=3)
        if not 0.06 < sheet.mean() < 0.97:
            continue
        hull = _convex_hull(sheet)
        size = int(hull.sum())
        if sheet.sum() < 0.93 * size or abs(size - last) < 0.03 * size:
            continue
        bare = (smooth > threshold) & hull
        if bare.sum() > 0.55 * size:
            last = size
            yield scaled_mask(sheet, levels.shape)


def _convex_hull(mask: Mask) -> Mask:
    edge = np.argwhere(mask ^ ndimage.binary_erosion(mask))
    try:
        equations = ConvexHull(edge).equations
    except QhullError:  # all points are on one line
        return mask
    row, column = np.indices(mask.shape)
    inside = [a * row + b * column + c <= 1e-6 for a, b, c in equations]
    hull: Mask = np.logical_and.reduce(inside)
    return hull
