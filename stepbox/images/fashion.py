"""Prepare a photograph of a product as the images of Fashion-MNIST were made.

References
----------
Xiao, Rasul and Vollgraf, Fashion-MNIST, arXiv 1708.07747, section 2: photographs on a light
background were trimmed, scaled so that the longer edge has 28 pixels, centred, and inverted.
"""

import numpy as np
from scipy import ndimage

from stepbox.images.decode import Grey
from stepbox.images.field import MIN_CONTRAST, Box, Invert, Prepared, Shape, place, scale_part
from stepbox.images.paper import Levels, bounds, fitted, noise, scaled

SIDE = 400  # pixels; longer side of the image in which the product is looked for
TOLERANCE = 0.05  # of the background's level: what differs less belongs to the background


def prepare_product(grey: Grey, shape: Shape, invert: Invert) -> Prepared:
    """Trim a photograph to the product, scale it to the whole field, and centre it.

    Parameters
    ----------
    grey
        Luminance 0..255, shape (height, width).
    shape
        Height and width of the field.
    invert
        Whether to exchange light and dark: `always`, `never`, or (`auto`) if the background is
        nearer to the lightest grey level than to the darkest one.

    Returns
    -------
    Prepared
        The field. It is empty if the image shows nothing.
    """
    border = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    ground = float(np.median(border))
    middle = (int(grey.min()) + int(grey.max())) / 2
    inverted = invert == "always" or (invert == "auto" and ground > middle)
    box = _product_box(grey.astype(np.float32), ground)
    has_ink = box is not None
    height, width = grey.shape
    if box is None:
        box = 0, 0, width, height
    if inverted:
        grey, ground = 255 - grey, 255 - ground
    part, zoom = scale_part(grey, box, shape)
    # The background becomes 0, and white stays white.
    part = np.rint((part.clip(round(ground)) - ground) * (255 / max(1, 255 - ground)))
    part = part.clip(0, 255).astype(np.uint8) if has_ink else np.zeros_like(part, np.uint8)
    field, offset = place(part, shape, (part.shape[0] / 2, part.shape[1] / 2))
    return Prepared(field, inverted, box, zoom, offset, round(ground), "fashion-mnist")


def _product_box(levels: Levels, ground: float) -> Box | None:
    """Return the box around everything that differs from the background; None if nothing does."""
    height, width = levels.shape
    shape = fitted(levels.shape, min(SIDE, max(levels.shape)))
    small = ndimage.gaussian_filter(scaled(levels, shape), 0.7)
    differs = np.abs(small - ground) > max(TOLERANCE * 255, 4 * noise(small))
    labels, count = ndimage.label(differs, np.ones((3, 3)))
    if not count or np.abs(small - ground).max() < MIN_CONTRAST:
        return None
    areas = np.bincount(labels.ravel())[1:]
    rows, columns = bounds(np.isin(labels, 1 + np.flatnonzero(areas >= 0.02 * areas.max())))
    y, x = height / shape[0], width / shape[1]
    return (
        int(columns.start * x),
        int(rows.start * y),
        min(width, int(np.ceil(columns.stop * x))),
        min(height, int(np.ceil(rows.stop * y))),
    )
