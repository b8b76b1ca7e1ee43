"""Convert images of any size and mode to one size: data sets are made with it, and predictions.

The whole image is scaled so that its longer side fits. It is centered on the color of its border,
the median of the outermost pixels, which is usually the background. An image that already has the
size and the mode stays as it is, pixel for pixel.
"""

import math
from collections.abc import Iterable

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
            return _fit(read_image(image, color, (width, height)), side)
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
    mode = "L" if color == "grey" else "RGB"
    if pixels.shape == ((side, side) if color == "grey" else (side, side, 3)):
        return pixels
    image = Image.fromarray(pixels)
    return _fit(image if image.mode == mode else image.convert(mode), side)


def _fit(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """Scale an image of mode L or RGB, and center it on the color of its border."""
    if image.size == (side, side):
        return np.asarray(image)
    scale = side / max(image.size)
    width, height = (min(side, max(1, round(length * scale))) for length in image.size)
    # Bilinear, because sharper filters overshoot at edges: a plain background gets a halo.
    scaled = image.resize((width, height), Image.Resampling.BILINEAR)
    if scaled.size == (side, side):
        return np.asarray(scaled)
    ground = Image.new(image.mode, (side, side), _border_color(image))
    ground.paste(scaled, ((side - width) // 2, (side - height) // 2))
    return np.asarray(ground)


def _border_color(image: Image.Image) -> int | tuple[int, ...]:
    """Return the median of the outermost pixels, in each channel."""
    right, bottom = image.size
    edges = [
        (0, 0, right, 1),
        (0, bottom - 1, right, bottom),
        (0, 1, 1, max(1, bottom - 1)),
        (right - 1, 1, right, max(1, bottom - 1)),
    ]
    channels = len(image.getbands())
    pixels = [np.asarray(image.crop(edge)).reshape(-1, channels) for edge in edges]
    median = tuple(int(level) for level in np.median(np.concatenate(pixels), axis=0))
    return median if channels > 1 else median[0]


def _named(error: InvalidInputError, name: str) -> InvalidInputError:
    return InvalidInputError.at("", f"{name} {error.faults[0].detail}")
