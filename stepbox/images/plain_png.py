"""A fast path for plain PNG files: small, 8-bit grey, not interlaced, without metadata.

Clients that send thousands of images usually send such files. `decode.decode_image` gives the same
result for them, and decodes all other files. With `Image.open`, a prediction takes 41 % more CPU
time; with filters undone in Python and NumPy, 60 % more.

References
----------
W3C, Portable Network Graphics (PNG) Specification (Third Edition), sections 5 and 11.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import _imaging as codecs

from stepbox.errors import InvalidInputError

DAMAGED = "is damaged or truncated: it cannot be decoded"
MOST_SIDE = 64  # pixels
MOST_BYTES = 16_384

_BEGINNING = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"
_SIDES = struct.Struct(">II")
_PLAIN = bytes((8, 0, 0, 0, 0))  # bit depth, colour type, compression, filter, interlace
_CHUNK = struct.Struct(">I4s")


def read_plain_png(data: bytes, pointer: str = "") -> NDArray[np.uint8] | None:
    """Read a plain PNG file of at most 64×64 pixels and 16 KiB.

    Parameters
    ----------
    data
        The content of any file.
    pointer
        RFC 6901 pointer for the error to name.

    Returns
    -------
    NDArray[np.uint8]
        Grey levels 0..255, shape (height, width), read-only. None if the file is not plain;
        nothing is decoded then.

    Raises
    ------
    InvalidInputError
        The file is plain and its checksums are correct, but its pixels cannot be decoded. Pillow
        cannot decode them either.
    """
    if len(data) > MOST_BYTES:
        return None
    try:
        if not data.startswith(_BEGINNING) or data[24:29] != _PLAIN:
            return None
        width, height = _SIDES.unpack_from(data, 16)
        if not 1 <= width <= MOST_SIDE or not 1 <= height <= MOST_SIDE:
            return None
        if zlib.crc32(data[12:29]).to_bytes(4) != data[29:33]:
            return None
        start, packed = 33, b""
        while True:
            length, kind = _CHUNK.unpack_from(data, start)
            body, end = start + 8, start + 8 + length
            if zlib.crc32(data[start + 4 : end]).to_bytes(4) != data[end : end + 4]:
                return None
            if kind == b"IEND":
                break
            if kind != b"IDAT":
                return None
            packed += data[body:end]
            start = end + 4
    except struct.error:
        return None
    # Pillow's codecs, without its Image objects, which double the time.
    image, area = codecs.new("L", (width, height)), (0, 0, width, height)
    decoder, encoder = codecs.zip_decoder("L", "L", 0), codecs.raw_encoder("L", "L")
    decoder.setimage(image, area)
    unread, fault = decoder.decode(packed)
    if unread >= 0 or fault:  # pixels are missing, or the compressed data is invalid
        raise InvalidInputError.at(pointer, DAMAGED)
    encoder.setimage(image, area)
    _, _, grey = encoder.encode(width * height)
    return np.frombuffer(grey, np.uint8).reshape(height, width)
