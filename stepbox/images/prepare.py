"""Turn an image of any size into the pixels that a network takes.

A network takes images of one shape. People send photographs and drawings. These are prepared as the
images of the network's data set were made (`DatasetSpec.preparation`). Light and dark are exchanged
only if all images of the data set are light on dark (`DatasetSpec.background`).
"""

from collections.abc import Callable
from enum import IntEnum
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.data.builtin import MNIST
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError
from stepbox.images.convert import fit_pixels, with_mode
from stepbox.images.decode import Color, Grey
from stepbox.images.field import (
    DIGIT_MARGIN,
    MIN_CONTRAST,
    Invert,
    Prepared,
    Shape,
    mass_centre,
)

Fit = Literal["auto", "none", "mnist", "fashion-mnist"]

INK_LEVEL = 0.25  # fraction of an image's lightest pixel from which a pixel counts as ink
MADE_TOLERANCE = 2  # pixels by which size and centre may differ from those of the data set


def color_of(spec: DatasetSpec) -> Color:
    """Return the mode of a data set's images."""
    return "grey" if len(spec.shape) == 2 else "rgb"


def prepare(
    grey: Grey, spec: DatasetSpec, *, invert: Invert = "auto", fit: Fit = "auto"
) -> Prepared:
    """Fill a field with an image: an image of the network's shape.

    Parameters
    ----------
    grey
        Luminance 0..255, shape (height, width), or colors, shape (height, width, 3); at least one
        pixel.
    spec
        The data set of the network.
    invert
        Whether to exchange light and dark: `always`, `never`, or (`auto`) if the data set is light
        on dark, and the background of the image is lighter than what it shows.
    fit
        `auto`: use an image that has the data set's form as it is, and prepare any other image as
        the data set was made; `find_work` says which one is which. `none`: scale the whole image
        to fit, and centre it; an image of the field's shape is not scaled. `mnist`: place a digit
        as in MNIST. `fashion-mnist`: place a product as in Fashion-MNIST.

    Raises
    ------
    InvalidInputError
        `fit` places a digit or a product, but the network takes other images than MNIST's.

    Returns
    -------
    Prepared
        The field, and how it was filled. An image that shows nothing is not an error: see
        `shows_ink`.
    """
    if spec.background != "dark" and invert == "auto":
        invert = "never"
    if fit not in ("auto", "none") and spec.shape != MNIST.shape:
        raise InvalidInputError.at(
            "/fit", "must be auto or none: this model does not take grey images of 28×28 pixels"
        )
    grey = with_mode(grey, color_of(spec))
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

    An image of the data set's shape is used as it is if it has a dark border, or if the data set is
    not light on dark. With `fit=auto`, an image with a light border is only inverted if it then
    looks as if it were from the data set: its ink has the same size and the same place. `invert`
    overrides this.

    Parameters
    ----------
    fields
        Levels 0..255, integers or not, shape (images, height, width) or (images, height, width, 3).
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
    if invert != "auto" or spec.background != "dark":
        work[:] = Work.INVERT if invert == "always" else Work.NOTHING
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

    This is true for the images of the built-in data sets. If it is false, `has_dark_border` and
    `shows_ink` look closer: the darkest pixel is not always 0.

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
        Shape (images, height, width) or (images, height, width, 3).
    """
    flat = _grey(fields).reshape(len(fields), -1)
    border = _border(fields.shape[1:3])
    level = flat.take(border, axis=1).sum(axis=1) / len(border)
    dark: NDArray[np.bool_] = 2 * level <= flat.min(axis=1).astype(float) + flat.max(axis=1)
    return dark


def shows_ink(fields: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which images show anything: their contrast is at least `MIN_CONTRAST`.

    Parameters
    ----------
    fields
        Shape (images, …).
    """
    flat = fields.reshape(len(fields), -1)
    shown: NDArray[np.bool_] = flat.max(axis=1).astype(float) - flat.min(axis=1) >= MIN_CONTRAST
    return shown


def _grey(fields: NDArray[Any]) -> NDArray[Any]:
    """Return images in grey: the mean of the channels of color images."""
    return fields if fields.ndim == 3 else fields.mean(axis=3)


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
    """Scale a whole image to fit a field, as the images of uploaded data sets were."""
    inverted = invert == "always" or (invert == "auto" and not has_dark_border(grey[None])[0])
    if inverted:
        grey = 255 - grey
    height, width = grey.shape[:2]
    fitted = fit_pixels(grey, (shape[0], shape[1]))
    return Prepared(
        fitted.pixels, inverted, (0, 0, width, height), fitted.zoom, fitted.offset, fitted.ground
    )


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
