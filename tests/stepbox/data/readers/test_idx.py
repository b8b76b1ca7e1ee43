"""IDX files are told by their names, or by their number of axes."""

import numpy as np
import pytest

from stepbox.data.builtin import load_dataset
from stepbox.data.readers.idx import read_idx
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError
from tests.processes import ROOT

MNIST = ROOT / "data/MNIST/raw"
NAMES = [
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
]


def idx(*shape):
    header = bytes((0, 0, 8, len(shape))) + b"".join(n.to_bytes(4, "big") for n in shape)
    return header + bytes(range(int(np.prod(shape))))


def write(folder, **files):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [(name, folder / name) for name in files]


def test_the_files_of_mnist_are_its_two_splits():
    parts = {part.split: part for part in read_idx([(n, MNIST / n) for n in NAMES], Limits())}

    assert set(parts) == {"train", "test"}
    for split, part in parts.items():
        expected = load_dataset("mnist", split, ROOT / "data")
        assert isinstance(part.samples, np.memmap)
        np.testing.assert_array_equal(part.samples, expected.samples)
        assert part.labels.dtype == np.int64
        np.testing.assert_array_equal(part.labels, expected.labels)


def test_without_names_the_number_of_axes_tells_images_from_labels(tmp_path):
    (part,) = read_idx(write(tmp_path, a=idx(3), b=idx(3, 2, 4)), Limits())

    assert part.split is None
    assert part.samples.shape == (3, 2, 4)
    assert part.labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": idx(3)}, "0 IDX files of images instead of one"),
        ({"a": idx(3), "b": idx(3), "c": idx(3, 2, 2)}, "2 IDX files of labels"),
        ({"a": idx(2), "b": idx(3, 2, 2)}, "'b' has 3 images, but 'a' has 2 labels"),
        ({"a": idx(3), "b": idx(3, 2)}, r"'b' has the shape \(3, 2\)"),
        ({"a": idx(3), "b": idx(3, 2, 2)[:-1]}, "'b': an IDX file of 27 bytes cannot hold"),
        ({"a": idx(3), "b": idx(3, 2, 2) + b"0"}, "'b': an IDX file of 29 bytes cannot hold"),
        ({"a": b"\0\0\x0d\1" + bytes(8)}, "'a': not an IDX file of unsigned bytes"),
        ({"a": idx(3), "test-b": idx(3, 2, 2)}, "'a': the name must say train or test"),
        ({"a": idx(0), "b": idx(0, 2, 2)}, r"the shape \(0,\), so it is empty"),
    ],
)
def test_other_files_are_rejected_by_name(tmp_path, files, message):
    with pytest.raises(InvalidInputError, match=message):
        read_idx(write(tmp_path, **files), Limits())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(samples=69_999), "more than 69,999 samples"),
        (Limits(bytes=70_000 * 784 - 1), "more than 54,879,999 bytes"),
        (Limits(classes=9), "more than 9 distinct labels"),
        (Limits(features=783), "784 values per sample"),
    ],
)
def test_limits(limits, message):
    with pytest.raises(InvalidInputError, match=message):
        read_idx([(name, MNIST / name) for name in NAMES], limits)


def test_a_cut_download_is_rejected(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes((MNIST / NAMES[1]).read_bytes()[:5000])

    with pytest.raises(InvalidInputError, match="cannot hold the shape"):
        read_idx([("images", MNIST / NAMES[0]), ("labels", path)], Limits())
