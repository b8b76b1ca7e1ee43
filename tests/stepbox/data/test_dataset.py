import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.data.checksums import CHECKSUMS, FOLDERS
from stepbox.data.dataset import scale_pixels
from stepbox.data.idx import parse_idx
from stepbox.errors import DatasetError, NotFoundError

READERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}  # torchvision's, by data set

torchvision_sets = pytest.mark.parametrize("name", READERS)


@pytest.fixture
def torchvisions_own(data_folder):
    """Return a function that reads a data set with torchvision, which is slow to import."""
    import torchvision

    return lambda name, split: getattr(torchvision.datasets, READERS[name])(
        root=data_folder, train=split == "train", download=False
    )


def idx(array):
    header = bytes((0, 0, 8, array.ndim))
    return header + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@torchvision_sets
@pytest.mark.parametrize(("split", "count"), [("train", 60_000), ("test", 10_000)])
def test_torchvision_reads_the_same_samples(load, torchvisions_own, name, split, count):
    ours = load(name, split)
    theirs = torchvisions_own(name, split)

    assert ours.samples.shape == (count, 28, 28)
    np.testing.assert_array_equal(ours.samples, theirs.data.numpy())
    np.testing.assert_array_equal(ours.labels, theirs.targets.numpy())


@pytest.mark.parametrize(("name", "split"), [("mnist", "validation"), ("cifar-10", "test")])
def test_an_unknown_data_set_or_split_is_not_read(load, name, split):
    with pytest.raises(
        NotFoundError, match=f"'{name}' with a split '{split}': the data sets mnist"
    ):
        load(name, split)


@torchvision_sets
def test_classes_are_in_the_order_of_torchvision(torchvisions_own, name):
    theirs = torchvisions_own(name, "test").classes

    # torchvision calls MNIST's classes "0 - zero", "1 - one"…
    assert [text.split(" - ")[0] for text in theirs] == list(DATASETS[name].classes)


def test_a_missing_file_is_named_with_the_command_that_fetches_it(tmp_path):
    with pytest.raises(
        DatasetError, match=r"train-images-idx3-ubyte is missing.*bin/fetch-datasets"
    ):
        load_dataset("mnist", "train", tmp_path)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("part", ["images", "labels"])
def test_an_altered_file_is_rejected(data_folder, tmp_path, name, part):
    (tmp_path / FOLDERS[name]).mkdir(parents=True)
    images, labels = list(CHECKSUMS[name])[2:]  # of the test set
    for file in (images, labels):
        shutil.copy(data_folder / FOLDERS[name] / file, tmp_path / FOLDERS[name])
    altered = tmp_path / FOLDERS[name] / {"images": images, "labels": labels}[part]
    content = bytearray(altered.read_bytes())
    content[-1] ^= 1
    altered.write_bytes(content)

    with pytest.raises(DatasetError, match=f"{altered.name} has the MD5 .* instead of "):
        load_dataset(name, "test", tmp_path)


@given(array=arrays(np.uint8, array_shapes(max_dims=4, max_side=5)))
def test_idx_is_read_as_it_was_written(array):
    np.testing.assert_array_equal(parse_idx(idx(array)), array)


@given(
    array=arrays(np.uint8, array_shapes(max_dims=3, max_side=4)),
    change=st.sampled_from(["short", "long", "type", "header", "empty"]),
)
def test_a_malformed_idx_file_is_rejected(array, change):
    content = idx(array)
    broken = {
        "short": content[:-1],
        "long": content + b"\0",
        "type": content[:2] + b"\x0d" + content[3:],
        "header": content[: 3 + 4 * array.ndim],
        "empty": b"",
    }[change]

    with pytest.raises(DatasetError):
        parse_idx(broken)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_are_scaled_and_flattened_row_by_row(dtype):
    images = (np.arange(2 * 784) % 256).astype(np.uint8).reshape(2, 28, 28)
    raw = scale_pixels(images, "raw", dtype)
    unit = scale_pixels(images, "unit", dtype)

    assert raw.dtype == unit.dtype == dtype
    np.testing.assert_array_equal(raw, images.reshape(2, 784))
    np.testing.assert_array_equal(unit, images.reshape(2, 784).astype(dtype) / dtype(255))
    assert (unit.min(), unit.max()) == (0, 1)
    assert raw[0, 28 * 3 + 5] == images[0, 3, 5]


def test_every_data_set_has_different_classes_and_four_checksums():
    assert DATASETS.keys() == CHECKSUMS.keys() == FOLDERS.keys()
    assert all(len(set(spec.classes)) == len(spec.classes) for spec in DATASETS.values())
    assert all(len(files) == 4 for files in CHECKSUMS.values())
