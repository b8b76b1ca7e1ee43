"""MNIST is read alike from each format in which people have it."""

import io
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from PIL import Image

from stepbox.data.builtin import load_dataset
from stepbox.data.readers.csv import read_csv
from stepbox.data.readers.idx import read_idx
from stepbox.data.readers.npz import read_npz
from stepbox.data.readers.parquet import read_parquet
from stepbox.data.readers.part import Limits
from tests.processes import ROOT

pytestmark = pytest.mark.slow

PIXELS = [f"pixel{i}" for i in range(784)]
SIZES = [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)]


def kaggle(data, path, names=PIXELS):
    rows = data.samples.reshape(len(data.samples), -1)
    columns = {name: rows[:, i] for i, name in enumerate(names)}
    pa_csv.write_csv(pa.table({"label": data.labels, **columns}), path)


def png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_type=zlib.Z_RLE)
    return file.getvalue()


def hugging_face(data, path):
    images = [{"bytes": png(image), "path": f"{i}.png"} for i, image in enumerate(data.samples)]
    table = pa.table({"image": images, "label": data.labels.astype(np.int64)})
    pq.write_table(table, path, row_group_size=1000)


def as_idx(train, test, folder):
    names = (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    )
    return read_idx([(name, ROOT / "data/MNIST/raw" / name) for name in names], Limits())


def as_npz(train, test, folder):
    path = folder / "mnist.npz"
    np.savez_compressed(
        path, x_train=train.samples, y_train=train.labels, x_test=test.samples, y_test=test.labels
    )
    return read_npz(path, folder, Limits())


def as_csv(train, test, folder):
    parts = []
    for data, names in ((train, PIXELS), (test, SIZES)):
        scratch = folder / names[0]
        scratch.mkdir()
        kaggle(data, scratch / "upload", names)
        parts += read_csv(scratch / "upload", scratch, Limits())
    return parts


def as_parquet(train, test, folder):
    for data, name in ((train, "train"), (test, "test")):
        hugging_face(data, folder / f"{name}.parquet")
    files = [(f"{name}.parquet", folder / f"{name}.parquet") for name in ("train", "test")]
    return read_parquet(files, folder, Limits())


@pytest.mark.parametrize("read", [as_idx, as_npz, as_csv, as_parquet])
def test_mnist_is_the_same_in_each_format(tmp_path, read):
    train, test = (load_dataset("mnist", split, ROOT / "data") for split in ("train", "test"))

    parts = {
        part.split or name: part
        for name, part in zip(("train", "test"), read(train, test, tmp_path), strict=True)
    }

    for split, expected in (("train", train), ("test", test)):
        part = parts[split]
        images = part.samples
        if read is as_parquet:
            images = np.stack([np.asarray(Image.open(io.BytesIO(image))) for _, image in images])
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, expected.samples)
        assert part.labels.dtype == np.int64
        np.testing.assert_array_equal(part.labels, expected.labels)
        assert part.classes is None
        assert part.columns is None
