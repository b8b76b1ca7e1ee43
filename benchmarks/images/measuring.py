"""Draw the images of a kind, and classify them. A process can do this for each kind."""

from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

from benchmarks.images.classifiers import Local, classifier
from benchmarks.images.kinds import KINDS, generate
from benchmarks.images.sheets import sheet
from stepbox.data.builtin import load_dataset
from stepbox.data.dataset import Split


class Result(NamedTuple):
    """The result of one network on one kind: both accuracies, the time of each image, in ms."""

    accuracy: float
    unfitted: float
    milliseconds: float


class Task(NamedTuple):
    """What is measured: see the options of this program."""

    models: tuple[str, ...]
    images: int
    split: Split
    seed: int
    url: str | None
    sheet: Path | None


def measure(task: Task, kind: str) -> list[Result]:
    """Draw the images of a kind; classify them by each network of their data set."""
    samples = load_dataset(KINDS[kind].dataset, task.split)
    files = generate(kind, samples.samples, samples.labels, task.images, task.seed)
    results = []
    for name in task.models:
        network = classifier(name, task.url)
        if task.sheet and isinstance(network, Local) and not results:
            sheet(files, network.model).save(task.sheet / f"{kind}.png")
        correct, times = 0, []
        for file, label in files:
            began = perf_counter()
            correct += network.classify(file) == label
            times.append(1000 * (perf_counter() - began))
        unfitted = sum(network.classify(file, fit="none") == label for file, label in files)
        results.append(Result(correct / len(files), unfitted / len(files), median(times)))
    return results
