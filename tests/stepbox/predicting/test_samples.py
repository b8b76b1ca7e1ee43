"""Uploads without labels, of every format, become the samples that a model takes."""

import io
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from stepbox.data.builtin import DATASETS
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError
from stepbox.images.prepare import prepare
from stepbox.predicting import samples
from stepbox.predicting.samples import read_samples
from tests.datasets import make_dataset

MNIST = DATASETS["mnist"]
RNG = np.random.default_rng(0)
DIGITS = RNG.integers(1, 256, (5, 28, 28), np.uint8)
DIGITS[:, [0, -1]] = DIGITS[:, :, [0, -1]] = 0  # a dark border: they are used as they are
FLOWERS, _ = make_dataset("flowers", (2,), columns=("long", "wide"))


@pytest.fixture
def read(tmp_path):
    """Return a function that reads an upload."""

    def read(content, spec=MNIST, content_type="", label="label", **limits):
        upload = tmp_path / "upload"
        upload.write_bytes(content)
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        told = []
        limits = Limits(**limits)
        found = read_samples(
            upload, content_type, label, spec, scratch, limits, lambda *done: told.append(done)
        )
        assert told[-1] == (len(found.dataset.samples),) * 2
        return found

    return read


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def archive(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    return file.getvalue()


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def table(**columns):
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()


def images_in_csv(labels=None):
    names = [f"pixel{index}" for index in range(784)]
    rows = [",".join(names)] + [",".join(map(str, digit.ravel())) for digit in DIGITS]
    if labels is not None:
        rows = [f"{label},{row}" for label, row in zip(["label", *labels], rows, strict=True)]
    return "\n".join(rows).encode()


UNLABELED = {
    "npz": npz(images=DIGITS),
    "x": npz(x=DIGITS),
    "x_test": npz(x_test=DIGITS),
    "idx": idx(DIGITS),
    "csv": images_in_csv(),
    "parquet": table(picture=[png(digit) for digit in DIGITS]),
    "flat zip": archive({f"{index}.png": png(digit) for index, digit in enumerate(DIGITS)}),
    "one folder": archive({f"all/{index}.png": png(digit) for index, digit in enumerate(DIGITS)}),
}


@pytest.mark.parametrize("name", UNLABELED)
def test_samples_without_labels_are_read(read, name):
    dataset, names = read(UNLABELED[name])
    np.testing.assert_array_equal(dataset.samples, DIGITS)
    assert dataset.spec.classes == ()
    assert len(dataset.labels) == 5
    if "zip" in name:
        assert names.to_pylist() == [f"{index}.png" for index in range(5)]
    elif "folder" in name:
        assert names.to_pylist() == [f"all/{index}.png" for index in range(5)]
    elif name != "parquet":
        assert names is None


LABELED = {
    "npz": npz(images=DIGITS, labels=np.array([3, 1, 3, 10, 2])),
    "csv": images_in_csv([3, 1, 3, 10, 2]),
    "parquet": table(picture=[png(digit) for digit in DIGITS], label=[3, 1, 3, 10, 2]),
}


@pytest.mark.parametrize("name", LABELED)
def test_labels_are_read_if_there_are_any(read, name):
    dataset, _ = read(LABELED[name])
    np.testing.assert_array_equal(dataset.samples, DIGITS)
    assert dataset.spec.classes == ("1", "2", "3", "10")
    assert dataset.labels.tolist() == [2, 0, 2, 3, 1]


def test_folders_are_classes(read):
    files = {f"{'ab'[index % 2]}/{index}.png": png(digit) for index, digit in enumerate(DIGITS)}
    dataset, names = read(archive(files))
    np.testing.assert_array_equal(dataset.samples, DIGITS)
    assert [dataset.spec.classes[label] for label in dataset.labels] == [*"ababa"]
    assert names.to_pylist() == [*files]


def test_names_of_many_files_are_in_order(read, monkeypatch):
    monkeypatch.setattr(samples, "BLOCK", 2)  # so there are two blocks, and a rest
    files = {f"{index}.png": png(digit) for index, digit in enumerate(DIGITS)}
    _, names = read(archive(files))
    assert names.to_pylist() == [*files]


def test_images_are_prepared_as_for_a_single_prediction(read):
    photo = np.full((60, 40), 255, np.uint8)
    photo[10:50, 15:25] = 0
    dataset, _ = read(archive({"1.png": png(photo), "2.png": png(DIGITS[0])}))
    np.testing.assert_array_equal(dataset.samples[0], prepare(photo, MNIST).pixels)
    np.testing.assert_array_equal(dataset.samples[1], DIGITS[0])


def test_arrays_of_another_size_or_with_a_light_background_are_prepared(read):
    mixed = DIGITS.copy()
    mixed[2] = 255 - mixed[2]
    dataset, _ = read(npz(x=mixed))
    expected = [prepare(image, MNIST).pixels for image in mixed]
    np.testing.assert_array_equal(dataset.samples, expected)


def test_large_arrays_are_prepared(read):
    large = np.kron(DIGITS, np.ones((1, 2, 2), np.uint8))
    dataset, _ = read(npz(x=large))
    np.testing.assert_array_equal(
        dataset.samples, [prepare(image, MNIST).pixels for image in large]
    )


def test_colors_become_grey(read):
    colors = np.stack([DIGITS] * 3, axis=-1)
    dataset, _ = read(npz(x=colors))
    np.testing.assert_array_equal(
        dataset.samples, [prepare(image, MNIST).pixels for image in colors]
    )


def test_columns_may_be_in_any_order(read):
    dataset, _ = read(b"wide,long\n1,2\n3,4\n", FLOWERS)
    assert dataset.samples.tolist() == [[2, 1], [4, 3]]
    assert dataset.samples.dtype == np.float64


def test_another_column_may_have_the_labels(read):
    dataset, _ = read(b"kind,wide,long\nrose,1,2\nlily,3,4\n", FLOWERS, label="kind")
    assert dataset.samples.tolist() == [[2, 1], [4, 3]]
    assert [dataset.spec.classes[label] for label in dataset.labels] == ["rose", "lily"]


@pytest.mark.parametrize(
    ("content", "spec", "words"),
    [
        (b"wide,high\n1,2\n", FLOWERS, "lacks the columns 'long' and has the columns 'high'"),
        (b"wide,long,high\n1,2,3\n", FLOWERS, "has the columns 'high' besides"),
        (npz(x=np.zeros((2, 3))), FLOWERS, "3 features, but the model takes 2"),
        (npz(x=np.zeros((2, 784))), MNIST, "has vectors, but the model takes images"),
        (npz(x=DIGITS), FLOWERS, "has images, but the model takes vectors"),
        (UNLABELED["flat zip"], FLOWERS, "has images, but the model takes vectors"),
        (
            archive({"1.png": png(DIGITS[0]), "2.png": b"no image"}),
            MNIST,
            "the file '2.png' of the upload is not",
        ),
        (archive({"a.txt": b""}), MNIST, "no images. Zip the image files, in a folder or without"),
        (archive({"1.png": png(DIGITS[0]), "a/2.png": png(DIGITS[1])}), MNIST, "outside"),
        (b"%PDF-1.7", MNIST, "PDF"),
    ],
)
def test_what_does_not_fit_is_named(read, content, spec, words):
    with pytest.raises(InvalidInputError, match=words):
        read(content, spec)


def test_small_images_may_not_become_too_large(read):
    small = np.zeros((5, 2, 2), np.uint8)
    with pytest.raises(InvalidInputError, match="1,000"):
        read(npz(x=small), bytes=1000)


def test_imports_still_need_labels(read, tmp_path):
    from stepbox.importing.opening import open_upload

    for name, content in UNLABELED.items():
        upload = tmp_path / "import"
        upload.write_bytes(content)
        scratch = tmp_path / f"scratch of {name}"
        scratch.mkdir()
        with pytest.raises(InvalidInputError):
            open_upload(upload, "", scratch, Limits(), "label")
