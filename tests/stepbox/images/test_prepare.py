"""Images are prepared as the data set of a network was made."""

import io
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw

from stepbox.data.builtin import FASHION_MNIST, MNIST
from stepbox.data.dataset import DatasetSpec
from stepbox.errors import InvalidInputError
from stepbox.images.convert import convert_pixels
from stepbox.images.decode import decode_image
from stepbox.images.prepare import Work, find_work, has_dark_border, shows_ink
from stepbox.images.prepare import prepare as prepare_for

pytestmark = pytest.mark.container

FITS = ("auto", "none", "mnist", "fashion-mnist")
INVERTS = ("auto", "always", "never")
prepare = partial(prepare_for, spec=MNIST)

greys = hnp.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60)))


def test_an_image_of_28_by_28_is_unchanged(load):
    for image in load("fashion-mnist", "test").samples[:50]:
        prepared = prepare(image, invert="never", fit="none")
        np.testing.assert_array_equal(prepared.pixels, image)
        assert (prepared.zoom, prepared.offset, prepared.box) == (1, (0, 0), (0, 0, 28, 28))


@pytest.mark.parametrize(
    ("shape", "rows", "columns"),
    [
        ((10, 10), (0, 28), (0, 28)),
        ((280, 140), (0, 28), (7, 21)),
        ((100, 700), (12, 16), (0, 28)),
        ((1, 5000), (13, 14), (0, 28)),
    ],
)
def test_the_aspect_ratio_is_kept(shape, rows, columns):
    """The image fills the expected rows and columns, and the rest is background."""
    grey = np.pad(np.full((shape[0], shape[1]), 255, np.uint8), 1)[: shape[0], : shape[1]]
    prepared = prepare(grey, invert="never", fit="none")
    assert prepared.offset == (columns[0], rows[0])
    outside = prepared.pixels.astype(int)
    outside[slice(*rows), slice(*columns)] = prepared.ground
    assert (outside == prepared.ground).all()
    inside = prepared.pixels[slice(*rows), slice(*columns)]
    assert inside.shape == (rows[1] - rows[0], columns[1] - columns[0])
    assert shape[0] == 1 or (inside != prepared.ground).mean() > 0.5


def test_the_background_is_the_median_of_the_border():
    grey = np.zeros((56, 28), np.uint8)
    grey[:, 0] = grey[:, -1] = 90
    grey[20:30, 10:20] = 255
    prepared = prepare(grey, fit="none")
    assert prepared.ground == 90
    assert (prepared.pixels[:, :7] == 90).all()
    assert (prepared.pixels[:, 21:] == 90).all()


def test_a_large_image_does_not_alias():
    """A chessboard that is too fine for the field becomes a uniform grey."""
    board = (np.indices((1400, 1400)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(prepare(board, invert="never", fit="none").pixels.astype(int) - 127).max() <= 2
    lines = np.zeros((2000, 2000), np.uint8)
    lines[::2] = 200
    assert (
        np.abs(prepare(lines, invert="never", fit="none").pixels[1:-1].astype(int) - 100).max() <= 2
    )


def test_noise_is_not_ink():
    paper = np.random.default_rng(0).integers(248, 256, (300, 200), np.uint8)
    assert not prepare(paper, fit="mnist").pixels.any()


# fit=mnist, as MNIST was prepared.


def centre_of_mass(pixels):
    """Return the row and column of the centre of mass, in pixels from 0."""
    return np.array([(pixels * index).sum() for index in np.indices(pixels.shape)]) / pixels.sum()


def test_mnist_has_the_properties_that_fit_assumes(load):
    """Check the margin and the centre of mass that fit=mnist reproduces."""
    for image in load("mnist", "test").samples[:500]:
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in {19, 20}
        assert np.abs(centre_of_mass(image.astype(float)) - 14).max() <= 0.51
        assert image.max() >= 254


def test_fit_mnist_crops_scales_and_centres():
    image = Image.new("L", (400, 300), 230)
    ImageDraw.Draw(image).polygon(((300, 40), (340, 240), (300, 240)), fill=30)
    prepared = prepare(np.asarray(image), fit="mnist")
    assert prepared.inverted
    assert prepared.ground == 25
    assert np.abs(np.subtract(prepared.box, (300, 40, 341, 241))).max() <= 2
    assert prepared.zoom == pytest.approx(20 / 201, rel=0.02)
    rows, columns = np.nonzero(prepared.pixels)
    assert np.ptp(rows) + 1 == 20
    assert columns.min() == prepared.offset[0]
    assert prepared.pixels.max() == 255
    assert prepared.pixels[0, 0] == 0
    assert np.abs(centre_of_mass(prepared.pixels.astype(float)) - 14).max() <= 0.51


def test_ink_stays_inside_when_its_mass_is_at_one_end():
    grey = np.zeros((200, 200), np.uint8)
    grey[:40, 80:120] = 255
    grey[:, 99:101] = 255
    grey = np.pad(grey, 5)
    prepared = prepare(grey, fit="mnist")
    assert prepared.offset[1] == 8  # 28 − 20: the ink ends at the bottom edge
    assert prepared.pixels[8].any()
    assert prepared.pixels[27].any()


def enlarged(image, resampling):
    return np.asarray(Image.fromarray(image).resize((280, 280), resampling))


def difference(one, other):
    return np.abs(one.astype(int) - other.astype(int)).mean()


def test_an_enlarged_test_image_is_recovered(load):
    """The mean difference of grey levels stays small. Between different images it is about 50."""
    images = load("mnist", "test").samples[:8]
    for resampling in (Image.Resampling.NEAREST, Image.Resampling.BICUBIC):
        for fit, bound in (("none", 5), ("mnist", 13)):
            seen = [prepare(enlarged(image, resampling), fit=fit).pixels for image in images]
            assert difference(np.array(seen), images) < bound
    assert difference(images[1:], images[:-1]) > 40
    assert difference(np.array([prepare(i, fit="mnist").pixels for i in images]), images) < 13


@settings(max_examples=50)
@given(greys, st.sampled_from(INVERTS), st.sampled_from(FITS))
def test_every_image_stays_inside_the_field(grey, invert, fit):
    before = grey.copy()
    prepared = prepare(grey, invert=invert, fit=fit)
    np.testing.assert_array_equal(grey, before)
    assert prepared.pixels.shape == (28, 28)
    assert prepared.pixels.dtype == np.uint8
    left, top, right, bottom = prepared.box
    assert 0 <= left < right <= grey.shape[1]
    assert 0 <= top < bottom <= grey.shape[0]
    assert all(0 <= start < 28 for start in prepared.offset)
    assert prepared.zoom > 0
    assert 0 <= prepared.ground <= 255


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3, 3), (400, 3), (1000, 60)])
def test_odd_shapes_are_no_error(shape, fit):
    for grey in (np.zeros(shape), np.arange(np.prod(shape)).reshape(shape) % 251):
        assert prepare(grey.astype(np.uint8), fit=fit).pixels.shape == (28, 28)


@given(greys)
def test_a_negative_scales_to_the_same_pixels(grey):
    border = np.concatenate((grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1])).mean()
    assume(2 * border != int(grey.min()) + int(grey.max()))
    one, other = prepare(grey, fit="none"), prepare(255 - grey, fit="none")
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.inverted is not other.inverted


@pytest.mark.parametrize("paper", [20, 60, 100, 200])
@pytest.mark.parametrize("contrast", [20, 50])
def test_ink_is_compared_with_paper_whatever_their_grey_levels(paper, contrast):
    for ink, inverted in ((paper + contrast, False), (paper - contrast, True)):
        if 0 <= ink <= 255:
            grey = np.full((28, 28), paper, np.uint8)
            grey[8:20, 12:15] = ink
            for fit in ("none", "mnist"):
                assert prepare(grey, fit=fit).inverted is inverted


@pytest.mark.parametrize(("invert", "inverted"), [("always", True), ("never", False)])
@pytest.mark.parametrize("level", [0, 255])
def test_invert_overrides_the_comparison(level, invert, inverted):
    grey = np.full((28, 28), level, np.uint8)
    grey[8:20, 12:15] = 99
    for fit in ("auto", "none"):
        prepared = prepare(grey, invert=invert, fit=fit)
        assert prepared.inverted is inverted
        np.testing.assert_array_equal(prepared.pixels, 255 - grey if inverted else grey)


def test_the_mean_of_the_border_counts_each_pixel_once():
    grey = np.zeros((1, 3, 5), np.uint8)
    grey[0, 0] = 255  # 5 of 12 pixels: a mean of 106
    grey[0, 1, 0] = grey[0, 1, 4] = 132  # 128
    assert not has_dark_border(grey)[0]
    grey[0, 1, 4] = 118  # 127
    assert has_dark_border(grey)[0]


# fit=auto.


@pytest.mark.parametrize("spec", [MNIST, FASHION_MNIST], ids=lambda spec: spec.id)
def test_all_images_of_a_data_set_are_used_as_they_are(load, spec):
    images = load(spec.name, "test").samples
    assert not find_work(images, spec, "auto", "auto").any()
    assert shows_ink(images).all()
    assert prepare_for(images[0], spec).pixels is not None
    np.testing.assert_array_equal(prepare_for(images[0], spec).pixels, images[0])


@pytest.mark.parametrize("spec", [MNIST, FASHION_MNIST], ids=lambda spec: spec.id)
def test_negatives_of_a_data_set_are_only_inverted(load, spec):
    images = load(spec.name, "test").samples[:2000]
    work = find_work(255 - images, spec, "auto", "auto")
    assert np.mean(work == Work.INVERT) > 0.98
    index = int(np.argmax(work == Work.INVERT))
    np.testing.assert_array_equal(prepare_for(255 - images[index], spec).pixels, images[index])


def test_a_digit_at_the_wrong_place_is_prepared(load):
    """An image of the right size can still have a digit that is too small, or at one side."""
    image = 255 - np.roll(load("mnist", "test").samples[0], 3, axis=1)
    prepared = prepare(image)
    assert prepared.preparation == "mnist"
    assert difference(prepared.pixels, load("mnist", "test").samples[0]) < 20


def test_a_data_set_without_a_preparation_scales_the_whole_image():
    spec = DatasetSpec.model_validate(
        {
            "name": "toy",
            "kind": "images",
            "shape": (8, 8),
            "classes": ("a", "b"),
            "train": {"samples": 2},
            "test": {"samples": 2},
        }
    )
    grey = np.full((80, 40), 250, np.uint8)
    grey[20:60, 10:20] = 30
    for background, inverted in (("dark", True), ("light", False), (None, False)):
        prepared = prepare_for(grey, spec.model_copy(update={"background": background}))
        assert (prepared.preparation, prepared.inverted) == ("none", inverted)
        made = convert_pixels(255 - grey if inverted else grey, 8, "grey")
        assert np.array_equal(prepared.pixels, made)
        assert prepared.box == (0, 0, 40, 80)


@pytest.mark.parametrize("background", ["dark", "light", None])
def test_a_color_image_is_prepared_as_the_data_set_was_made(background):
    spec = MNIST.model_copy(
        update={"shape": (8, 8, 3), "preparation": "none", "background": background}
    )
    pixels = np.random.default_rng(0).integers(60, 120, (30, 50, 3), np.uint8)
    pixels[8:20, 10:30, 1] = 250
    prepared = prepare_for(pixels, spec)
    assert np.array_equal(prepared.pixels, convert_pixels(pixels, 8, "rgb"))
    assert prepared.ground == prepared.pixels[0, 0].tolist()
    assert not prepared.inverted
    light = prepare_for(255 - pixels, spec)
    assert light.inverted == (background == "dark")
    exact = prepared.pixels
    assert np.array_equal(prepare_for(exact, spec).pixels, exact)
    grey = prepare_for(pixels[..., 0], spec)  # a grey image gets three equal channels
    assert np.array_equal(grey.pixels, convert_pixels(pixels[..., 0], 8, "rgb"))
    with pytest.raises(InvalidInputError, match="must be auto or none"):
        prepare_for(pixels, spec, fit="mnist")


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(28, 28), (1, 1), (300, 7), (200, 300)])
def test_an_image_that_shows_nothing_says_so(shape, fit):
    paper = np.random.default_rng(0).integers(240, 250, shape, np.uint8)
    for grey in (np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), paper):
        assert not shows_ink(prepare(grey, fit=fit).pixels[None])[0]


# Photographs of digits.


def page(shape=(300, 400), paper=225.0):
    """Return paper with a little noise."""
    return paper + np.random.default_rng(0).normal(0, 2, shape)


def write(paper, image, top, left, side=120, ink=0.8):
    """Write a digit of MNIST on paper: it takes away a part of the light."""
    big = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
    strokes = 1 / (1 + np.exp(-(big.astype(float) - 127) / 12))
    paper = paper.copy()
    paper[top : top + side, left : left + side] *= 1 - ink * strokes
    return paper


def photograph(levels):
    return decode_image(jpeg(levels), pointer="/image")


def jpeg(levels):
    buffer = io.BytesIO()
    Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def ruled(levels, image, top, left):
    levels = levels.copy()
    levels[10::25] *= 0.7
    return write(levels, image, top, left)


def squared(levels, image, top, left):
    levels = levels.copy()
    levels[10::20] *= 0.75
    levels[:, 5::20] *= 0.75
    return write(levels, image, top, left)


def shadowed(levels, image, top, left):
    levels = write(levels, image, top, left)
    levels[:, left + 60 :] *= 0.5
    return levels


def dim(levels, image, top, left):
    return 0.35 * write(levels, image, top, left)


def unevenly_lit(levels, image, top, left):
    return write(levels, image, top, left) * np.linspace(1, 0.35, levels.shape[1])


def pencilled(levels, image, top, left):
    return write(levels, image, top, left, ink=0.25)


def dirty(levels, image, top, left):
    levels = write(levels, image, top, left)
    levels[20:24, 20:23] = 40
    levels[280:284, 380:386] = 60
    return levels


def on_blackboard(levels, image, top, left):
    return 255 - 0.8 * write(levels, image, top, left)


def on_desk(levels, image, top, left):
    desk = np.random.default_rng(1).normal(50, 4, levels.shape)
    desk[30:-25, 40:-30] = write(levels, image, top, left)[30:-25, 40:-30]
    return desk


SCENES = (
    *(ruled, squared, shadowed, dim, unevenly_lit, pencilled, dirty, on_blackboard, on_desk),
    write,
)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_a_photographed_digit_is_recovered(load, scene):
    """What the network sees is nearest to the digit that was written."""
    images = load("mnist", "test").samples[:200]
    right = 0
    for index in range(5):
        levels = scene(page(), images[index], 60 + 16 * index, 80 + 20 * index)
        prepared = prepare(photograph(levels))
        assert prepared.preparation == "mnist"
        assert prepared.inverted is (scene is not on_blackboard)
        distances = np.abs(images.astype(int) - prepared.pixels).mean(axis=(1, 2))
        right += int(distances.argmin()) == index
    assert right >= 4


def test_what_was_removed_is_said(load):
    image = load("mnist", "test").samples[0]
    plain, lined, desk = (
        prepare(photograph(scene(page(), image, 80, 120))) for scene in (write, ruled, on_desk)
    )
    assert (plain.lines_removed, plain.desk_cropped) == (0, False)
    assert lined.lines_removed >= 8
    assert desk.desk_cropped


@pytest.mark.parametrize("width", [2, 8, 40])
def test_strokes_get_the_width_of_the_data_set(width):
    drawing = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(drawing).line(((60, 60), (200, 60), (110, 230)), 0, width, joint="curve")
    prepared = prepare(np.asarray(drawing))
    before, after = prepared.stroke_width
    assert before == pytest.approx(width * prepared.zoom, rel=0.35, abs=0.15)
    assert 2.1 < after < 3.3


def test_the_place_of_the_box_and_the_zoom_are_those_of_the_digit():
    levels = page((600, 900))
    levels[100:300, 500:520] = 30
    prepared = prepare(photograph(levels))
    assert np.abs(np.subtract(prepared.box, (500, 100, 520, 300))).max() <= 8
    assert prepared.zoom == pytest.approx(20 / 200, rel=0.06)


# Photographs of products.


@pytest.mark.parametrize("ground", [255, 225, 20])
def test_a_product_on_a_plain_background_is_recovered(load, ground):
    images = load("fashion-mnist", "test").samples[:100]
    seen = []
    for image in images[:20]:
        # On a light background, the data set shows the negative of the photograph.
        share = (255 - image if ground > 127 else image) / 255
        product = share * ground if ground > 127 else ground + share * (255 - ground)
        big = Image.fromarray(product.astype(np.uint8)).resize((280, 280))
        levels = np.full((500, 700), ground, np.uint8)
        levels[150:430, 330:610] = np.asarray(big)
        prepared = prepare_for(levels, FASHION_MNIST)
        assert prepared.preparation == "fashion-mnist"
        assert prepared.inverted is (ground > 127)
        seen.append(prepared.pixels)
    nearest = [np.abs(images.astype(int) - one).mean(axis=(1, 2)).argmin() for one in seen]
    assert np.mean(nearest == np.arange(20)) >= 0.9
