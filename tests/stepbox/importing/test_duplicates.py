import io

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from stepbox.images.convert import convert_image, convert_pixels
from stepbox.importing import duplicates
from stepbox.importing.duplicates import find_duplicates


@pytest.fixture(scope="module")
def crops():
    """Cut photographs into parts of 64×64 pixels."""
    return np.concatenate(
        [
            np.lib.stride_tricks.sliding_window_view(photo, (64, 64), axis=(0, 1))[::64, ::64]
            .reshape(-1, 3, 64, 64)
            .transpose(0, 2, 3, 1)
            for photo in load_sample_images().images
        ]
    )


def shown(images, side=32, color="rgb"):
    return np.stack([convert_pixels(image, side, color) for image in images])


def saved(images, quality, side=32, color="rgb"):
    """Save images as JPEG files, and convert these."""
    converted = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        converted.append(convert_image(buffer.getvalue(), side, color))
    return np.stack(converted)


# Identical samples.


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
@pytest.mark.parametrize("shape", [(5,), (7, 9), (8, 8, 3)])
def test_identical_samples(dtype, shape):
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 256, (n, *shape)).astype(dtype) for n in (3000, 400))
    assert find_duplicates(train, test).identical == 0
    copied = [3, 77, 120, 200, 201, 399]
    for index in copied:
        test[index] = train[2 * index]
    train[6] = train[2999]  # so it is there twice
    test[3] = train[2999]
    found = find_duplicates(train, test)
    assert found.identical == len(copied)
    assert found.identical_pairs == tuple((2 * index, index) for index in copied[:5])


def test_a_sample_that_differs_in_one_value_is_another():
    train = np.zeros((3, 100_000))
    test = train.copy()
    test[:, -1] = [1e-300, 1, -1]
    assert find_duplicates(train, test).identical == 0


def test_memory_maps_are_read_in_blocks(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 256, (n, 9, 9), np.uint8) for n in (300, 40))
    test[[5, 39]] = train[[299, 0]]
    np.save(tmp_path / "train.npy", train)
    np.save(tmp_path / "test.npy", test)
    maps = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("train", "test")]
    monkeypatch.setattr(duplicates, "_BLOCK", 500)
    found = find_duplicates(*maps)
    assert found.identical_pairs == ((299, 5), (0, 39))
    assert found.compared == 40


# Similar images.


@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_photographs_that_were_saved_again(crops, color):
    train = shown(crops, color=color)
    copies = saved(crops[10:40], 75, color=color)
    found = find_duplicates(train, copies)
    assert found.compared == 30
    assert found.identical + found.similar >= 20  # eight crops are almost blank
    assert all(train_index == test_index + 10 for train_index, test_index in found.similar_pairs)


def test_photographs_with_another_exposure(crops):
    darker = (shown(crops[10:40]) * 0.9).astype(np.uint8)
    assert find_duplicates(shown(crops), darker).similar == 22  # eight crops are almost blank


def test_different_photographs_are_not_similar(crops):
    images = shown(crops)
    assert find_duplicates(images[::2], images[1::2]).similar <= 1


def test_the_same_drawing_in_another_color_is_not_similar():
    drawing = np.zeros((1, 32, 32, 3), np.uint8)
    drawing[:, 5:20, 8:13] = drawing[:, 20:25, 8:28] = 255
    red, blue = (drawing * np.array(tint, np.uint8) for tint in ((1, 0, 0), (0, 0, 1)))
    assert find_duplicates(red, blue).similar == 0
    assert find_duplicates(red, red - red // 20).similar == 1


def test_blank_images_are_not_similar():
    rng = np.random.default_rng(0)
    train, test = (128 + rng.integers(0, 2, (50, 28, 28), np.uint8) for _ in range(2))
    assert find_duplicates(train, test).similar == 0


def test_digits_are_not_similar():
    images = (load_digits().images * 15).astype(np.uint8)
    found = find_duplicates(images[:1400], images[1400:])
    assert (found.identical, found.similar) == (0, 0)


@pytest.mark.parametrize(("name", "similar"), [("mnist", 0), ("fashion-mnist", 17)])
def test_the_built_in_data_sets(load, name, similar):
    """The seventeen are photographs of the same product: this was checked by eye."""
    train, test = (load(name, split).samples for split in ("train", "test"))
    found = find_duplicates(train, test)
    assert (found.identical, found.similar, found.compared) == (0, similar, 10_000)
    for first, second in found.similar_pairs:
        assert np.corrcoef(train[first].ravel(), test[second].ravel())[0, 1] > 0.994


def test_tiny_images_are_compared_for_identity():
    images = np.arange(200, dtype=np.uint8).reshape(200, 1, 1)
    assert find_duplicates(images, images[50:60] ^ 1)[:3] == (
        10,
        tuple((index ^ 1, index - 50) for index in range(50, 55)),
        0,
    )


def test_a_sample_of_very_many_images_is_compared(monkeypatch):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (500, 16, 16), np.uint8)
    test = images ^ 1
    assert find_duplicates(images, test)[2:] == (
        500,
        tuple((index, index) for index in range(5)),
        500,
    )
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 500 * 100)
    found = find_duplicates(images, test)
    assert (found.similar, found.compared) == (100, 100)
    assert found.similar_pairs[1] == (5, 5)
