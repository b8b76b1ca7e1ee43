"""Measure the memory of an epoch on a data set that is larger than the memory it may take.

    python -m benchmarks.data.training FOLDER [GIGABYTES]

It writes random color images of 32×32 pixels to a memory map in FOLDER, trains one epoch on all of
them in a new process, prints the peak memory of this process, and removes the images.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from stepbox.data.dataset import Dataset, DatasetSpec, SplitSpec
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES

SHAPE = (32, 32, 3)
CLASSES = 10
BLOCK = 10_000  # images that are written at a time
TEST = 10_000


def write(path: Path, count: int) -> None:
    """Write random images, block by block."""
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *SHAPE))
    rng = np.random.default_rng(0)
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        images[start:stop] = rng.integers(0, 256, (stop - start, *SHAPE), np.uint8)
    images.flush()


def train_one_epoch(path: Path, engine: str) -> None:
    """Train on the images, and print the seconds, and the peak memory in bytes."""
    images = np.load(path, mmap_mode="r")
    labels = np.random.default_rng(1).integers(0, CLASSES, len(images)).astype(np.uint16)
    sizes = SplitSpec(samples=len(images) - TEST), SplitSpec(samples=TEST)
    spec = DatasetSpec(
        name="random",
        kind="images",
        shape=SHAPE,
        classes=tuple(map(str, range(CLASSES))),
        train=sizes[0],
        test=sizes[1],
    )
    data = Dataset(spec, images, labels)
    recipe = RECIPES["mnist-numpy" if engine == "numpy" else "fashion-mnist-torch"].changed(
        epochs=1,
        hidden_sizes=(8,),
        learning_rate=0.001,
        validation=0.1,
        shuffle=True,
        standardize=True,
        dataset="random",
    )
    started = time.perf_counter()
    trainer = make_trainer(recipe, data[:-TEST])
    for _ in train(trainer, data[-TEST:]):
        pass
    print(time.perf_counter() - started, trainer.peak_memory())


def main() -> None:
    """Print a line for each engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("gigabytes", type=float, nargs="?", default=2.0)
    parser.add_argument("--engine", choices=("numpy", "torch"), action="append")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    path = arguments.folder / "random-images.npy"
    if arguments.inside:
        train_one_epoch(path, arguments.inside)
        return
    count = int(arguments.gigabytes * 1e9) // int(np.prod(SHAPE))
    write(path, count)
    try:
        for engine in arguments.engine or ("numpy", "torch"):
            command = [sys.executable, "-m", "benchmarks.data.training", str(arguments.folder)]
            done = subprocess.run(
                [*command, "--inside", engine], check=True, capture_output=True, text=True
            )
            seconds, peak = map(float, done.stdout.split())
            print(
                f"{engine}: {count:,} images, {path.stat().st_size / 1e9:.2f} GB: an epoch takes "
                f"{seconds:.0f} s and {peak / 1e6:.0f} MB at its peak, "
                f"{peak / path.stat().st_size:.2f} of the data set",
                flush=True,
            )
    finally:
        path.unlink()


if __name__ == "__main__":
    main()
