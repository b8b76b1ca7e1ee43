"""Arrays of an .npz file are checked by their headers, then written in blocks."""

import io
import zipfile

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from stepbox.data.builtin import load_dataset
from stepbox.data.readers.npz import read_npz
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError
from tests.processes import ROOT

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def read(folder, limits=None, save=np.savez, **arrays):
    save(folder / "file.npz", **arrays)
    return read_npz(folder / "file.npz", folder, limits or Limits())


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_zip(path, compression=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def test_keras_names(tmp_path):
    train, test = (load_dataset("mnist", split, ROOT / "data") for split in ("train", "test"))

    parts = read(
        tmp_path,
        x_train=train.samples,
        y_train=train.labels,
        x_test=test.samples,
        y_test=test.labels,
    )

    assert [part.split for part in parts] == ["train", "test"]
    for part, expected in zip(parts, (train, test), strict=True):
        assert isinstance(part.samples, np.memmap)
        assert part.samples.dtype == np.uint8
        np.testing.assert_array_equal(part.samples, expected.samples)
        assert part.labels.dtype == np.int64
        np.testing.assert_array_equal(part.labels, expected.labels)


@pytest.mark.parametrize("dtype", ["uint8", "int64", ">i4", "float32", "float64"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images_of_any_number_type_are_bytes(tmp_path, dtype, save):
    digits = load_digits()

    (part,) = read(tmp_path, save=save, images=digits.images.astype(dtype), labels=digits.target)

    assert part.split is None
    assert part.samples.dtype == np.uint8
    np.testing.assert_array_equal(part.samples, digits.images)
    np.testing.assert_array_equal(part.labels, digits.target)


@pytest.mark.parametrize(
    ("shape", "stored"),
    [((3, 4, 5), (3, 4, 5)), ((5, 4, 3, 1), (5, 4, 3)), ((2, 2, 5, 3), (2, 2, 5, 3))],
)
def test_channels(tmp_path, shape, stored):
    images = IMAGES.reshape(shape)

    (part,) = read(tmp_path, images=images, labels=np.arange(len(images)))

    np.testing.assert_array_equal(part.samples, images.reshape(stored))


def test_two_axes_are_vectors(tmp_path):
    iris = load_iris()

    (part,) = read(tmp_path, x=iris.data, y=iris.target_names[iris.target])

    assert part.samples.dtype == np.float64
    np.testing.assert_array_equal(part.samples, iris.data)
    assert part.labels.dtype == object
    assert part.labels.tolist() == iris.target_names[iris.target].tolist()


@pytest.mark.parametrize(
    "labels",
    [[7, 1, 7], ["7", "1", "7"], [b"7", b"1", b"7"], [7.0, 1.0, 7.0], [[7], [1], [7]]],
)
def test_whole_numbers_are_integers_in_any_form(tmp_path, labels):
    (part,) = read(tmp_path, images=IMAGES, labels=np.array(labels))

    assert part.labels.dtype == np.int64
    assert part.labels.tolist() == [7, 1, 7]


def test_an_unused_array_is_a_warning(tmp_path):
    (part,) = read(tmp_path, images=IMAGES, labels=np.arange(3), x_val=IMAGES)

    assert part.warnings == ["The array 'x_val' was not used."]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"train_images": IMAGES}, "none of these: 'train_images'"),
        ({"images": IMAGES}, "none of these: 'images'"),
        (
            {"x": IMAGES, "y": np.arange(3), "images": IMAGES, "labels": np.arange(3)},
            "more than one of these",
        ),
        (
            {"x_train": IMAGES, "y_train": np.arange(3), "x_test": IMAGES},
            "'x_test' and 'y_test' belong together",
        ),
    ],
)
def test_names_are_explained(tmp_path, arrays, message):
    with pytest.raises(InvalidInputError, match=message):
        read(tmp_path, **arrays)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES / 255, r"images\[0, 0, 1\] is 0.0039.*; pixels must be whole numbers from 0"),
        (IMAGES / 59 // 1, "only zeros and ones, as floats"),
        (IMAGES * 100.0, r"images\[0, 0, 3\] is 300.0; pixels must be"),
        (IMAGES.astype(int) - 1, r"images\[0, 0, 0\] is -1; pixels"),
        (np.where(IMAGES == 30, np.nan, IMAGES), r"images\[1, 2, 0\] is nan"),
        (IMAGES > 5, "values of type bool instead of numbers"),
        (IMAGES * 1j, "values of type complex128 instead of numbers"),
        (IMAGES.reshape(3, 1, 4, 5), r"the shape \(3, 1, 4, 5\). Images have the shape"),
        (IMAGES.reshape(3, 1, 4, 5, 1), r"the shape \(3, 1, 4, 5, 1\). Vectors have the shape"),
        (IMAGES[:, :0], "so it is empty"),
        (np.asfortranarray(IMAGES), r"Fortran order: save np.ascontiguousarray\(images\)"),
        (np.where(IMAGES == 30, np.inf, IMAGES).reshape(3, 20), r"images\[1, 10\] is inf"),
        (np.array([None] * 3), "'images' has Python objects, which Stepbox never opens"),
        (np.zeros(3, [("a", int)]), "instead of numbers"),
    ],
)
def test_samples_are_rejected_by_position(tmp_path, images, message):
    with pytest.raises(InvalidInputError, match=message):
        read(tmp_path, images=images, labels=np.arange(3))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(2), r"the shape \(2,\) instead of \(3,\)"),
        (np.eye(3), r"the shape \(3, 3\).* not one-hot"),
        (np.array([0.5, 1, 2]), "numbers with fractions, such as 0.5"),
        (np.array([0, np.nan, 2]), r"labels\[1\], 'labels': the label is missing \(it is 'nan'"),
        (np.array(["a", "", "b"]), r"labels\[1\], 'labels': the label is missing \(it is ''\)"),
        (np.array([b"a", b"\xff", b"b"]), "not in UTF-8"),
        (np.array([0, 1, 2**64 - 1], np.uint64), "18446744073709551615 is too large"),
        (np.array(["a", "b", "c" * 201]), "up to 200 characters"),
        (np.array(["a", "b", {}]), "Python objects"),
        (np.arange(3).astype("M8[s]"), "values of type datetime64"),
    ],
)
def test_labels_are_rejected(tmp_path, labels, message):
    with pytest.raises(InvalidInputError, match=message):
        read(tmp_path, images=IMAGES, labels=labels)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(samples=2), "more than 2 samples"),
        (Limits(classes=2), "more than 2 distinct labels"),
        (Limits(features=19), "20 values per sample; up to 19"),
        (Limits(bytes=59), "more than 59 bytes"),
    ],
)
def test_limits(tmp_path, limits, message):
    with pytest.raises(InvalidInputError, match=message):
        read(tmp_path, limits, images=IMAGES, labels=np.arange(3))


def test_a_bomb_is_rejected_by_its_header(tmp_path):
    header = io.BytesIO()
    shape = (2_000_000, 64, 64)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    path = write_zip(tmp_path / "bomb.npz", images=header.getvalue(), labels=npy(np.arange(3)))
    content = path.read_bytes()
    size = len(header.getvalue())
    claimed = np.prod(shape) + size  # more than 32 bits hold, so the file cannot claim it
    with pytest.raises(InvalidInputError, match=f"{size:,} bytes, but .* need {claimed:,}"):
        read_npz(path, tmp_path, Limits())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bomb.npz"]
    assert path.read_bytes() == content


def test_an_array_that_lies_about_its_size_is_rejected(tmp_path):
    honest = npy(IMAGES)
    path = write_zip(
        tmp_path / "lie.npz", zipfile.ZIP_DEFLATED, images=honest[:-20], labels=npy(np.arange(3))
    )
    size = (len(honest) - 20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, len(honest).to_bytes(4, "little")))

    with pytest.raises(InvalidInputError, match=r"the \.npz file is damaged"):
        read_npz(path, tmp_path, Limits())


@pytest.mark.parametrize("at", [0.05, 0.5, 0.98])
def test_a_damaged_file_is_rejected(tmp_path, at):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (50, 20, 20), np.uint8)
    np.savez(tmp_path / "file.npz", images=images, labels=np.arange(50))
    content = bytearray((tmp_path / "file.npz").read_bytes())
    content[int(len(content) * at)] ^= 255
    (tmp_path / "damaged.npz").write_bytes(content)
    (tmp_path / "cut.npz").write_bytes(content[: int(len(content) * at)])

    for name in ("damaged.npz", "cut.npz"):
        with pytest.raises(InvalidInputError):
            read_npz(tmp_path / name, tmp_path, Limits())


def test_too_many_members_are_not_even_listed(tmp_path):
    members = {f"array-{i}" + "x" * 60: b"" for i in range(400)}

    with pytest.raises(InvalidInputError, match="more than 100 members"):
        read_npz(write_zip(tmp_path / "many.npz", **members), tmp_path, Limits())
