"""Convert images of any size and mode to one size: data sets are made with it, and predictions.

The whole image is scaled so that its longer side fits. It is centered on the color of its border,
the median of the outermost pixels, which is usually the background. An image that already has the
size and the mode stays as it is, pixel for pixel.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stepbox.errors import InvalidInputError
from stepbox.images.decode import Color, opened, orientation, read_image
from stepbox.images.plain_png import read_plain_png

MOST_DEFAULT_SIDE = 64  # pixels; larger images need more computing than this project aims at

# Levels between the channels of a pixel from which it has color: lossy formats and scanners give
# grey pixels a slight tint.
_TINT = 16
# A JPEG is decoded at a size from which it is at least halved, so that no detail is lost.
_OVERSAMPLING = 2
_BLOCK = 2**20  # pixels that are looked at, at once
_SWAPS = {
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
}
_GREY_MODES = {"1", "L", "LA", "La", "I", "F", "LAB"}  # and I;16


def measure_image(data: bytes, name: str = "the image") -> tuple[int, int, bool]:
    """Return the size of an image file, and whether it has color.

    An image has color if it has a pixel whose channels differ by more than 16 of 255 levels.
    Pixels are decoded only if the image's mode has colors; those of a large JPEG at a reduced size.
    Transparent pixels do not count.

    Parameters
    ----------
    data
        The file's bytes.
    name
        Name for the error.

    Returns
    -------
    tuple[int, int, bool]
        Height and width in pixels, when upright, and whether the image has color.

    Raises
    ------
    InvalidInputError
        The image cannot be decoded, or has too many pixels; see `decode_image`.
    """
    try:
        plain = read_plain_png(data)
        if plain is not None:
            return *plain.shape, False
        with opened(data, "") as image:
            width, height = image.size
            if orientation(image) in _SWAPS:
                width, height = height, width
            return height, width, _has_color(image)
    except InvalidInputError as error:
        raise _named(error, name) from None


def _has_color(image: Image.Image) -> bool:
    if image.mode in _GREY_MODES or image.mode.startswith("I;16"):
        return False
    if image.mode == "P" and image.palette is not None:
        colors = np.frombuffer(image.palette.tobytes(), np.uint8)
        if image.palette.mode == "RGB" and not _is_tinted(colors.reshape(-1, 3)):
            return False
    width, height = image.size
    side = min(width, height, 2 * MOST_DEFAULT_SIDE)
    shown = read_image(image, "rgb", (side, side))
    rows = max(1, _BLOCK // shown.width)
    blocks = (
        shown.crop((0, top, shown.width, min(top + rows, shown.height)))
        for top in range(0, shown.height, rows)
    )
    return any(_is_tinted(np.asarray(block)) for block in blocks)


def _is_tinted(pixels: NDArray[np.uint8]) -> bool:
    """Return whether one of these pixels, shape (…, 3), has a color."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    low = np.minimum(np.minimum(red, green), blue)
    return bool((np.maximum(np.maximum(red, green), blue) - low > _TINT).any())


def default_size(sizes: Iterable[tuple[int, int]]) -> int:
    """Return the side of the square for images of these heights and widths, in pixels.

    It is the median of their longer sides, at most 64.
    """
    longer = np.fromiter((max(size) for size in sizes), np.int64)
    return min(MOST_DEFAULT_SIDE, round(float(np.median(longer))))


def convert_image(
    data: bytes, side: int, color: Color, name: str = "the image"
) -> NDArray[np.uint8]:
    """Decode an image file as `decode_image` does, and convert it.

    Parameters
    ----------
    data
        The file's bytes.
    side
        Height and width of the result, in pixels.
    color
        ``grey`` or ``rgb``.
    name
        Name for the error.

    Returns
    -------
    NDArray[np.uint8]
        Shape (side, side), or (side, side, 3) for ``rgb``; 0..255.

    Raises
    ------
    InvalidInputError
        The image cannot be decoded, or has too many pixels; see `decode_image`.
    """
    try:
        plain = read_plain_png(data)
        if plain is not None:
            return convert_pixels(plain, side, color)
        with opened(data, "") as image:
            share = min(1, _OVERSAMPLING * side / max(image.size))
            width, height = (max(1, math.ceil(length * share)) for length in image.size)
            pixels = np.asarray(read_image(image, color, (width, height)))
            return fit_pixels(pixels, (side, side)).pixels
    except InvalidInputError as error:
        raise _named(error, name) from None


def convert_pixels(pixels: NDArray[np.uint8], side: int, color: Color) -> NDArray[np.uint8]:
    """Convert a decoded image.

    Parameters
    ----------
    pixels
        Shape (height, width) or (height, width, 3), 0..255.
    side, color
        As for `convert_image`.

    Returns
    -------
    NDArray[np.uint8]
        As `convert_image` does.
    """
    return fit_pixels(with_mode(pixels, color), (side, side)).pixels


def with_mode(pixels: NDArray[Any], color: Color) -> NDArray[Any]:
    """Return pixels, shape (height, width) or (height, width, 3), in grey or in color."""
    if pixels.ndim == (2 if color == "grey" else 3):
        return pixels
    return np.asarray(Image.fromarray(pixels).convert("L" if color == "grey" else "RGB"))


class Fitted(NamedTuple):
    """An image that was scaled to a size.

    Attributes
    ----------
    pixels
        Shape (height, width) or (height, width, 3), 0..255.
    zoom
        New pixels for each pixel, along the side that limits the size.
    offset
        Column and row where the scaled image begins.
    ground
        The level around it, or the levels of red, green and blue.
    """

    pixels: NDArray[Any]
    zoom: float
    offset: tuple[int, int]
    ground: int | list[int]


def fit_pixels(pixels: NDArray[Any], size: tuple[int, int]) -> Fitted:
    """Scale an image to the largest size that fits, and center it on the color of its border.

    Parameters
    ----------
    pixels
        Shape (height, width) or (height, width, 3), 0..255. They may have fractions if the image
        already has the size.
    size
        Height and width of the result, in pixels.
    """
    ground = _border_color(pixels)
    if pixels.shape[:2] == size:
        return Fitted(pixels, 1.0, (0, 0), ground)
    zoom = min(size[0] / pixels.shape[0], size[1] / pixels.shape[1])
    height, width = (
        min(most, max(1, round(length * zoom)))
        for most, length in zip(size, pixels.shape[:2], strict=True)
    )
    # Bilinear, because sharper filters overshoot at edges: a plain background gets a halo.
    scaled = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    column, row = (size[1] - width) // 2, (size[0] - height) // 2
    field = np.empty((*size, *pixels.shape[2:]), np.uint8)
    field[:] = ground
    field[row : row + height, column : column + width] = scaled
    return Fitted(field, zoom, (column, row), ground)


def _border_color(pixels: NDArray[Any]) -> int | list[int]:
    """Return the median of the outermost pixels, in each channel."""
    border = (pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1])
    level: int | list[int] = np.median(np.concatenate(border), axis=0).astype(int).tolist()
    return level


def _named(error: InvalidInputError, name: str) -> InvalidInputError:
    return InvalidInputError.at("", f"{name} {error.faults[0].detail}")
