"""Formats are told by the first bytes; other formats are named."""

import gzip
import io
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stepbox.data.readers.detect import kind_of, kind_of_start
from stepbox.errors import InvalidInputError
from tests.processes import ROOT


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return file.getvalue()


def npz():
    file = io.BytesIO()
    np.savez_compressed(file, images=np.zeros(3))
    return file.getvalue()


def tarred():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("cats/1.png"))
    return file.getvalue()


def parquet():
    file = io.BytesIO()
    pq.write_table(pa.table({"label": [1]}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (npz(), "npz"),
        (zipped("cats/1.png"), "zip"),
        (zipped(), "zip"),
        (tarred(), "tar"),
        (gzip.compress(b"a,b", mtime=0), "gzip"),
        (parquet(), "parquet"),
        (b"label,pixel0\n1,2\n", "csv"),
        (b"\xef\xbb\xbflabel;a\r\n", "csv"),
        ("label\tGröße\n".encode(), "csv"),
        ((" " * 4089 + "label,é").encode()[:4096], "csv"),
    ],
)
def test_kinds(tmp_path, content, kind):
    (tmp_path / "upload").write_bytes(content)

    assert kind_of(tmp_path / "upload") == kind_of_start(content[:4096]) == kind


def test_idx():
    assert kind_of(ROOT / "data/MNIST/raw/t10k-labels-idx1-ubyte") == "idx"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"%PDF-1.7\n", "a PDF"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "an Excel, Word"),
        (zipped("docProps/app.xml", "[Content_Types].xml"), "an Excel, Word"),
        (b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x80\x04\x95", "a pickle, which Stepbox never opens"),
        (b"\x93NUMPY\1\0", "a single NumPy array"),
        ("label,a".encode("utf-16"), "text in UTF-16: save it as UTF-8"),
        ("Größe,label".encode("latin-1"), "unknown"),
        (b"\0\0\x0d\3", "an IDX file of numbers other than unsigned bytes"),
        (b"label,\0", "unknown"),
        (b"hello", "unknown"),
        (b'[{"label": 1, "a": 2}]', "JSON"),
    ],
)
def test_other_formats_are_named(content, message):
    with pytest.raises(InvalidInputError, match=f"{message}.* Send a zip or tar with one folder"):
        kind_of_start(content)
