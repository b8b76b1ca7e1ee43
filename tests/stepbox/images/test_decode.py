import io
import struct
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from stepbox.data.builtin import MNIST
from stepbox.errors import InvalidInputError
from stepbox.images.decode import decode_image, encode_png
from stepbox.images.prepare import prepare

pytestmark = pytest.mark.container

LIMIT = 25_000_000


def save(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def decode(data):
    return decode_image(data, pointer="/image")


def fault_of(data):
    """Return the message of the error for a file that is rejected."""
    with pytest.raises(InvalidInputError) as caught:
        decode(data)
    (fault,) = caught.value.faults
    assert fault.pointer == "/image"
    return fault.detail


def drawing(size=(40, 30), ground=255, ink=0):
    """Make an image without symmetry, so that a wrong rotation is detected."""
    image = Image.new("L", size, ground)
    draw = ImageDraw.Draw(image)
    draw.rectangle((5, 4, 12, 20), fill=ink)
    draw.rectangle((12, 16, 30, 20), fill=(ground + ink) // 2)
    return image


# Formats and modes.


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_every_format_gives_the_same_image(form, mode):
    grey = drawing(ink=40).point(lambda level: 255 if level > 100 else 0)
    decoded = decode(save(grey.convert(mode), form))
    assert decoded.dtype == np.uint8
    assert decoded.shape == (30, 40)
    assert np.abs(decoded.astype(int) - np.asarray(grey)).mean() < 3


@pytest.mark.parametrize(
    ("mode", "colour", "form", "grey"),
    [
        ("1", 1, "PNG", 255),
        ("L", 77, "PNG", 77),
        ("RGB", (255, 0, 0), "PNG", 76),  # 0.299 R + 0.587 G + 0.114 B
        ("RGB", (0, 255, 0), "WEBP", 150),
        ("RGB", (0, 0, 255), "BMP", 29),
        ("RGB", (0, 0, 255), "GIF", 29),
        ("CMYK", (0, 0, 0, 0), "JPEG", 255),
        ("CMYK", (0, 255, 255, 0), "TIFF", 76),
        ("YCbCr", (128, 128, 128), "TIFF", 128),
        ("YCbCr", (128, 128, 128), "JPEG", 128),
        ("LAB", (100, 0, 0), "TIFF", 100),
        ("I;16", 65535, "PNG", 255),
        ("I;16", 32896, "PNG", 128),
        ("I;16", 514, "TIFF", 2),
        ("I;16", 128, "TIFF", 128),
        ("I;16", 255, "PNG", 255),
        ("I;16B", 32896, "TIFF", 128),
    ],
)
def test_colours_become_luminance(mode, colour, form, grey):
    decoded = decode(save(Image.new(mode, (8, 6), colour), form))
    assert decoded.shape == (6, 8)
    assert np.abs(decoded.astype(int) - grey).max() <= 2


@pytest.mark.parametrize("mode", ["I", "F"])
def test_modes_without_a_fixed_white_are_stretched(mode):
    levels = np.array([[-1000, 0], [500, 1000]], np.int32 if mode == "I" else np.float32)
    decoded = decode(save(Image.fromarray(levels), "TIFF"))
    np.testing.assert_array_equal(decoded, [[0, 128], [191, 255]])
    assert not decode(save(Image.new(mode, (4, 4), 7), "TIFF")).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_must_be_finite(value):
    levels = np.array([[0, value], [1, 2]], np.float32)
    assert "finite" in fault_of(save(Image.fromarray(levels), "TIFF"))


def ink_on_nothing(mode, ink):
    """Make a transparent image with an opaque square of one grey level."""
    image = Image.new("LA" if mode == "LA" else "RGBA", (20, 20), (0,) * (2 if mode == "LA" else 4))
    image.paste((ink, 255) if mode == "LA" else (ink, ink, ink, 255), (5, 5, 15, 15))
    return image if mode != "P" else image.quantize(4)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize(("ink", "ground"), [(10, 255), (240, 0)])
def test_the_background_of_a_transparent_image_shows_its_ink(mode, form, ink, ground):
    image = ink_on_nothing(mode, ink)
    if (mode, form) in {("P", "TIFF"), ("P", "GIF"), ("LA", "GIF")}:
        image = image.convert("RGBA")  # Pillow writes no transparency for these
    decoded = decode(save(image, form, **({"lossless": True} if form == "WEBP" else {})))
    assert abs(int(decoded[10, 10]) - ink) <= 2
    assert decoded[0, 0] == ground


@pytest.mark.parametrize(
    ("mode", "clear", "ink", "expected"),
    [
        ("1", 0, 1, [0, 255]),
        ("L", 200, 20, [255, 20]),
        ("RGB", (1, 2, 3), (250, 250, 250), [0, 250]),
        ("I;16", 500, 65535, [0, 255]),
        ("I;16", 65535, 514, [255, 2]),
    ],
)
def test_one_grey_level_can_mean_transparent(mode, clear, ink, expected):
    image = Image.new(mode, (2, 1), ink)
    image.putpixel((0, 0), clear)
    assert decode(save(image, "PNG", transparency=clear)).tolist() == [expected]


def test_half_transparent_ink_blends_with_the_background():
    image = Image.new("RGBA", (4, 1), (0, 0, 0, 128))
    np.testing.assert_array_equal(decode(save(image, "PNG")), [[127] * 4])


def test_a_fully_transparent_image_is_empty():
    assert not decode(save(Image.new("RGBA", (4, 4), (9, 9, 9, 0)), "PNG")).any()


# Frames and orientation.


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_only_the_first_frame_is_read(form):
    first, others = drawing(), [Image.new("L", (40, 30), grey) for grey in (90, 200)]
    data = save(first, form, save_all=True, append_images=others)
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 3
    assert np.abs(decode(data).astype(int) - np.asarray(first)).mean() < 3


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied(form, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = drawing()
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(save(stored, form, exif=exif))
    assert decoded.shape == (30, 40)
    assert np.abs(decoded.astype(int) - np.asarray(upright)).mean() < 4


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0nonsense"]
)
def test_damaged_exif_data_is_ignored(exif):
    assert decode(save(drawing(), "JPEG", exif=exif)).shape == (30, 40)


# Rejected files.


def png_chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png_of_size(width, height):
    """Make a PNG with a valid header and almost no pixel data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(100)))
        + png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("width", "height"),
    [(50_000, 50_000), (10_000, 10_000), (5001, 5000), (LIMIT + 1, 1), (2**31 - 1, 2**31 - 1)],
)
def test_an_image_with_too_many_pixels_is_rejected_by_its_header(width, height):
    assert "25,000,000" in fault_of(png_of_size(width, height))


@pytest.mark.parametrize("side", [5001, 10_000, 16_000])
@pytest.mark.parametrize(
    ("form", "before", "layout"),
    [
        ("JPEG", b"\xff\xc0\0\x0b\x08", ">HH"),
        ("GIF", b"GIF87a", "<HH"),
        ("BMP", b"\x28\0\0\0", "<II"),
        ("WEBP", b"\x9d\x01\x2a", "<HH"),
    ],
)
def test_a_header_with_a_wrong_size_is_rejected(side, form, before, layout):
    data = save(drawing(), form)
    start = data.index(before) + len(before)
    sides = struct.pack(layout, side, side)
    assert "25,000,000" in fault_of(data[:start] + sides + data[start + len(sides) :])


@pytest.mark.parametrize("side", [5001, 10_000, 16_000])
def test_a_tiff_with_a_wrong_size_is_rejected(side):
    data = save(drawing(), "TIFF", compression="tiff_lzw")
    for tag, before in ((256, 40), (257, 30)):
        field = struct.pack("<HHI", tag, 3, 1)
        assert field + struct.pack("<I", before) in data
        data = data.replace(field + struct.pack("<I", before), field + struct.pack("<I", side))
    assert "25,000,000" in fault_of(data)


def test_the_largest_image_is_accepted():
    assert decode(save(Image.new("1", (5000, 5000), 1), "PNG")).shape == (5000, 5000)


@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 5), (5, 0)])
def test_an_image_without_pixels_is_rejected(width, height):
    assert fault_of(png_of_size(width, height))
    bitmap = bytearray(save(Image.new("L", (4, 4)), "BMP"))
    bitmap[18:26] = struct.pack("<ii", width, height)
    assert fault_of(bytes(bitmap))


def test_a_jpeg_with_too_many_scans_is_rejected():
    """Each scan of a few bytes takes as long to decode as the whole image."""
    data = save(Image.new("RGB", (5000, 5000), (200, 30, 40)), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert len(scan) < 100
    assert "scans" in fault_of(data[:-2] + scan * 10_000 + data[-2:])
    small = save(drawing(), "JPEG", progressive=True)
    scan = small[small.rindex(b"\xff\xda") : -2]
    assert decode(small[:-2] + scan * 200 + small[-2:]).shape == (30, 40)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"%PDF-1.7\n",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        *(
            save(drawing().convert("RGB"), form)
            for form in ("PPM", "TGA", "PCX", "ICO", "JPEG2000")
        ),
    ],
)
def test_other_formats_are_rejected(data):
    assert fault_of(data) == "is not an image: PNG, JPEG, GIF, BMP, WebP and TIFF are accepted"


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_a_heic_file_is_named(brand):
    data = b"\0\0\0\x18ftyp" + brand + bytes(200)
    assert fault_of(data) == (
        "is a HEIC file: PNG, JPEG, GIF, BMP, WebP and TIFF are accepted, so export it as JPEG"
    )


def test_data_after_an_image_is_ignored():
    data = save(drawing(), "PNG") + b"<script>alert(1)</script>PK\x03\x04"
    np.testing.assert_array_equal(decode(data), np.asarray(drawing()))


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8))
FILES = [
    *(save(NOISE, form) for form in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")),
    save(NOISE, "TIFF", compression="tiff_lzw"),
    save(NOISE, "TIFF", compression="jpeg"),
    save(NOISE, "JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03"),
    save(NOISE.quantize(200), "PNG", transparency=3),
    save(NOISE.convert("RGBA"), "WEBP", save_all=True, append_images=[drawing().resize((20, 24))]),
    save(NOISE.convert("LA"), "PNG", save_all=True, append_images=[drawing()]),
    save(Image.new("I;16", (9, 9), 999), "PNG", transparency=999),
]


@pytest.mark.parametrize("data", FILES[:6], ids=["PNG", "JPEG", "GIF", "BMP", "WebP", "TIFF"])
def test_a_truncated_image_is_rejected(data):
    assert "truncated" in fault_of(data[: len(data) * 9 // 10])
    assert fault_of(data[: len(data) // 2])


def attempt(data):
    """Decode the data or raise InvalidInputError, without any other error or warning."""
    try:
        grey = decode(data)
    except InvalidInputError:
        return
    assert grey.dtype == np.uint8
    assert grey.ndim == 2
    assert grey.size >= 1
    assert prepare(grey, MNIST, fit="none").pixels.shape == (28, 28)


@given(st.binary(max_size=300), st.sampled_from([b"", *(data[:16] for data in FILES)]))
def test_any_bytes_are_decoded_or_rejected(content, head):
    attempt(head + content)


@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=6),
    st.floats(0.1, 1),
)
def test_any_damaged_file_is_decoded_or_rejected(data, changes, part):
    damaged = bytearray(data)
    for place, content in changes:
        start = int(place * (len(damaged) - 1))
        damaged[start : start + len(content)] = content
    attempt(bytes(damaged[: int(len(damaged) * part)]))


@given(st.data())
def test_any_damaged_png_with_valid_checksums_is_decoded_or_rejected(data):
    """Recompute the checksums; otherwise they stop most changes before the decoder."""
    chunks, rest = [], FILES[9][8:]
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        chunks.append([rest[4:8], bytearray(rest[8 : 8 + length])])
        rest = rest[12 + length :]
    for chunk in data.draw(st.lists(st.sampled_from(chunks), min_size=1, max_size=3)):
        if chunk[1]:
            place = data.draw(st.integers(0, len(chunk[1]) - 1))
            chunk[1][place] = data.draw(st.integers(0, 255))
    order = data.draw(st.permutations(chunks)) if data.draw(st.booleans()) else chunks
    attempt(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, bytes(c)) for kind, c in order))


def test_threads_decode_without_changing_each_others_warnings():
    filters = list(warnings.filters)
    barrier = threading.Barrier(4)

    def work(_):
        barrier.wait()
        return [decode(FILES[0]) for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(work, range(4)):
            assert all(np.array_equal(grey, results[0]) for grey in results)
    assert warnings.filters == filters


# Encoding.


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60))))
def test_png_keeps_every_pixel(grey):
    data = encode_png(grey)
    assert data == encode_png(grey)
    np.testing.assert_array_equal(decode(data), grey)
