"""Prepare a drawing or a photograph of a digit as the images of MNIST were made.

References
----------
LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document Recognition, 1998,
section III-A: black and white digits were scaled to 20×20 pixels and centred by their mass.
"""

from math import ceil, floor

import numpy as np
from PIL import Image
from scipy import ndimage

from stepbox.images.decode import Grey
from stepbox.images.field import (
    DIGIT_MARGIN,
    Invert,
    Prepared,
    Shape,
    mass_centre,
    place,
    scale_part,
)
from stepbox.images.ink import find_ink, stroke_width
from stepbox.images.paper import Mask, bounds

STROKES = 2.5, 3.0  # pixels of the field; half of the strokes in MNIST are 2.1 to 2.8 wide


def prepare_digit(grey: Grey, shape: Shape, invert: Invert) -> Prepared:
    """Find the strokes of a digit, and place them as in MNIST.

    Parameters
    ----------
    grey
        Luminance 0..255, shape (height, width).
    shape
        Height and width of the field.
    invert
        ``always``: the ink is dark. ``never``: it is light. ``auto``: find out.

    Returns
    -------
    Prepared
        The field. It is empty if the image shows nothing.
    """
    ink = find_ink(grey, {"auto": None, "always": True, "never": False}[invert])
    if ink is None:
        height, width = grey.shape
        field = np.zeros(shape, np.uint8)
        inverted = invert == "always"
        ground = round(float(np.median(grey)))
        return Prepared(
            field,
            inverted,
            (0, 0, width, height),
            min(shape[0] / height, shape[1] / width),
            (0, 0),
            255 - ground if inverted else ground,
            "mnist",
        )
    sides = tuple(max(1, side - 2 * DIGIT_MARGIN) for side in shape)
    mask, before, after = _set_stroke_width(ink.mask, min(sides))
    left, top, right, bottom = ink.box
    grown_x, grown_y = ((mask.shape[a] - ink.mask.shape[a]) / 2 for a in (1, 0))
    zoom_x, zoom_y = (right - left) / ink.mask.shape[1], (bottom - top) / ink.mask.shape[0]
    box = (
        max(0, floor(left - grown_x * zoom_x)),
        max(0, floor(top - grown_y * zoom_y)),
        min(grey.shape[1], ceil(right + grown_x * zoom_x)),
        min(grey.shape[0], ceil(bottom + grown_y * zoom_y)),
    )
    whole = (0, 0, mask.shape[1], mask.shape[0])
    part, _ = scale_part(255 * mask.astype(np.uint8), whole, sides, Image.Resampling.BOX)
    centre_y, centre_x = mass_centre(part[None])[0]
    field, offset = place(part, shape, (centre_y, centre_x))
    return Prepared(
        field,
        ink.is_dark,
        box,
        max(part.shape) / max(box[2] - box[0], box[3] - box[1]),
        offset,
        255 - ink.paper if ink.is_dark else ink.paper,
        "mnist",
        stroke_width=(round(before, 2), round(after, 2)),
        lines_removed=ink.lines,
        desk_cropped=ink.on_desk,
    )


def _set_stroke_width(mask: Mask, side: int) -> tuple[Mask, float, float]:
    """Make strokes wider or narrower, so that their width is in `STROKES`.

    Parameters
    ----------
    mask
        The strokes, cropped to their bounding box.
    side
        The length in the field to which the longer side of the mask will be scaled, in pixels.

    Returns
    -------
    Mask
        The new strokes, cropped to their bounding box.
    float, float
        The mean width before and after, in pixels of the field.
    """
    before = stroke_width(mask) * side / max(mask.shape)
    for _ in range(2):  # a second time, because the first time changes the scale
        zoom = side / max(mask.shape)
        width = stroke_width(mask) * zoom
        change = (min(max(width, STROKES[0]), STROKES[1]) - width) / 2 / zoom  # on each side
        if abs(change) < 0.3:
            break
        padded = np.pad(mask, int(abs(change)) + 2)
        distance = ndimage.distance_transform_edt(~padded) - ndimage.distance_transform_edt(padded)
        changed = distance <= change
        if not changed.any():
            break
        mask = changed[bounds(changed)]
    return mask, before, stroke_width(mask) * side / max(mask.shape)
