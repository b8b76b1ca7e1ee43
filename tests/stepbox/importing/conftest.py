import gzip
import io
import json
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from stepbox.importing.options import ImportOptions
from stepbox.importing.pipeline import import_upload
from stepbox.store.datasets import DatasetStore


@pytest.fixture
def datasets(tmp_path, data_folder):
    return DatasetStore(tmp_path / "datasets", data_folder)


@pytest.fixture
def run(datasets, tmp_path):
    """Return a function that imports bytes and publishes the data set."""

    def run(
        content, content_type="application/octet-stream", report=lambda progress: None, **options
    ):
        upload = tmp_path / "upload"
        upload.write_bytes(content)
        chosen = ImportOptions(**{"name": "mine", **options})
        with TemporaryDirectory(dir=tmp_path) as scratch:
            spec, files = import_upload(upload, content_type, chosen, Path(scratch), report)
            return datasets.publish(datasets.stage("attempt", spec, files))

    return run


def file_of(image, kind="PNG"):
    """Encode an image, shape (height, width) or (height, width, 3)."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def zipped(files):
    """Make a zip of named contents."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def folders(images, labels, names, split=""):
    """Return the files of a zip with one folder per class, named by their index."""
    return {
        f"{split}{names[label]}/{index}.png": file_of(image)
        for index, (image, label) in enumerate(zip(images, labels, strict=True))
    }


def npz(**arrays):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def csv(columns, rows):
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]).encode()


def parquet(images, labels, names):
    """A file in Hugging Face's form."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = [{"bytes": file_of(image), "path": None} for image in images]
    table = pa.table({"image": pa.array(cells, kind), "label": pa.array(labels.astype(np.int64))})
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    table = table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def form(files, boundary="a-boundary"):
    """Make a multipart body; return it and its content type."""
    body = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n'
        % (boundary.encode(), name.encode(), content)
        for name, content in files.items()
    )
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


compress = gzip.compress
