"""The name of a file, or else of its folder, tells the split."""

from pathlib import Path

import pytest

from stepbox.data.readers.splits import by_split, split_in_name
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
        ("validation-00000.parquet", "validation"),
        ("val/iris.csv", "validation"),
    ],
)
def test_split(name, split):
    assert split_in_name(name) == split


def grouped(*names):
    groups, warnings = by_split([(name, Path(name)) for name in names])
    return {split: [name for name, _ in files] for split, files in groups.items()}, warnings


def test_a_validation_set_is_for_training_unless_there_is_no_test_part():
    groups, [warning] = grouped("train.csv", "dev.csv", "test.csv")
    assert groups == {"train": ["train.csv", "dev.csv"], "test": ["test.csv"]}
    assert warning.startswith("The samples in 'dev.csv' belong to the training part.")
    groups, [warning] = grouped("train.csv", "dev.csv")
    assert groups == {"train": ["train.csv"], "test": ["dev.csv"]}
    assert warning == "The samples in 'dev.csv' are the test part."


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train-test.csv"], "names the splits test and train"),
        (["train.csv", "iris.csv"], "'iris.csv': the name must say train or test"),
    ],
)
def test_names_that_could_mislead(names, message):
    with pytest.raises(InvalidInputError, match=message):
        grouped(*names)
