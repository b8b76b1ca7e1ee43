"""Image files: to grey levels, and back to a PNG."""

import contextlib
import io
import threading
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from stepbox.errors import InvalidInputError
from stepbox.images.plain_png import DamagedPNGError, read_plain_png

Grey = NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
MAX_PIXELS = 25_000_000
MAX_SCANS = 100  # of a progressive JPEG of the largest size; ordinary ones have about ten

_DAMAGED = "is damaged or cut short: it cannot be decoded"
_ORIENTATION_TAG = 0x0112  # the EXIF tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_decoding = threading.Lock()


class _RefusedError(Exception):
    """A picture that is refused, and why in words."""


def decode_image(data: bytes, *, pointer: str, most_in_all: int = MAX_PIXELS) -> Grey:
    """Decode an image file to grey levels.

    Taken are PNG, JPEG, GIF, BMP, WebP and TIFF of any colour mode, told by their content; of
    several frames the first. The EXIF orientation is applied, 16 bits become 8, and where it is
    transparent a ground shows that the opaque part stands out from: white behind dark ink, black
    behind light.

    Parameters
    ----------
    data
        The file's bytes.
    pointer
        RFC 6901 pointer for the error to name.
    most_in_all
        Pixels that it may have, if that is less, as one of several pictures.

    Returns
    -------
    Grey
        Luminance 0..255, shape (height, width).

    Raises
    ------
    InvalidInputError
        It is none of these, is damaged, or has more than 25 million pixels by its header; such
        a one is refused before anything is decoded.
    """
    plain = decode_plain_image(data, pointer=pointer)
    if plain is not None:
        return plain
    # One picture at a time: that bounds the memory of a process with many threads, and
    # `catch_warnings` is not safe among threads.
    with _decoding, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _decode(data, most_in_all)
        except _RefusedError as error:
            fault = str(error)
        except Image.DecompressionBombError:
            fault = f"has too many pixels: at most {MAX_PIXELS:,} are taken"
        except UnidentifiedImageError:
            fault = "is no picture: PNG, JPEG, GIF, BMP, WebP and TIFF are taken"
        except Exception:
            # Decoders meet hostile bytes with errors of a dozen types; all mean the same here.
            fault = _DAMAGED
    raise InvalidInputError.at(pointer, fault)


def decode_plain_image(data: bytes, *, pointer: str) -> Grey | None:
    """Decode an image file if it is a small plain PNG, whose decoding takes microseconds.

    Parameters
    ----------
    data, pointer
        As for `decode_image`, which always gives the same result.

    Returns
    -------
    Grey or None
        Luminance 0..255, shape (height, width). None, before anything is decoded, if the file is
        not plain.

    Raises
    ------
    InvalidInputError
        The file is plain but damaged.
    """
    try:
        return read_plain_png(data)
    except DamagedPNGError:
        raise InvalidInputError.at(pointer, _DAMAGED) from None


def _decode(data: bytes, most_in_all: int) -> Grey:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if not 1 <= width * height <= MAX_PIXELS:
            raise _RefusedError(f"has {width}×{height} pixels: 1 to {MAX_PIXELS:,} are taken")
        if width * height > most_in_all:
            raise _RefusedError(
                f"has {width}×{height} pixels, and of all pictures of the request only "
                f"{most_in_all:,} more are taken"
            )
        if image.info.get("progressive"):
            # Each scan of a progressive JPEG, a few bytes long, touches every pixel again.
            scans = data.count(b"\xff\xda")
            if scans * width * height > MAX_SCANS * MAX_PIXELS:
                raise _RefusedError(f"has {scans} scans, which is too many for its size")
        image.load()
        grey = _on_ground(image) if image.has_transparency_data else _luminance(image)
        upright = _UPRIGHT.get(_orientation(image))
    if upright is None:
        return grey
    return np.asarray(Image.fromarray(grey).transpose(upright))


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 (upright) where there is none that can be read."""
    with contextlib.suppress(Exception):  # a picture is worth seeing without its EXIF
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    return 1


def _luminance(image: Image.Image) -> Grey:
    """Luminance 0..255 of an image of any mode, its transparency left out."""
    if image.mode.startswith("I;16"):
        return ((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8)
    if image.mode in {"I", "F"}:
        # These have no white of their own: the darkest and the lightest pixel set the scale.
        levels = np.asarray(image).astype(np.float64)
        low, high = levels.min(), levels.max()
        if not np.isfinite(high - low):
            raise _RefusedError("has pixels that are not finite numbers")
        levels -= low
        levels *= 255 / ((high - low) or 1)
        np.rint(levels, out=levels)
        return levels.astype(np.uint8)
    if image.mode == "LAB":
        return np.asarray(image.getchannel("L"))
    return np.asarray(image.convert("L"))


def _on_ground(image: Image.Image) -> Grey:
    """Luminance 0..255 of a transparent image before white or black, whichever shows its ink."""
    if image.mode.startswith("I;16"):  # one grey level stands for transparent
        alpha = Image.fromarray(np.asarray(image) != image.info["transparency"]).convert("L")
    else:
        if image.mode != "RGBA":
            image = image.convert("LA" if image.mode == "La" else "RGBA")
        alpha = image.getchannel("A")
    grey = Image.fromarray(_luminance(image))
    shown = np.asarray(Image.composite(grey, Image.new("L", grey.size, 0), alpha))
    dark = 255 * int(shown.sum(dtype=np.uint64)) < 128 * int(np.asarray(alpha).sum(dtype=np.uint64))
    if dark:
        shown = np.asarray(Image.composite(grey, Image.new("L", grey.size, 255), alpha))
    return shown


def encode_png(pixels: Grey) -> bytes:
    """Encode grey levels 0..255, shape (height, width), as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
