"""Measure imports: how long they take in each format, and how much memory.

    python -m benchmarks.data.imports [--formats folders,Keras,…] [--runs 1]

All 70,000 samples of Fashion-MNIST are written in each format, and imported in a process of their
own. The baseline reads the built-in files, and computes the id of the data set from them: what no
import can do without. On a shared machine, compare the ratios.
"""

import argparse
import csv
import gzip
import io
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stepbox.data.builtin import FASHION_MNIST, load_dataset
from stepbox.data.dataset import Dataset, split_sha256
from stepbox.importing.options import ImportOptions
from stepbox.importing.pipeline import import_upload
from stepbox.store.datasets import DatasetStore

SPLITS = ("train", "test")


def samples() -> Iterator[tuple[str, Dataset]]:
    """Yield both splits with their names."""
    for split in SPLITS:
        yield split, load_dataset(FASHION_MNIST.name, split)


def write_folders(path: Path) -> None:
    """Write a zip with a PNG file for each image, in a folder for each class."""
    with zipfile.ZipFile(path, "w") as archive:
        for split, dataset in samples():
            for index, (image, label) in enumerate(
                zip(dataset.samples, dataset.labels, strict=True)
            ):
                file = io.BytesIO()
                Image.fromarray(image).save(file, "PNG")
                archive.writestr(f"{split}/{label}/{index}.png", file.getvalue())


def write_keras(path: Path) -> None:
    """Write an .npz file with the names that Keras uses."""
    arrays: dict[str, NDArray[Any]] = {}
    for split, dataset in samples():
        arrays |= {f"x_{split}": dataset.samples, f"y_{split}": dataset.labels}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def write_csv(path: Path) -> None:
    """Write a zip of two CSV files with Kaggle's columns."""
    header = ["label", *(f"pixel{i}" for i in range(FASHION_MNIST.features))]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for split, dataset in samples():
            with archive.open(f"{split}.csv", "w") as raw:
                text = io.TextIOWrapper(raw, newline="")
                writer = csv.writer(text)
                writer.writerow(header)
                rows = dataset.samples.reshape(len(dataset.labels), -1)
                for row, label in zip(rows, dataset.labels, strict=True):
                    writer.writerow([label, *row.tolist()])
                text.flush()


def write_parquet(path: Path) -> None:
    """Write a zip of two Parquet files in Hugging Face's form."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    with zipfile.ZipFile(path, "w") as archive:
        for split, dataset in samples():
            cells = []
            for image in dataset.samples:
                file = io.BytesIO()
                Image.fromarray(image).save(file, "PNG")
                cells.append({"bytes": file.getvalue(), "path": None})
            labels = pa.array(dataset.labels.astype(np.int64))
            table = pa.table({"image": pa.array(cells, kind), "label": labels})
            sink = io.BytesIO()
            pq.write_table(table, sink, row_group_size=10_000)
            archive.writestr(f"{split}.parquet", sink.getvalue())


def write_idx(path: Path) -> None:
    """Write a zip of the four IDX files, compressed with gzip."""
    folder = Path("data") / (FASHION_MNIST.folder or "")
    with zipfile.ZipFile(path, "w") as archive:
        for name in FASHION_MNIST.checksums:
            archive.writestr(f"{name}.gz", gzip.compress((folder / name).read_bytes(), 1))


FORMATS: dict[str, Callable[[Path], None]] = {
    "folders": write_folders,
    "Keras": write_keras,
    "Kaggle": write_csv,
    "Parquet": write_parquet,
    "IDX": write_idx,
}


def import_once(upload: Path, folder: Path) -> None:
    """Import a file in this process, and print id, seconds and peak memory in MB."""
    folder.mkdir(exist_ok=True)
    options = ImportOptions(name="measured")
    store = DatasetStore(folder, Path("data"))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        spec, files = import_upload(upload, "", options, Path(scratch), lambda progress: None)
        store.stage("attempt", spec, files)
    seconds = time.perf_counter() - began
    # On Linux, the unit is KiB.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(spec.train.sha256, spec.test.sha256, seconds, memory)


def baseline() -> float:
    """Return the seconds in which the built-in files are read and hashed."""
    began = time.perf_counter()
    for _, dataset in samples():
        split_sha256(dataset.samples, dataset.labels)
    return time.perf_counter() - began


def main() -> None:
    """Write all formats, import each, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--once", nargs=2, type=Path, metavar=("UPLOAD", "FOLDER"))
    arguments = parser.parse_args()
    if arguments.once:
        import_once(*arguments.once)
        return
    expected = [FASHION_MNIST.train.sha256, FASHION_MNIST.test.sha256]
    print("format      upload MB   seconds   × baseline   peak MB")
    with tempfile.TemporaryDirectory(dir=".") as name:
        for kind in arguments.formats.split(","):
            upload = Path(name) / kind
            FORMATS[kind](upload)
            times, ratios, memory = [], [], 0.0
            for run in range(arguments.runs):
                least = baseline()
                command = [sys.executable, "-m", "benchmarks.data.imports", "--once"]
                place = Path(name) / f"{kind}-{run}"
                answer = subprocess.run(
                    [*command, upload, place], check=True, capture_output=True, text=True
                ).stdout.split()
                assert answer[:2] == expected, "the import has changed the samples"
                times.append(float(answer[2]))
                ratios.append(times[-1] / least)
                memory = max(memory, float(answer[3]))
            print(
                f"{kind:10} {upload.stat().st_size / 1e6:9.1f} {median(times):9.1f} "
                f"{median(ratios):12.1f} {memory:9.0f}"
            )


if __name__ == "__main__":
    main()
