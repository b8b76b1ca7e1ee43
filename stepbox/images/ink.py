"""Find a drawn or photographed digit: tell its strokes from paper, ruled lines, dirt and desk."""

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from stepbox.images.decode import Grey
from stepbox.images.field import MIN_CONTRAST
from stepbox.images.lines import remove_lines
from stepbox.images.paper import (
    Levels,
    Mask,
    bounds,
    fitted,
    ink_contrast,
    ink_is_dark,
    noise,
    scaled,
    scaled_mask,
    sheets,
)

SIDE = 400  # pixels; longer side of the image for the first look, if the image is not tiny
MOST_ZOOM = 6  # enlarging an image more would only take time
LEAST_SIDE = 12  # pixels, if the longer side has `SIDE`; no digit is that narrow
DIGIT_SIDE = 120  # pixels; longer side of the digit for the second look
CLEAR = 60.0  # contrast, 0..255; after ink that is so clear, no other sheet is looked at
FAINT = 24.0  # ink on a sheet is at least that clear

_ALL_NEIGHBOURS = np.ones((3, 3))


class Ink(NamedTuple):
    """The strokes of a digit.

    Attributes
    ----------
    mask
        The strokes, scaled so that the longer side has about `DIGIT_SIDE` pixels.
    box
        Left, top, right and bottom of the mask in pixels of the image.
    is_dark
        Whether the ink is darker than the paper.
    paper
        Grey level of the paper near the digit, 0..255.
    lines
        How many ruled lines were removed.
    on_desk
        Whether a desk around the paper was ignored.
    """

    mask: Mask
    box: tuple[float, float, float, float]
    is_dark: bool
    paper: int
    lines: int
    on_desk: bool


class _Look(NamedTuple):
    """What was found in an image: the strokes, their contrast, and ruled lines both ways."""

    mask: Mask
    contrast: float
    lines: tuple[int, int]


class _View(NamedTuple):
    """A part of an image with dark ink, where it begins, and what was found in it."""

    levels: Levels
    begin: tuple[int, int]  # row and column
    is_dark: bool
    is_sheet: bool
    look: _Look


def find_ink(grey: Grey, is_dark: bool | None = None) -> Ink | None:
    """Find the strokes of a digit.

    The first look, at the whole image, finds where the digit is. The second look, at its
    surroundings with more detail, finds the shape of its strokes.

    Parameters
    ----------
    grey
        Grey levels 0..255, shape (height, width).
    is_dark
        Whether the ink is darker than the paper. None: find out.

    Returns
    -------
    Ink or None
        None if the image shows nothing.
    """
    shape = fitted(grey.shape, min(SIDE, MOST_ZOOM * max(grey.shape)))
    is_narrow = min(shape) * SIDE < LEAST_SIDE * max(shape)
    if is_narrow or int(grey.max()) - int(grey.min()) < MIN_CONTRAST:
        return None
    image = Image.fromarray(grey)
    small = image.resize(shape[::-1], Image.Resampling.BICUBIC, reducing_gap=1.1)
    levels = np.asarray(small, np.float32)
    view = _first_view(levels, is_dark)
    if view is None:
        return None
    rows, columns = bounds(view.look.mask)
    side = _side(rows, columns)
    height, width = view.levels.shape
    top, bottom = max(0, rows.start - side), min(height, rows.stop + side)
    left, right = max(0, columns.start - side), min(width, columns.stop + side)
    zoom = min(DIGIT_SIDE, max(shape) / 2) / side
    size = max(8, round((bottom - top) * zoom)), max(8, round((right - left) * zoom))
    scale_y, scale_x = grey.shape[0] / shape[0], grey.shape[1] / shape[1]
    y, x = view.begin
    if view.is_sheet:
        part = scaled(view.levels[top:bottom, left:right], size)
    else:
        box = (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y)
        close = image.resize(size[::-1], Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
        part = np.asarray(close, np.float32)
        part = part if view.is_dark else 255 - part
    found = scaled_mask(view.look.mask[top:bottom, left:right], size)
    mask = _second_look(part, found, view.look.lines)
    bare = ~ndimage.binary_dilation(mask, iterations=3)
    paper = float(np.median(part[bare] if bare.any() else part))
    rows, columns = bounds(mask)
    zoom_y, zoom_x = size[0] / (bottom - top) / scale_y, size[1] / (right - left) / scale_x
    part_x, part_y = (x + left) * scale_x, (y + top) * scale_y
    return Ink(
        mask[rows, columns],
        (
            part_x + columns.start / zoom_x,
            part_y + rows.start / zoom_y,
            part_x + columns.stop / zoom_x,
            part_y + rows.stop / zoom_y,
        ),
        view.is_dark,
        round(paper if view.is_dark else 255 - paper),
        sum(view.look.lines),
        view.is_sheet,
    )


def _first_view(levels: Levels, is_dark: bool | None) -> _View | None:
    """Look at each sheet of paper on a desk, and at the whole image; return the clearest view."""
    best: _View | None = None
    for sheet in sheets(levels) if is_dark is not False else ():
        view = _view_sheet(levels, sheet)
        if view is not None and (best is None or view.look.contrast > 1.5 * best.look.contrast):
            best = view
        if view is not None and view.look.contrast > CLEAR:
            return best
    dark = ink_is_dark(levels) if is_dark is None else is_dark
    part = levels if dark else 255 - levels
    look = _look(part)
    if look is not None and (best is None or look.contrast > 1.5 * best.look.contrast):
        best = _View(part, (0, 0), dark, False, look)
    return best


def _view_sheet(levels: Levels, sheet: Mask) -> _View | None:
    """Look at a sheet of paper. Return None if it shows no ink, or if it may not be a sheet."""
    inner = ndimage.binary_erosion(sheet, iterations=5, border_value=1)
    if not inner.any():
        return None
    # Continue the paper beyond its edge, so that the edge is no stroke.
    nearest = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
    rows, columns = bounds(inner)
    part = levels[tuple(nearest)][rows, columns]
    look = _look(part)
    if look is None or look.contrast < FAINT or _is_blob(look.mask):
        return None
    # A shadow can make a part of the paper look like a sheet, and end within the digit.
    center = ndimage.binary_erosion(inner, iterations=2, border_value=1)[rows, columns]
    if (look.mask & ~center).sum() > 0.01 * look.mask.sum():
        return None
    desk = levels[~ndimage.binary_dilation(sheet, iterations=8)]
    if desk.size and _is_hole(part, center, look.mask, float(np.median(desk))):
        return None
    return _View(part, (rows.start, columns.start), True, True, look)


def _second_look(part: Levels, found: Mask, lines: tuple[int, int]) -> Mask:
    """Return the strokes in the surroundings of a digit, or `found` if these look different."""
    look = _look(part, (1 if lines[0] else 2, 1 if lines[1] else 2))
    if look is not None:
        common = look.mask & ndimage.binary_dilation(found, iterations=3)
        if common.sum() > 0.5 * look.mask.sum() and look.mask.sum() > 0.4 * found.sum():
            return look.mask
    return found


def _look(levels: Levels, least_lines: tuple[int, int] = (2, 2)) -> _Look | None:
    """Find dark strokes."""
    contrast = ink_contrast(levels)
    contrast, across = remove_lines(contrast, least=least_lines[0])
    upright, down = remove_lines(
        np.ascontiguousarray(contrast.T), least=1 if across else least_lines[1]
    )
    contrast = np.ascontiguousarray(upright.T)
    relative = 255 / (float(np.median(levels[::2, ::2])) + 20)
    found = _choose(contrast, max(10.0, 2 * noise(levels) * relative))
    return None if found is None else _Look(*found, (across, down))


def _choose(contrast: Levels, least: float) -> tuple[Mask, float] | None:
    """Choose the strokes of a digit among all dark parts; return them and their contrast."""
    labels, _ = ndimage.label(contrast > least, _ALL_NEIGHBOURS)
    main = _main_part(contrast, labels)
    if main is None:
        return None
    clear = float(np.percentile(contrast[labels == main], 80))
    labels, count = ndimage.label(contrast > max(least, 0.45 * clear), _ALL_NEIGHBOURS)
    main = _main_part(contrast, labels)
    if main is None:
        return None
    boxes, areas = ndimage.find_objects(labels), np.bincount(labels.ravel())
    rows, columns = boxes[main - 1]
    side = _side(rows, columns)
    kept = [main]
    for part in range(1, count + 1):
        y, x = boxes[part - 1]
        gap = max(
            y.start - rows.stop, rows.start - y.stop, x.start - columns.stop, columns.start - x.stop
        )
        if part == main or areas[part] < 0.04 * areas[main] or gap > 0.25 * side:
            continue
        if _touches_edge(boxes[part - 1], contrast.shape) <= _touches_edge(
            boxes[main - 1], contrast.shape
        ):
            kept.append(part)
    return np.isin(labels, kept), clear


def _main_part(contrast: Levels, labels: np.ndarray) -> int | None:
    """Return the label of the part with the most ink. Parts at the image's edge count less."""
    boxes = ndimage.find_objects(labels)
    if not boxes:
        return None
    ink = np.bincount(labels.ravel(), contrast.ravel(), len(boxes) + 1)[1:]
    for part, box in enumerate(boxes):
        if _side(*box) < 6:
            ink[part] = 0
        elif _touches_edge(box, contrast.shape):
            ink[part] *= 0.15
    return int(ink.argmax()) + 1 if ink.any() else None


def _touches_edge(box: tuple[slice, ...], shape: tuple[int, ...]) -> bool:
    """Tell whether a box touches the edge of an image."""
    return any(axis.start == 0 or axis.stop == side for axis, side in zip(box, shape, strict=True))


def stroke_width(mask: Mask) -> float:
    """Return the mean width of the strokes of a mask, in pixels.

    Across a stroke of width w, the distance to its edge is w/4 in the mean.
    """
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))
    return float(4 * (distance[distance > 0] - 0.5).mean()) if mask.any() else 0.0


def _is_hole(part: Levels, sheet: Mask, mask: Mask, desk: float) -> bool:
    """Tell whether the ink on a sheet is the inside of a digit such as 0, drawn light on dark.

    It then has the grey level of the desk, and is compact or wider than the sheet around it.
    """
    ink, paper = np.median(part[mask]), np.median(part[sheet & ~mask])
    if abs(ink - desk) > 0.1 * abs(paper - desk):
        return False
    return _radius(sheet & ~mask) < 3 * _radius(mask) or stroke_width(mask) > 0.2 * _side(
        *bounds(mask)
    )


def _radius(mask: Mask) -> float:
    """Return the radius of the largest disc inside a mask, in pixels."""
    return float(ndimage.distance_transform_edt(mask).max())


def _is_blob(mask: Mask) -> bool:
    """Tell whether a mask is too compact for a digit."""
    return stroke_width(mask) > 0.4 * _side(*bounds(mask))


def _side(rows: slice, columns: slice) -> int:
    """Return the longer side of a box, in pixels."""
    return int(max(rows.stop - rows.start, columns.stop - columns.start))
