"""Turn an image of any size into the grey pixels that a network takes.

A network takes images of one shape, light on dark: background 0, ink up to 255. People send
photographs and drawings. These are prepared as the images of the network's data set were made
(`DatasetSpec.preparation`).
"""

from collections.abc import Callable
from enum import IntEnum
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.data.dataset import DatasetSpec
from stepbox.images.decode import Grey
from stepbox.images.field import (
    DIGIT_MARGIN,
    MIN_CONTRAST,
    Invert,
    Prepared,
    Shape,
    mass_centre,
    scale_part,
)

Fit = Literal["auto", "none", "mnist", "fashion-mnist"]

INK_LEVEL = 0.25  # fraction of an image's lightest pixel from which a pixel counts as ink
MADE_TOLERANCE = 2  # pixels by which size and centre may differ from those of the data set


def prepare(
    grey: Grey, spec: DatasetSpec, *, invert: Invert = "auto", fit: Fit = "auto"
) -> Prepared:
    """Fill a field with an image: an image of the network's shape, light on dark.

    Parameters
    ----------
    grey
        Luminance 0..255, shape (height, width), at least one pixel.
    spec
        The data set of the network.
    invert
        Whether to exchange light and dark: `always`, `never`, or (`auto`) if the background is
        lighter than what it shows.
    fit
        `auto`: use an image that has the data set's form as it is, and prepare any other image as
        the data set was made; `find_work` says which one is which. `none`: scale the whole image
        to fit, and centre it; an image of the field's shape is not scaled. `mnist`: place a digit
        as in MNIST. `fashion-mnist`: place a product as in Fashion-MNIST.

    Returns
    -------
    Prepared
        The field, and how it was filled. An image that shows nothing is not an error: see
        `shows_ink`.
    """
    (work,) = find_work(grey[None], spec, invert, fit)
    if work != Work.PREPARE:
        return _scale_whole(grey, spec.shape, "always" if work == Work.INVERT else "never")
    way = spec.preparation if fit == "auto" else fit
    return PREPARATIONS[way].prepare(grey, spec.shape, invert)


class Work(IntEnum):
    """What must be done to an image."""

    NOTHING = 0
    INVERT = 1
    PREPARE = 2


def find_work(
    fields: NDArray[Any], spec: DatasetSpec, invert: Invert, fit: Fit
) -> NDArray[np.uint8]:
    """Tell what must be done to images.

    An image of the data set's shape with a dark border is used as it is. With `fit=auto`, an image
    with a light border is only inverted if it then looks as if it were from the data set: its ink
    has the same size and the same place. `invert` overrides this.

    Parameters
    ----------
    fields
        Grey levels 0..255, integers or not, shape (images, height, width).
    spec, invert, fit
        As for `prepare`.

    Returns
    -------
    NDArray
        A `Work` for each image, shape (images,).
    """
    work = np.full(len(fields), Work.PREPARE, np.uint8)
    if fields.shape[1:] != spec.shape or fit not in ("auto", "none"):
        return work
    if invert != "auto":
        work[:] = Work.NOTHING if invert == "never" else Work.INVERT
        return work
    dark = has_dark_border(fields)
    work[dark] = Work.NOTHING
    if not dark.all():
        inverted = ~dark
        if fit == "auto":
            inverted[inverted] = _looks_made(255 - fields[inverted], spec)
        work[inverted] = Work.INVERT
    return work


def all_clear(fields: NDArray[Any]) -> bool:
    """Tell quickly whether all images surely have a dark border, and show something.

    This is true for the images of the data sets. If it is false, `has_dark_border` and `shows_ink`
    look closer: the darkest pixel is not always 0.

    Parameters
    ----------
    fields
        Grey levels 0..255, shape (images, height, width).
    """
    flat = fields.reshape(len(fields), -1)
    border = _border(fields.shape[1:])
    highs = np.maximum.reduce(flat, axis=1).tolist()
    sums = np.add.reduce(flat.take(border, axis=1), axis=1).tolist()
    return all(
        2 * total <= len(border) * high and high >= 2 * MIN_CONTRAST
        for high, total in zip(highs, sums, strict=True)
    )


def has_dark_border(fields: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell in which images the mean of the outermost pixels is nearer to the darkest pixel.

    Parameters
    ----------
    fields
        Shape (images, height, width).
    """
    flat = fields.reshape(len(fields), -1)
    border = _border(fields.shape[1:])
    level = flat.take(border, axis=1).sum(axis=1) / len(border)
    dark: NDArray[np.bool_] = 2 * level <= flat.min(axis=1).astype(float) + flat.max(axis=1)
    return dark


def shows_ink(fields: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which images show anything: their contrast is at least `MIN_CONTRAST`.

    Parameters
    ----------
    fields
        Shape (images, height, width).
    """
    flat = fields.reshape(len(fields), -1)
    shown: NDArray[np.bool_] = flat.max(axis=1).astype(float) - flat.min(axis=1) >= MIN_CONTRAST
    return shown


@cache
def _border(shape: Shape) -> NDArray[np.intp]:
    """Return the indices of the outermost rows and columns in a flat image."""
    inner = np.zeros([max(0, side - 2) for side in shape], bool)
    return np.flatnonzero(np.pad(inner, 1, constant_values=True)[: shape[0], : shape[1]])


def _looks_made(fields: NDArray[Any], spec: DatasetSpec) -> NDArray[np.bool_]:
    """Tell in which fields the ink has the size and the place that it has in the data set."""
    way = PREPARATIONS[spec.preparation]
    if way.margin is None:
        return np.ones(len(fields), bool)
    ink = fields >= INK_LEVEL * fields.max(axis=(1, 2), keepdims=True)
    first, last = [], []
    for axis, side in ((2, spec.shape[0]), (1, spec.shape[1])):
        has_ink = ink.any(axis=axis)
        first.append(has_ink.argmax(axis=1))
        last.append(side - has_ink[:, ::-1].argmax(axis=1))
    begin, end = np.stack(first, axis=1), np.stack(last, axis=1)
    centre = mass_centre(fields) + 0.5 if way.by_mass else (begin + end) / 2
    middle = np.array(spec.shape) / 2
    size = (end - begin).max(axis=1)
    looks_made: NDArray[np.bool_] = (
        (np.abs(size - (max(spec.shape) - 2 * way.margin)) <= MADE_TOLERANCE)
        & (np.abs(centre - middle).max(axis=1) <= MADE_TOLERANCE)
        & has_dark_border(fields)
    )
    return looks_made


def _scale_whole(grey: Grey, shape: Shape, invert: Invert) -> Prepared:
    """Scale a whole image to fit a field. The background gets the mean grey of its border."""
    edge = np.concatenate((grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]))
    level = float(edge.mean())
    low, high = int(grey.min()), int(grey.max())
    inverted = invert == "always" or (invert == "auto" and 2 * level > low + high)
    if inverted:
        grey, level = 255 - grey, 255 - level
    height, width = grey.shape
    box = 0, 0, width, height
    if grey.shape == shape:
        return Prepared(grey, inverted, box, 1.0, (0, 0), round(level))
    part, zoom = scale_part(grey, box, shape)
    row, column = (shape[0] - part.shape[0]) // 2, (shape[1] - part.shape[1]) // 2
    field = np.full(shape, round(level), np.uint8)
    field[row : row + part.shape[0], column : column + part.shape[1]] = part
    return Prepared(field, inverted, box, zoom, (column, row), round(level))


def _place_digit(grey: Grey, shape: Shape, invert: Invert) -> Prepared:
    from stepbox.images.mnist import prepare_digit  # SciPy takes 0.3 s to import

    return prepare_digit(grey, shape, invert)


def _place_product(grey: Grey, shape: Shape, invert: Invert) -> Prepared:
    from stepbox.images.fashion import prepare_product  # SciPy takes 0.3 s to import

    return prepare_product(grey, shape, invert)


class _Way(NamedTuple):
    """A way of preparing images.

    Attributes
    ----------
    prepare
        Fills a field with an image.
    margin
        Pixels between the ink and the edge of the field; None if there is no rule.
    by_mass
        Whether the centre of mass is in the middle, and not the centre of the box around the ink.
    """

    prepare: Callable[[Grey, Shape, Invert], Prepared]
    margin: int | None = None
    by_mass: bool = False


PREPARATIONS: dict[str, _Way] = {
    "none": _Way(_scale_whole),
    "mnist": _Way(_place_digit, margin=DIGIT_MARGIN, by_mass=True),
    "fashion-mnist": _Way(_place_product, margin=0),
}
