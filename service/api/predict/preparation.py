"""Turn the images of a request into the inputs of a network."""

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from service.api.readers.images import Images
from service.server.client_disconnected import raise_if_disconnected
from stepbox.images.decode import Grey
from stepbox.images.prepare import Fit, Invert, Prepared, Shape, prepare, prepare_fields


def prepare_images(
    images: Images, shape: Shape, invert: Invert, fit: Fit
) -> NDArray[np.uint8] | NDArray[np.float64]:
    """Turn images into the grey levels that a network takes, 0 to 255, shape (n, *shape)."""
    if fit == "none" and isinstance(images, np.ndarray) and images.shape[1:] == shape:
        return prepare_fields(images, invert=invert)
    if fit == "none" and isinstance(images, Iterator):
        return np.concatenate(list(_prepare_runs(images, shape, invert)))
    return np.array([image.pixels for image in prepare_each(images, shape, invert, fit)])


def prepare_each(images: Images, shape: Shape, invert: Invert, fit: Fit) -> Iterator[Prepared]:
    """Prepare images one by one, like `prepare_images`; yield each with what was done to it."""
    for image in images:
        raise_if_disconnected()
        as_given = fit == "none" and image.shape == shape
        grey = image if as_given else np.rint(image).astype(np.uint8)
        yield prepare(grey, shape, invert=invert, fit=fit)


def _prepare_runs(images: Iterator[Grey], shape: Shape, invert: Invert) -> Iterator[Grey]:
    """Prepare consecutive images of this shape together, and all other images one at a time."""
    for is_field, run in groupby(images, lambda image: image.shape == shape):
        if is_field:
            yield prepare_fields(np.array(list(run)), invert=invert)
        else:
            yield from (image.pixels[None] for image in prepare_each(run, shape, invert, "none"))
