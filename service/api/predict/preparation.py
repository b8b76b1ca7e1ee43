"""Turn the images of a request into the inputs of a network."""

from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.api.readers.images import Images
from service.server.client_disconnected import raise_if_disconnected
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError
from stepbox.images.field import Invert, Prepared, Shape
from stepbox.images.prepare import Fit, Work, all_clear, find_work, prepare, shows_ink

BLOCK = 1000  # images that are looked at together


class TakesLongError(Exception):
    """An image must be more than inverted, which can take a tenth of a second."""


class Fields(NamedTuple):
    """What a network sees of n images, and how they were prepared.

    Attributes
    ----------
    pixels
        Levels 0..255 of images, or the numbers of vectors, shape (n, *spec.shape).
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

    Vectors are used as they are. Consecutive images that have the data set's shape are looked at
    together, which is faster.

    Parameters
    ----------
    images
        The images. An array that can be written is overwritten, which saves memory.
    spec
        The data set of the network.
    invert, fit
        How to prepare the images.
    quick
        Whether to raise TakesLongError if an image must be more than inverted.
    """
    if spec.kind == "vectors":
        for name, value in (("invert", invert), ("fit", fit)):
            if value != "auto":
                raise InvalidInputError.at(f"/{name}", "is for images; this model takes vectors")
        return Fields(np.asarray(images), {}, [])
    parts = [
        _prepare_block(block, spec, invert, fit, quick) for block in _blocks(images, spec.shape)
    ]
    if len(parts) == 1:
        return parts[0]
    changed: dict[int, Prepared] = {}
    empty: list[int] = []
    count = 0
    for part in parts:
        changed |= {count + index: prepared for index, prepared in part.changed.items()}
        empty += [count + index for index in part.empty]
        count += len(part.pixels)
    if isinstance(images, np.ndarray) and (images.flags.writeable or not changed):
        return Fields(images, changed, empty)
    return Fields(np.concatenate([part.pixels for part in parts]), changed, empty)


def _blocks(images: Images, shape: Shape) -> Iterator[NDArray[Any]]:
    """Cut images into arrays, shape (n, height, width, …), that take little memory to work on."""
    if isinstance(images, np.ndarray):
        for start in range(0, len(images), BLOCK):
            yield images[start : start + BLOCK]
        return
    for is_field, run in groupby(images, lambda image: image.shape == shape):
        if is_field:
            while block := list(islice(run, BLOCK)):
                yield np.array(block)
        else:
            yield from (image[None] for image in run)


def _prepare_block(
    images: NDArray[Any], spec: DatasetSpec, invert: Invert, fit: Fit, quick: bool
) -> Fields:
    """Prepare images of one shape, shape (n, height, width, …), 0..255."""
    ready = invert == "auto" and fit in ("auto", "none") and images.shape[1:] == spec.shape
    if ready and images.ndim == 3 and spec.background == "dark" and all_clear(images):
        return Fields(images, {}, [])
    work = find_work(images, spec, invert, fit)
    if quick and (work == Work.PREPARE).any():
        raise TakesLongError
    if not work.any():
        return Fields(images, {}, _empty(images))
    is_reused = images.flags.writeable and images.shape[1:] == spec.shape
    pixels = images if is_reused else np.empty((len(images), *spec.shape), images.dtype)
    changed: dict[int, Prepared] = {}
    for index, image in enumerate(images):
        if work[index] == Work.NOTHING:
            pixels[index] = image
            continue
        raise_if_disconnected()
        if work[index] == Work.INVERT:
            prepared = prepare(image, spec, invert="always", fit="none")
        else:
            prepared = prepare(np.rint(image).astype(np.uint8), spec, invert=invert, fit=fit)
        pixels[index] = prepared.pixels
        changed[index] = prepared._replace(pixels=pixels[index])
    return Fields(pixels, changed, _empty(pixels))


def _empty(fields: NDArray[Any]) -> list[int]:
    """Return the indices of the images that show nothing."""
    indices: list[int] = np.flatnonzero(~shows_ink(fields)).tolist()
    return indices
