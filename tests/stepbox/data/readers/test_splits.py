"""The name of a file, or else of its folder, tells the split."""

import pytest

from stepbox.data.readers.splits import split_in_name
from stepbox.errors import InvalidInputError


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-images-idx3-ubyte", "train"),
        ("t10k-labels-idx1-ubyte", "test"),
        ("mnist_test.csv", "test"),
        ("Training.csv", "train"),
        ("data/train-00000-of-00002.parquet", "train"),
        ("test/cats.parquet", "test"),
        ("train/test.csv", "test"),
        ("latest.csv", None),
        ("contest/trains.csv", None),
        ("iris.csv", None),
    ],
)
def test_split(name, split):
    assert split_in_name(name) == split


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("validation-00000.parquet", "looks like a validation set"),
        ("val/iris.csv", "looks like a validation set"),
        ("train-test.csv", "names both splits"),
    ],
)
def test_names_that_could_mislead(name, message):
    with pytest.raises(InvalidInputError, match=message):
        split_in_name(name)
