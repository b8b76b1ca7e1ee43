"""Read the plainest PNG fast: 8-bit grey, not interlaced, with pixels and nothing else.

It is what those send who send pictures by the thousand. Whatever differs in the least is left to
`images.decode_image`, whose answer this one's always equals.

References
----------
W3C, Portable Network Graphics (PNG) Specification (Third Edition), sections 5 and 11.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_SIDE = 64  # pixels
MOST_BYTES = 16_384

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8sI4sII5B")  # signature; length, type and fields of IHDR
_CHUNK = struct.Struct(">I4s")
_PLAIN = (8, 0, 0, 0, 0)  # bit depth, colour type, compression, filter, interlace


def read_plain_png(data: bytes) -> NDArray[np.uint8] | None:
    """Read a plain PNG file of at most 64×64 pixels and 16 KiB.

    Parameters
    ----------
    data
        The file's bytes, whatever they are.

    Returns
    -------
    NDArray[np.uint8]
        Grey levels 0..255, shape (height, width), read-only; None where the file is not plain.
    """
    if len(data) > MOST_BYTES:
        return None
    try:
        signature, length, kind, width, height, *form = _HEADER.unpack_from(data)
        plain = (signature, length, kind, tuple(form)) == (_SIGNATURE, 13, b"IHDR", _PLAIN)
        if not plain or not 1 <= width <= MOST_SIDE or not 1 <= height <= MOST_SIDE:
            return None
        if _checksum(data, 12, 29) != data[29:33]:
            return None
        start, packed = 33, b""
        while True:
            length, kind = _CHUNK.unpack_from(data, start)
            body, end = start + 8, start + 8 + length
            if _checksum(data, start + 4, end) != data[end : end + 4]:
                return None
            if kind == b"IEND":
                break
            if kind != b"IDAT":
                return None
            packed += data[body:end]
            start = end + 4
        image = Image.new("L", (width, height), None)  # not filled: all of it is decoded, or none
        image.frombytes(packed, "zip", "L", 0)
    except (struct.error, ValueError, OSError):
        return None
    return np.frombuffer(image.tobytes(), np.uint8).reshape(height, width)


def _checksum(data: bytes, start: int, end: int) -> bytes:
    return zlib.crc32(data[start:end]).to_bytes(4, "big")
