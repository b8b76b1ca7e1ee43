"""Decode image files to grey levels or colors, and encode grey levels as PNG."""

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from stepbox.errors import InvalidInputError
from stepbox.images.plain_png import DAMAGED, read_plain_png

Grey = NDArray[np.uint8]
Color = Literal["grey", "rgb"]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
MAX_PIXELS = 25_000_000
MAX_SCANS = 100  # in a progressive JPEG of MAX_PIXELS; smaller ones may have more. Ten are typical

# ISO/IEC 23008-12. Stepbox does not read these files: the wheels of pillow-heif are under the GPL.
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_WITHOUT_COLORS = {"I", "F", "LAB"}  # Pillow converts them to RGB wrongly, or not at all
_decoding = threading.Lock()


class _RejectedError(Exception):
    """The image is rejected; the message says why."""


def decode_image(
    data: bytes, *, pointer: str, max_pixels: int = MAX_PIXELS, color: Color = "grey"
) -> Grey:
    """Decode an image file to grey levels, or to colors.

    The formats are PNG, JPEG, GIF, BMP, WebP and TIFF in any colour mode, detected from the
    content. Only the first frame is read. The EXIF orientation is applied. 16 bits become 8: if no
    level is over 255, they hold 8-bit levels.
    Transparent pixels show a background that contrasts with the opaque ones: white behind dark
    ink, black behind light ink.

    Parameters
    ----------
    data
        The file's bytes.
    pointer
        RFC 6901 pointer for the error to name.
    max_pixels
        Pixels left for this image, if it is one of several in a request. `MAX_PIXELS` always
        applies.
    color
        ``grey`` or ``rgb``.

    Returns
    -------
    Grey
        Luminance 0..255, shape (height, width); for ``rgb``, colors of shape (height, width, 3).

    Raises
    ------
    InvalidInputError
        The file has another format, is damaged, or has too many pixels. The number of pixels is
        read from the header, before anything is decoded.
    """
    plain = read_plain_png(data, pointer)
    if plain is not None:
        return plain if color == "grey" else np.stack([plain] * 3, axis=-1)
    with opened(data, pointer, max_pixels) as image:
        return np.asarray(read_image(image, color))


@contextlib.contextmanager
def opened(data: bytes, pointer: str, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open an image file, and check its size; nothing is decoded yet.

    Raises
    ------
    InvalidInputError
        As for `decode_image`, also for errors of Pillow in the body of the ``with`` statement.
    """
    # One image at a time: this bounds the memory of a process with many threads, and
    # `catch_warnings` is not thread-safe.
    with _decoding, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_size(image, data, max_pixels)
                yield image
            return
        except _RejectedError as error:
            fault = str(error)
        except Image.DecompressionBombError:
            fault = f"has too many pixels: at most {MAX_PIXELS:,} are allowed"
        except UnidentifiedImageError:
            fault = "is not an image: PNG, JPEG, GIF, BMP, WebP and TIFF are accepted"
            if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
                fault = fault.replace("not an image", "a HEIC file") + ", so export it as JPEG"
        except Exception:
            # Decoders raise a dozen types of errors. All of them mean a damaged or hostile file.
            fault = DAMAGED
    raise InvalidInputError.at(pointer, fault)


def _check_size(image: Image.Image, data: bytes, max_pixels: int) -> None:
    width, height = image.size
    if not 1 <= width * height <= MAX_PIXELS:
        raise _RejectedError(f"has {width}×{height} pixels: 1 to {MAX_PIXELS:,} are allowed")
    if width * height > max_pixels:
        raise _RejectedError(
            f"has {width}×{height} pixels, but the images of this request may have only "
            f"{max_pixels:,} more"
        )
    if image.info.get("progressive"):
        # A scan of a progressive JPEG can be a few bytes long, and still updates every pixel.
        scans = data.count(b"\xff\xda")
        if scans * width * height > MAX_SCANS * MAX_PIXELS:
            raise _RejectedError(f"has {scans} scans, which is too many for its size")


def read_image(
    image: Image.Image, color: Color, least: tuple[int, int] | None = None
) -> Image.Image:
    """Decode an image that is `opened`, as `decode_image` describes.

    Parameters
    ----------
    image
        The first frame is read.
    color
        ``grey`` for luminance, ``rgb`` for colors.
    least
        A width and a height that are enough, before the orientation is applied. A JPEG file may
        then be decoded at a half, a quarter or an eighth of its size, which is faster.

    Returns
    -------
    Image.Image
        Of mode L or RGB, upright.
    """
    # A JPEG file needs no colors for its luminance; this gives the same grey levels.
    image.draft("L" if color == "grey" else None, least)
    image.load()
    levels = _on_ground(image, color) if image.has_transparency_data else _levels(image, color)
    turned = orientation(image)
    return levels if turned is None else levels.transpose(turned)


def orientation(image: Image.Image) -> Image.Transpose | None:
    """Return how to turn an image upright; None if it is, or if its EXIF data is damaged."""
    with contextlib.suppress(Exception):  # damaged EXIF data does not make the image useless
        return _UPRIGHT.get(int(image.getexif().get(ExifTags.Base.Orientation, 1)))
    return None


def _levels(image: Image.Image, color: Color) -> Image.Image:
    """Return the luminance or the colors, 0..255, of an image; ignore transparency."""
    if color == "grey" or image.mode.startswith("I;16") or image.mode in _WITHOUT_COLORS:
        image = _luminance(image)
    mode = "L" if color == "grey" else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _luminance(image: Image.Image) -> Image.Image:
    """Return the luminance, 0..255, of an image of any mode; ignore transparency."""
    if image.mode.startswith("I;16"):
        words = np.asarray(image).astype(np.uint32)
        if words.max() > 255:  # else the file has 8-bit levels, which would be almost black
            words = (words + 128) // 257
        return Image.fromarray(words.astype(np.uint8))
    if image.mode in {"I", "F"}:
        # These modes define no white: the darkest and the lightest pixel set the scale.
        levels = np.asarray(image).astype(np.float64)
        low, high = levels.min(), levels.max()
        if not np.isfinite(high - low):
            raise _RejectedError("has pixels that are not finite numbers")
        levels -= low
        levels *= 255 / ((high - low) or 1)
        np.rint(levels, out=levels)
        return Image.fromarray(levels.astype(np.uint8))
    if image.mode == "LAB":
        return image.getchannel("L")
    return image.convert("L")


def _on_ground(image: Image.Image, color: Color) -> Image.Image:
    """Return the levels, 0..255, of a transparent image on a contrasting background."""
    if image.mode.startswith("I;16"):  # one grey level means transparent
        alpha = Image.fromarray(np.asarray(image) != image.info["transparency"]).convert("L")
    else:
        if image.mode != "RGBA":
            image = image.convert("LA" if image.mode == "La" else "RGBA")
        alpha = image.getchannel("A")
    levels = _levels(image, color)
    shown = Image.composite(levels, Image.new(levels.mode, levels.size, "black"), alpha)
    light = int(np.asarray(shown.convert("L")).sum(dtype=np.uint64))
    if 255 * light < 128 * int(np.asarray(alpha).sum(dtype=np.uint64)):
        shown = Image.composite(levels, Image.new(levels.mode, levels.size, "white"), alpha)
    return shown


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an image as a PNG file: (height, width) if it is grey, (height, width, 3) if RGB."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
