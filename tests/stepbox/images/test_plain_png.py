"""The fast path for plain PNG files gives the same pixels as Pillow."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, PngImagePlugin

from stepbox.images.decode import encode_png
from stepbox.images.plain_png import MOST_BYTES, MOST_SIDE, DamagedPNGError, read_plain_png

SIDES = st.integers(1, MOST_SIDE)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def general(data):
    """Decode with Pillow; return None if it cannot decode the file."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            return np.asarray(image.convert("L"))
    except Exception:
        return None


@given(hnp.arrays(np.uint8, st.tuples(SIDES, SIDES)))
def test_every_plain_image_is_read(grey):
    np.testing.assert_array_equal(read_plain_png(encode_png(grey)), grey)


@given(st.data())
def test_a_damaged_file_gives_the_pixels_of_pillow_or_none(data):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    file = bytearray(encode_png(grey))
    for place in data.draw(st.lists(st.integers(0, len(file) - 1), min_size=1, max_size=4)):
        file[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(file)))
    for damaged in (bytes(file), bytes(file[:cut])):
        read = read_plain_png(damaged)
        if read is not None:
            np.testing.assert_array_equal(read, general(damaged))


@given(st.binary(max_size=60), st.integers(0, 70), st.integers(0, 70))
def test_damaged_pixels_with_valid_checksums_are_detected(packed, width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    for body in (packed, zlib.compress(packed)):
        file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
        file += chunk(b"IDAT", body[:5]) + chunk(b"IDAT", body[5:]) + chunk(b"IEND", b"")
        try:
            read = read_plain_png(file)
        except DamagedPNGError:
            assert general(file) is None
        else:
            if read is not None:
                np.testing.assert_array_equal(read, general(file))


def save(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def text():
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "a seven")
    return info


@pytest.mark.parametrize(
    "file",
    [
        save(Image.new("RGB", (28, 28))),
        save(Image.new("P", (28, 28))),
        save(Image.new("1", (28, 28))),
        save(Image.new("I;16", (28, 28))),
        save(Image.new("LA", (28, 28))),
        save(Image.new("L", (28, 28)), transparency=0),
        save(Image.new("L", (28, 28)), exif=Image.Exif().tobytes()),
        save(Image.new("L", (28, 28)), pnginfo=text()),
        save(Image.new("L", (MOST_SIDE + 1, 1))),
        save(Image.new("L", (1, MOST_SIDE + 1))),
        save(Image.new("L", (28, 28))) + bytes(MOST_BYTES),
        b"",
    ],
)
def test_other_files_are_not_read_by_the_fast_path(file):
    assert read_plain_png(file) is None
