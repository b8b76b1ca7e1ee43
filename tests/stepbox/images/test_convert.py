import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from stepbox.errors import InvalidInputError
from stepbox.images.convert import convert_image, convert_pixels, default_size, measure_image
from stepbox.images.decode import decode_image


def save(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def photo(width, height):
    """Make colors that change slowly, without symmetry."""
    rows, columns = np.mgrid[:height, :width]
    red = 40 + 150 * columns / width
    green = 30 + 200 * rows / height
    blue = 90 + 60 * np.cos(7 * columns / width + 3 * rows / height)
    return np.rint(np.stack([red, green, blue], axis=2)).astype(np.uint8)


# Sizes, and whether there is color.


@pytest.mark.parametrize(
    ("mode", "value", "color"),
    [
        ("1", 1, False),
        ("L", 77, False),
        ("LA", (77, 200), False),
        ("I;16", 40_000, False),
        ("RGB", (90, 90, 90), False),
        ("RGB", (90, 100, 95), False),  # grey that a scanner has tinted
        ("RGB", (90, 90, 130), True),
        ("RGBA", (200, 0, 0, 255), True),
        ("RGBA", (200, 0, 0, 0), False),  # nothing is visible
    ],
)
def test_an_image_has_color_if_a_pixel_has(mode, value, color):
    image = Image.new(mode, (70, 30), value)
    assert measure_image(save(image)) == (30, 70, color)


@pytest.mark.parametrize(
    ("colors", "color"),
    [([0, 0, 0, 99, 99, 99], False), ([0, 0, 0, 200, 0, 0], False), ([200, 0, 0], True)],
)
def test_only_colors_that_a_pixel_has_count(colors, color):
    image = Image.new("P", (70, 30))
    image.putpalette(colors)
    assert measure_image(save(image)) == (30, 70, color)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
@pytest.mark.parametrize("color", [False, True])
def test_lossy_formats(form, color):
    levels = photo(300, 200)
    image = Image.fromarray(levels if color else levels[..., 0]).convert("RGB")
    assert measure_image(save(image, form)) == (200, 300, color)


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_size_is_that_of_the_upright_image(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    data = save(Image.fromarray(photo(300, 200)), "JPEG", exif=exif)
    height, width, _ = measure_image(data)
    assert (height, width) == decode_image(data, pointer="").shape


@pytest.mark.parametrize(
    ("sizes", "side"),
    [([(28, 28)] * 3, 28), ([(8, 8)], 8), ([(10, 20), (30, 5), (25, 25)], 25), ([(480, 640)], 64)],
)
def test_the_default_is_the_median_of_the_longer_sides(sizes, side):
    assert default_size(sizes) == side


# Conversion.


@given(st.data())
def test_an_image_of_the_size_and_mode_is_kept_pixel_for_pixel(data):
    side = data.draw(st.sampled_from([28, 64]))
    color = data.draw(st.sampled_from(["grey", "rgb"]))
    shape = (side, side) if color == "grey" else (side, side, 3)
    pixels = data.draw(hnp.arrays(np.uint8, shape))
    np.testing.assert_array_equal(convert_pixels(pixels, side, color), pixels)
    for form in ("PNG", "TIFF", "BMP"):
        file = save(Image.fromarray(pixels), form)
        np.testing.assert_array_equal(convert_image(file, side, color), pixels)


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(["grey", "rgb"]), st.booleans())
def test_every_size_and_mode_becomes_one(height, width, color, has_color):
    pixels = photo(width, height) if has_color else photo(width, height)[..., 0]
    converted = convert_pixels(pixels, 32, color)
    assert converted.dtype == np.uint8
    assert converted.shape == ((32, 32) if color == "grey" else (32, 32, 3))
    file = save(Image.fromarray(pixels))
    np.testing.assert_array_equal(convert_image(file, 32, color), converted)


def test_the_whole_image_is_centered_on_the_color_of_its_border():
    pixels = np.full((40, 80, 3), (200, 210, 250), np.uint8)
    pixels[10:30, 20:60] = (30, 0, 0)
    converted = convert_pixels(pixels, 32, "rgb")
    assert (converted[:11] == (200, 210, 250)).all()
    assert (converted[-11:] == (200, 210, 250)).all()
    assert (converted[13:19, 9:23] == (30, 0, 0)).all()
    np.testing.assert_array_equal(converted, converted[::-1, ::-1])


def test_a_plain_background_stays_plain():
    """Sharper filters make halos."""
    pixels = np.zeros((8, 8), np.uint8)
    pixels[3:5, 3:5] = 255
    converted = convert_pixels(pixels, 28, "grey")
    assert (converted[:8] == 0).all()
    assert converted.max() <= 255
    assert (np.diff(converted[14, :14].astype(int)) >= 0).all()


@pytest.mark.parametrize("color", ["grey", "rgb"])
@pytest.mark.parametrize("side", [28, 64])
def test_a_jpeg_that_is_decoded_at_a_reduced_size_looks_the_same(color, side):
    pixels = photo(1200, 900)
    converted = convert_image(save(Image.fromarray(pixels), "JPEG", quality=95), side, color)
    whole = convert_pixels(pixels, side, color)
    difference = np.abs(converted.astype(int) - whole)
    assert difference.mean() < 1
    assert difference.max() <= 8


@pytest.mark.parametrize("turn", range(2, 9))
def test_the_orientation_is_applied(turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = photo(300, 200)
    upright = {
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(stored),
    }[turn]
    converted = convert_image(save(Image.fromarray(stored), exif=exif), 32, "rgb")
    np.testing.assert_array_equal(
        converted, convert_pixels(np.ascontiguousarray(upright), 32, "rgb")
    )


@pytest.mark.parametrize(("ink", "ground"), [((200, 0, 0), 255), ((255, 240, 90), 0)])
def test_transparent_pixels_show_a_contrasting_background(ink, ground):
    image = Image.new("RGBA", (32, 32), (123, 45, 67, 0))
    image.paste((*ink, 255), (10, 10, 20, 20))
    converted = convert_image(save(image), 32, "rgb")
    assert (converted[:10] == ground).all()
    assert (converted[10:20, 10:20] == ink).all()


@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_16_bits(color):
    levels = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    converted = convert_image(save(Image.fromarray(levels)), 32, color)
    expected = np.rint(levels / 257).astype(np.uint8)
    np.testing.assert_array_equal(converted if color == "grey" else converted[..., 1], expected)


@pytest.mark.parametrize("mode", ["1", "CMYK", "YCbCr", "LAB", "F", "I"])
def test_other_modes(mode):
    data = save(Image.new(mode, (32, 32), 0), "TIFF")
    assert convert_image(data, 32, "rgb").shape == (32, 32, 3)
    assert convert_image(data, 32, "grey").shape == (32, 32)
    measure_image(data)


def test_only_the_first_frame_counts():
    first, second = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    data = save(first, "GIF", save_all=True, append_images=[second])
    assert (convert_image(data, 32, "rgb") == (255, 0, 0)).all()


# Files that cannot be converted.


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", "apple/1.png is not an image"),
        (b"", "apple/1.png is not an image"),
        (save(Image.fromarray(photo(90, 90)))[:900], "apple/1.png is damaged or truncated"),
        (save(Image.new("1", (5001, 5000))), "apple/1.png has 5001×5000 pixels"),
    ],
)
def test_the_error_names_the_file(data, words):
    with pytest.raises(InvalidInputError, match=words):
        convert_image(data, 32, "grey", "apple/1.png")
    with pytest.raises(InvalidInputError, match=words):
        measure_image(data, "apple/1.png")
