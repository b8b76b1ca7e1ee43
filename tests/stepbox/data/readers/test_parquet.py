"""Parquet files hold encoded images with labels, or tables of numbers."""

import io
import itertools
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_iris

from stepbox.data.readers.parquet import read_parquet
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
DIGITS = load_digits()


def png(image):
    file = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def digits(start, stop, names=None):
    """A table in Hugging Face's form."""
    images = [{"bytes": png(image), "path": None} for image in DIGITS.images[start:stop]]
    table = pa.table(
        {"image": pa.array(images, IMAGE), "label": pa.array(DIGITS.target[start:stop])}
    )
    if names is None:
        return table
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    return table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )


def read(folder, limits=None, label="label", **tables):
    files = []
    for name, table in tables.items():
        pq.write_table(table, folder / name, row_group_size=50)
        files.append((f"data/{name}-00000-of-00001.parquet", folder / name))
    scratch = folder / "scratch"
    scratch.mkdir()
    return read_parquet(files, scratch, limits or Limits(), label)


def pixels(part):
    return np.array([np.asarray(Image.open(io.BytesIO(content))) for _, content in part.samples])


def test_hugging_face(tmp_path):
    names = [f"digit {i}" for i in range(10)]

    parts = read(tmp_path, train_1=digits(100, 250, names), train_0=digits(0, 100, names),
                 test=digits(250, 300, names))  # fmt: skip

    parts = {part.split: part for part in parts}
    assert set(parts) == {"train", "test"}
    for split, start, stop in (("train", 0, 250), ("test", 250, 300)):
        part = parts[split]
        assert part.classes == tuple(names)
        assert part.labels.dtype == np.int64
        np.testing.assert_array_equal(part.labels, DIGITS.target[start:stop])
        assert len(part.samples) == stop - start
        np.testing.assert_array_equal(pixels(part), DIGITS.images[start:stop])
        np.testing.assert_array_equal(pixels(part), DIGITS.images[start:stop])  # once more
    name, _ = list(parts["train"].samples)[100]
    assert name == "'data/train_1-00000-of-00001.parquet', row 1"


def test_plain_bytes_and_names_as_labels(tmp_path):
    labels = [DIGITS.target_names[target] for target in DIGITS.target[:20]]
    table = pa.table(
        {
            "kind": pa.array([f"the {label}" for label in labels]),
            "picture": pa.array([png(image) for image in DIGITS.images[:20]]),
            "note": pa.array(range(20)),
        }
    )

    (part,) = read(tmp_path, label="kind", digits=table)

    assert part.split is None
    assert part.labels.tolist() == [f"the {label}" for label in labels]
    np.testing.assert_array_equal(pixels(part), DIGITS.images[:20])
    assert part.warnings == ["The column 'note' was not used."]


def test_a_table_of_numbers(tmp_path):
    iris = load_iris()
    columns = dict(zip(iris.feature_names, iris.data.T, strict=True))
    species = iris.target_names[iris.target]

    (part,) = read(tmp_path, label="species", iris=pa.table({**columns, "species": species}))

    np.testing.assert_array_equal(part.samples, iris.data)
    assert part.samples.dtype == np.float64
    assert part.columns == tuple(iris.feature_names)
    assert part.labels.tolist() == species.tolist()


def test_columns_of_pixels_are_images(tmp_path):
    columns = {f"pixel{i}": DIGITS.data[:, i].astype(np.uint8) for i in range(64)}

    (part,) = read(tmp_path, digits=pa.table({**columns, "label": DIGITS.target}))

    assert part.samples.dtype == np.uint8
    np.testing.assert_array_equal(part.samples, DIGITS.images)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"image": [b"1"]}, "no column 'label'"),
        ({"image": ["cat.png"], "label": [1]}, "the column 'image' has values of type .*string"),
        ({"image": [[[1, 2], [3, 4]]], "label": [1]}, "the column 'image' has values of type list"),
        ({"image": [b"1"], "label": [[1]]}, "the column 'label' has values of type list"),
        ({"image": [b"1"], "label": [b"1"]}, "the column 'label' has values of type .*binary"),
        ({"image": [b"1"], "thumbnail": [b"1"], "label": [1]}, "more than one column has images"),
        ({"image": [b"1"], "label": [0.5]}, "numbers with fractions"),
        ({"image": [b"1"] * 2, "label": [0, None]}, r"x.parquet', row 2, column 'label': the lab"),
        ({"a": [1.0, None], "label": [0, 1]}, "row 2, column 'a': the cell is empty"),
        ({"a": [1.0, np.inf], "label": [0, 1]}, "row 2, column 'a': inf is not allowed"),
        ({"a": [1.0], "label": ["y" * 201]}, "a text of 201 characters"),
        ({"a": pa.array([], pa.int64()), "label": pa.array([], pa.int64())}, "have no rows"),
    ],
)
def test_wrong_columns(tmp_path, table, message):
    pq.write_table(pa.table(table), tmp_path / "x")

    with pytest.raises(InvalidInputError, match=message):
        read_parquet([("x.parquet", tmp_path / "x")], tmp_path, Limits())


def test_labels_beyond_the_names_of_the_classes(tmp_path):
    with pytest.raises(InvalidInputError, match="the label 3, but the file names 3 classes"):
        read(tmp_path, digits=digits(0, 20, ["0", "1", "2"]))


def test_shards_with_other_columns(tmp_path):
    other = digits(0, 5).rename_columns(["img", "label"])

    with pytest.raises(InvalidInputError, match=r"'data/b-.* and 'data/a-.* have other columns"):
        read(tmp_path, a=digits(0, 5), b=other)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(samples=19), "more than 19 samples"),
        (Limits(classes=9), "10 classes; up to 9"),
    ],
)
def test_limits(tmp_path, limits, message):
    with pytest.raises(InvalidInputError, match=message):
        read(tmp_path, limits, digits=digits(0, 20, list("0123456789")))


def test_an_image_that_is_stored_once_for_many_rows_takes_the_memory_of_one(tmp_path):
    image, rows = bytes(2**22), 2000  # 8 GB, if they were read together
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([image]))
    table = pa.table({"image": column, "label": [1] * rows})
    with pq.ParquetWriter(
        tmp_path / "x", table.schema, store_schema=False, dictionary_pagesize_limit=2**23
    ) as writer:
        writer.write_table(table)

    (part,) = read_parquet([("x.parquet", tmp_path / "x")], tmp_path, Limits())
    before = pa.total_allocated_bytes()
    for _, content in itertools.islice(part.samples, 20):
        assert content == image
        assert pa.total_allocated_bytes() - before < 10 * len(image)


@pytest.mark.slow
def test_a_huge_column_is_rejected_by_the_metadata(tmp_path):
    table = pa.table({"image": [bytes(2**27)] * 2 + [b"1"], "label": [1] * 3})
    pq.write_table(table, tmp_path / "x", use_dictionary=False, compression="zstd")

    with pytest.raises(
        InvalidInputError, match=r"row group 0 of 'x.parquet' has 268,.* smaller row"
    ):
        read_parquet([("x.parquet", tmp_path / "x")], tmp_path, Limits())


@pytest.mark.parametrize("keep", [0, 7, 11, 500, -1])
def test_a_cut_file_is_rejected(tmp_path, keep):
    pq.write_table(digits(0, 20), tmp_path / "x")
    (tmp_path / "x").write_bytes((tmp_path / "x").read_bytes()[:keep])

    with pytest.raises(InvalidInputError, match="not a Parquet file, or is cut off"):
        read_parquet([("x.parquet", tmp_path / "x")], tmp_path, Limits())


def test_damaged_files_are_rejected_or_read_alike(tmp_path):
    pq.write_table(digits(0, 20), tmp_path / "x")
    content = (tmp_path / "x").read_bytes()
    rng = np.random.default_rng(0)
    rejected = 0
    for attempt in range(100):
        damaged = bytearray(content)
        damaged[rng.integers(len(content) - 700, len(content))] ^= int(rng.integers(1, 256))
        (tmp_path / "x").write_bytes(damaged)
        scratch = tmp_path / str(attempt)
        scratch.mkdir()
        try:
            for part in read_parquet([("x.parquet", tmp_path / "x")], scratch, Limits()):
                assert sum(1 for _ in part.samples) == len(part.labels)
        except InvalidInputError:
            rejected += 1
    assert rejected
