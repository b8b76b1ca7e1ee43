from typing import get_args

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from stepbox.data.dataset import Augmentation
from stepbox.training.augmentation import (
    MOTIONS,
    STRENGTH,
    Augmenter,
    Distortions,
    Moves,
    displacement_fields,
)
from stepbox.training.augmentation_loops import CompiledAugmenter, move, resample

NO_FIELD = np.zeros((1, 2, 28, 28), np.float32)


@pytest.fixture
def originals(few):
    """Return a function that copies images, because read-only ones compile the loops again."""
    return lambda count: few(count).samples.copy()


def resample_one(
    image, *, fields=NO_FIELD, chosen=0, signs=(1, 1), angle=0, stretch=(1, 1), at=(0, 0)
):
    return resample(
        image[None],
        fields,
        np.array([chosen]),
        np.array([signs], float),
        np.array([angle], float),
        np.array([stretch], float),
        np.array([at], float),
    )[0]


@pytest.fixture(scope="module")
def fields():
    return displacement_fields(np.random.default_rng(4), (28, 28))


def cubic_weight(distance):
    """Return the weight of a pixel at a distance along an axis: that of Keys (1981), a = −0.75."""
    d, a = np.abs(distance), -0.75
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def test_resampling_interpolates_at_the_source_positions(originals, fields):
    """Compare with a sum over all pixels, with all transformations combined."""
    angle, stretch, moved, signs = 0.13, np.array([0.93, 1.08]), np.array([0.7, -0.4]), [1, -1]
    centre = np.array([13.5, 13.5])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for number, image in enumerate(originals(20)):
        places = np.empty((2, 28, 28))
        for i in range(28):
            for j in range(28):
                offset = stretch * (turn @ (np.array([i, j]) - centre))
                places[:, i, j] = centre + offset + moved + signs * fields[number, :, i, j]
        down, right = cubic_weight(places[..., np.newaxis] - np.arange(28))
        expected = np.einsum("ijp,ijq,pq->ij", down, right, image).clip(0, 255)
        framed = np.pad(image > 0, 6).astype(float)  # so that SciPy finds black beyond the edges
        expected[map_coordinates(framed, places + 6, order=1) == 0] = 0

        ours = resample_one(
            image, fields=fields, chosen=number, signs=signs, angle=angle, stretch=stretch, at=moved
        )

        assert np.abs(ours - expected).max() <= 0.51  # rounded to an integer


def test_the_identity_leaves_images_unchanged(originals):
    for image in originals(5):
        np.testing.assert_array_equal(resample_one(image), image)


def test_a_shift_by_whole_pixels_is_exact(originals):
    image = originals(1)[0]

    np.testing.assert_array_equal(resample_one(image, at=(2, 0))[:-2], image[2:])
    np.testing.assert_array_equal(resample_one(image, at=(0, -1))[:, 1:], image[:, :-1])


def test_fields_are_smooth_and_have_the_given_strength(fields):
    assert fields.shape[1:] == (2, 28, 28)
    np.testing.assert_allclose(np.sqrt(np.square(fields).mean(axis=(2, 3))), STRENGTH, rtol=1e-5)
    assert np.abs(np.diff(fields, axis=3)).mean() < 0.25 * np.abs(fields).mean()


@pytest.mark.parametrize("kind", MOTIONS)
def test_digits_vary_but_keep_their_ink(originals, kind):
    images = originals(200)
    varied = CompiledAugmenter(kind, 1, (28, 28))(images, 1, 0)

    assert varied.shape == images.shape
    assert varied.dtype == np.uint8
    assert (varied != images).any(axis=(1, 2)).all()
    # There is about as much ink as before, and most of the image is still black.
    assert varied.mean() == pytest.approx(images.mean(), rel=0.1)
    assert (varied == 0).mean() > 0.7


@pytest.mark.parametrize("kind", MOTIONS)
def test_the_motion_of_each_image_is_random_within_its_limits(kind):
    angle, stretch, shift = MOTIONS[kind]
    amounts = Distortions.draw(5000, MOTIONS[kind], 7, np.random.default_rng(1))
    for drawn, middle, most in (
        (amounts.angles, 0, angle),
        (amounts.stretches, 1, stretch),
        (amounts.shifts, 0, shift),
    ):
        assert np.abs(drawn - middle).max() <= most
        assert drawn.min() == pytest.approx(middle - most, rel=0.01)
        assert drawn.max() == pytest.approx(middle + most, rel=0.01)
    assert set(amounts.chosen) == set(range(7))


def test_only_distort_bends_straight_lines():
    """The centre of a vertical line in each row is on one straight line after ``affine``."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    rows, columns = np.arange(9, 19), np.arange(28)
    for kind in MOTIONS:
        varied = CompiledAugmenter(kind, 2, (28, 28))(np.stack([image] * 50), 1, 0)[:, rows]
        centres = (varied @ columns / varied.sum(axis=2)).T
        line = np.polynomial.polynomial.polyfit(rows, centres, 1)
        bends = np.abs(line[0] + np.outer(rows, line[1]) - centres).max(axis=0)
        if kind == "affine":
            assert bends.max() < 0.1
        else:
            assert np.median(bends) > 0.2


def test_mirror_and_shift_only_mirrors_and_shifts(originals):
    images = originals(400)
    varied = move(images, *Moves.draw(400, np.random.default_rng(2)))
    seen = set()
    for image, copy in zip(images, varied, strict=True):
        framed = np.pad(image, 1)
        candidates = {
            (mirrored, down, right): framed[:, ::-1][1 - down :, 1 - right :][:28, :28]
            if mirrored
            else framed[1 - down :, 1 - right :][:28, :28]
            for mirrored in (False, True)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
        }
        found = [name for name, other in candidates.items() if np.array_equal(copy, other)]
        assert found
        seen.update(found)

    assert len(seen) == 18


@pytest.mark.parametrize("kind", get_args(Augmentation))
def test_variations_depend_only_on_seed_and_position(originals, kind):
    images = originals(60)
    first, second = CompiledAugmenter(kind, 3, (28, 28)), CompiledAugmenter(kind, 3, (28, 28))
    first(images, 1, 0)  # must not change the next result

    np.testing.assert_array_equal(first(images, 2, 1000), second(images, 2, 1000))
    others = [
        first(images, 2, 2000),
        first(images, 3, 1000),
        CompiledAugmenter(kind, 4, (28, 28))(images, 2, 1000),
    ]
    for other in others:
        assert np.array_equal(other, second(images, 2, 1000)) == (kind == "none")


@pytest.mark.parametrize("kind", ["affine", "distort", "mirror-shift"])
@pytest.mark.parametrize("shape", [(7, 12), (16, 9)])
def test_each_color_is_varied_like_a_grey_image(kind, shape):
    rng = np.random.default_rng(3)
    colors = rng.integers(0, 256, (40, *shape, 3), np.uint8)
    varied = CompiledAugmenter(kind, 5, (*shape, 3))(colors, 2, 1000)

    assert (varied.shape, varied.dtype) == (colors.shape, np.uint8)
    assert not np.array_equal(varied, colors)
    for color in range(3):
        grey = CompiledAugmenter(kind, 5, shape)(colors[..., color].copy(), 2, 1000)
        np.testing.assert_array_equal(varied[..., color], grey)


@pytest.mark.parametrize("kind", get_args(Augmentation))
@pytest.mark.parametrize("shape", [(28, 28), (7, 12), (16, 9, 3)])
def test_the_compiled_form_varies_images_like_the_definition(kind, shape):
    images = np.random.default_rng(6).integers(0, 256, (300, *shape), np.uint8)
    images[:, : shape[0] // 2] = 0  # black pixels follow a rule of their own
    compiled, definition = (form(kind, 7, shape) for form in (CompiledAugmenter, Augmenter))

    np.testing.assert_array_equal(compiled(images, 3, 1000), definition(images, 3, 1000))


@pytest.mark.parametrize("kind", get_args(Augmentation))
def test_some_images_are_varied_like_all_of_them(originals, kind):
    images = originals(60)
    augment = CompiledAugmenter(kind, 3, (28, 28))
    some = augment(images[20:25].copy(), 2, 1000, count=60, offset=20)

    np.testing.assert_array_equal(some, augment(images, 2, 1000)[20:25])
