"""Measure what hostile uploads cost: how fast an import rejects each, and with how much memory.

    python -m benchmarks.data.hostile [--kinds "zip bomb,…"]

Each upload is imported in a process of its own. The last column is its peak memory, minus that of a
process that imports a table of four rows.
"""

import argparse
import io
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from stepbox.errors import InvalidInputError
from stepbox.importing.options import ImportOptions
from stepbox.importing.pipeline import import_upload

GB = 10**9
TABLE = b"a,label\n1,x\n2,y\n3,x\n4,y\n"


def png() -> bytes:
    """Encode a small image."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(file, "PNG")
    return file.getvalue()


def zipped(path: Path, files: dict[str, bytes]) -> None:
    """Write a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def zip_bomb(path: Path) -> None:
    """Write a zip of 5 MB that unpacks to 5 GB of images."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        zeros = bytes(50 * 10**6)
        for index in range(100):
            archive.writestr(f"{'ab'[index % 2]}/{index}.png", zeros)


def zip_out_of_its_folder(path: Path) -> None:
    """Write a zip with a name that leaves the folder."""
    zipped(path, {"a/1.png": png(), "../../b/2.png": png()})


def tar_with_a_link(path: Path) -> None:
    """Write a tar with a symbolic link to a file of the system."""
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("a/1.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)


def nested_archives(path: Path) -> None:
    """Write a zip in a zip."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a/1.png", png())
    zipped(path, {"a/1.png": png(), "b/inner.zip": inner.getvalue()})


def csv_of_one_line(path: Path) -> None:
    """Write a CSV of 2 GB whose second line never ends."""
    with path.open("wb") as file:
        file.write(b"a,label\n")
        for _ in range(2 * GB // 10**6):
            file.write(b"1" * 10**6)


def csv_with_a_formula(path: Path) -> None:
    """Write a CSV with a formula in a cell."""
    path.write_bytes(TABLE + b"=1+1,x\n")


def parquet_of_other_types(path: Path) -> None:
    """Write a Parquet file whose images are dates."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    dates = pa.array([0, 1], pa.timestamp("s"))
    pq.write_table(pa.table({"image": dates, "label": [0, 1]}), path)


def npz_with_objects(path: Path) -> None:
    """Write an .npz file whose arrays are pickles."""
    with path.open("wb") as file:
        np.savez(file, images=np.array([{}, {}], object), labels=np.array([0, 1]))


def npz_that_lies(path: Path) -> None:
    """Write an .npz file with a header that claims 500 GB."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 500)}
    )
    labels = io.BytesIO()
    np.save(labels, np.zeros(2, int))
    zipped(path, {"images.npy": header.getvalue(), "labels.npy": labels.getvalue()})


KINDS: dict[str, Callable[[Path], None]] = {
    "zip bomb": zip_bomb,
    "zip out of its folder": zip_out_of_its_folder,
    "tar with a link": tar_with_a_link,
    "nested archives": nested_archives,
    "CSV of one line": csv_of_one_line,
    "CSV with a formula": csv_with_a_formula,
    "Parquet of other types": parquet_of_other_types,
    "npz with objects": npz_with_objects,
    "npz that lies": npz_that_lies,
}


def import_once(upload: Path, folder: Path) -> None:
    """Import a file in this process; print seconds, peak memory in MB, and why it is rejected."""
    folder.mkdir(exist_ok=True)
    options = ImportOptions(name="hostile")
    began, reason = time.perf_counter(), "accepted"
    try:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            import_upload(upload, "", options, Path(scratch), lambda progress: None)
    except InvalidInputError as error:
        reason = error.faults[0].detail
    seconds = time.perf_counter() - began
    # On Linux, the unit is KiB.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"{seconds}\t{memory}\t{reason}")


def measure(upload: Path, folder: Path) -> tuple[float, float, str]:
    """Import a file in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.data.hostile", "--once", upload, folder]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, memory, reason = answer.strip().split("\t")
    return float(seconds), float(memory), reason


def main() -> None:
    """Import each hostile upload, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--once", nargs=2, type=Path, metavar=("UPLOAD", "FOLDER"))
    arguments = parser.parse_args()
    if arguments.once:
        import_once(*arguments.once)
        return
    print(f"{'upload':24} {'MB':>7} {'seconds':>8} {'memory MB':>10}  answer")
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder, upload = Path(name) / "datasets", Path(name) / "upload"
        upload.write_bytes(TABLE)
        _, least, _ = measure(upload, folder)
        for kind in arguments.kinds.split(","):
            KINDS[kind](upload)
            seconds, memory, reason = measure(upload, folder)
            size = upload.stat().st_size / 1e6
            print(f"{kind:24} {size:7.1f} {seconds:8.2f} {memory - least:10.0f}  {reason[:110]}")


if __name__ == "__main__":
    main()
