"""Measure the prediction of a large data set: its speed and its memory.

    python -m benchmarks.predictions FOLDER [IMAGES]

It writes random images of 28×28 pixels to a memory map in FOLDER (one million by default). A new
process predicts them all, as a job does. Another one only computes the logits of the same blocks.
It prints the time, the peak memory and the size of the files, and removes everything.
"""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.data.training import BLOCK
from stepbox.data.builtin import MNIST
from stepbox.data.dataset import Dataset, DatasetSpec, SplitSpec, scale_pixels
from stepbox.memory import peak
from stepbox.nn.activations import Array
from stepbox.nn.network import Network
from stepbox.predicting.pipeline import predict_dataset
from stepbox.store.card import Card, CardDraft, StoredWeights, Versions
from stepbox.store.checkpoints import CheckpointStore
from stepbox.training.evaluation import BLOCK as PREDICTED_AT_ONCE
from stepbox.training.evaluation import assess
from stepbox.training.presets import RECIPES

RECIPE = RECIPES["mnist-numpy"]
JOB = "0" * 16


class Kept:
    """Keeps the logits as a worker does."""

    def __init__(self, folder: Path) -> None:
        self._store = CheckpointStore(folder)

    def load(self, first: int, end: int) -> Array | None:
        """Return the logits of a block, if they are kept."""
        return self._store.load_logits(JOB, first, end)

    def save(self, first: int, end: int, logits: Array) -> None:
        """Keep the logits of a block."""
        self._store.save_logits(JOB, first, end, logits)


def write(path: Path, count: int) -> None:
    """Write random images, block by block."""
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (count, *MNIST.shape))
    rng = np.random.default_rng(0)
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        images[start:stop] = rng.integers(0, 256, (stop - start, *MNIST.shape), np.uint8)
    images.flush()


def dataset_of(path: Path) -> Dataset:
    """Map the images, and draw labels."""
    images = np.load(path, mmap_mode="r")
    labels = np.random.default_rng(1).integers(0, 10, len(images)).astype(np.uint16)
    size = SplitSpec(samples=len(images))
    spec = DatasetSpec(
        name="random",
        kind="images",
        shape=MNIST.shape,
        classes=MNIST.classes,
        train=size,
        test=size,
    )
    return Dataset(spec, images, labels)


def card_of(network: Network) -> Card:
    """Make the card of an untrained network."""
    weights = StoredWeights(bytes=1, sha256="0" * 64, dtype="F64")
    draft = CardDraft(
        id=f"m-{0:012}",
        job=JOB,
        recipe=RECIPE,
        dataset=MNIST,
        history=(),
        evaluation=assess(np.eye(10), np.arange(10)),
        device="cpu",
    )
    return Card(
        **dict(draft),
        classes=MNIST.classes,
        parameters=network.parameters,
        weights=weights,
        initial=weights,
        versions=Versions.here(torch=False),
    )


def measure(path: Path, what: str) -> None:
    """Predict the images, or only compute their logits; print the seconds and the peak memory."""
    dataset = dataset_of(path)
    network = Network.initial(RECIPE.layer_specs(MNIST), 0)
    started = time.perf_counter()
    if what == "whole":
        folder = path.parent / "result"
        folder.mkdir()
        kept = Kept(path.parent / "checkpoints")
        found = predict_dataset(
            card_of(network), network, dataset, "test", folder, kept, lambda progress: None
        )
        sizes = [found.prediction.files.parquet.bytes, found.prediction.files.csv.bytes]
    else:
        sizes = []
        for start in range(0, len(dataset.samples), PREDICTED_AT_ONCE):
            images = dataset.take(slice(start, start + PREDICTED_AT_ONCE))
            network.logits(scale_pixels(images, RECIPE.pixel_scale, network.dtype))
    seconds = time.perf_counter() - started
    print(seconds, peak(), *sizes)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("images", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--inside", choices=("whole", "logits"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    path = arguments.folder / "random-images.npy"
    if arguments.inside:
        measure(path, arguments.inside)
        return
    write(path, arguments.images)
    found = {}
    try:
        for what in ("logits", "whole"):
            command = [sys.executable, "-m", "benchmarks.predictions", str(arguments.folder)]
            output = subprocess.run(
                [*command, "--inside", what], check=True, capture_output=True, text=True
            ).stdout
            found[what] = [float(number) for number in output.split()]
    finally:
        path.unlink()
        for name in ("result", "checkpoints"):
            shutil.rmtree(arguments.folder / name, ignore_errors=True)
    for what, (seconds, most, *sizes) in found.items():
        print(
            f"{what}: {seconds:.1f} s, {arguments.images / seconds:,.0f} images/s, peak memory "
            f"{most / 2**20:.0f} MiB",
            *(f"{size / 1e6:.0f} MB" for size in sizes),
            sep=", ",
        )
    print(f"ratio of the times: {found['whole'][0] / found['logits'][0]:.2f}")


if __name__ == "__main__":
    main()
