"""Turn the images of a request into the inputs of a network."""

from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.api.readers.images import Images
from service.server.client_disconnected import raise_if_disconnected
from stepbox.data.dataset import DatasetSpec
from stepbox.images.field import Invert, Prepared
from stepbox.images.prepare import Fit, Work, all_clear, find_work, prepare, shows_ink


class TakesLongError(Exception):
    """An image must be more than inverted, which can take a tenth of a second."""


class Fields(NamedTuple):
    """What a network sees of n images, and how they were prepared.

    Attributes
    ----------
    pixels
        Grey levels 0..255, light on dark, shape (n, *spec.shape).
    changed
        How each image was prepared that is not used as it is, by index.
    empty
        The indices of the images that show nothing.
    """

    pixels: NDArray[Any]
    changed: dict[int, Prepared]
    empty: list[int]


def prepare_images(
    images: Images,
    spec: DatasetSpec,
    invert: Invert = "auto",
    fit: Fit = "auto",
    *,
    quick: bool = False,
) -> Fields:
    """Prepare each image for a network, as `stepbox.images.prepare.prepare` does.

    Consecutive images that have the data set's shape are looked at together, which is faster.

    Parameters
    ----------
    images
        The images.
    spec
        The data set of the network.
    invert, fit
        How to prepare the images.
    quick
        Whether to raise TakesLongError if an image must be more than inverted.
    """
    if isinstance(images, np.ndarray):
        return _prepare_array(images, spec, invert, fit, quick)
    pixels: list[NDArray[Any]] = []
    changed: dict[int, Prepared] = {}
    empty: list[int] = []
    count = 0
    for is_field, run in groupby(images, lambda image: image.shape == spec.shape):
        # An image of another shape is a run of its own, because it may be large.
        for some in [list(run)] if is_field else ([image] for image in run):
            part = _prepare_array(np.array(some), spec, invert, fit, quick)
            changed |= {count + index: prepared for index, prepared in part.changed.items()}
            empty += [count + index for index in part.empty]
            count += len(some)
            pixels.append(part.pixels)
    return Fields(np.concatenate(pixels), changed, empty)


def _prepare_array(
    images: NDArray[Any], spec: DatasetSpec, invert: Invert, fit: Fit, quick: bool
) -> Fields:
    """Prepare images of one shape, shape (n, height, width), 0..255."""
    ready = invert == "auto" and fit in ("auto", "none") and images.shape[1:] == spec.shape
    if ready and all_clear(images):
        return Fields(images, {}, [])
    work = find_work(images, spec, invert, fit)
    if quick and (work == Work.PREPARE).any():
        raise TakesLongError
    changed: dict[int, Prepared] = {}
    for index in np.flatnonzero(work).tolist():
        raise_if_disconnected()
        image = images[index]
        if work[index] == Work.INVERT:
            changed[index] = prepare(image, spec, invert="always", fit="none")
        else:
            levels = np.rint(image).astype(np.uint8)
            changed[index] = prepare(levels, spec, invert=invert, fit=fit)
    if len(changed) == len(images):
        pixels = np.array([prepared.pixels for prepared in changed.values()])
    elif not changed:
        pixels = images
    else:
        pixels = images.copy()
        for index, prepared in changed.items():
            pixels[index] = prepared.pixels
    return Fields(pixels, changed, np.flatnonzero(~shows_ink(pixels)).tolist())
