"""Measure how the number of models affects startup, lists, and loading a model.

    python -m benchmarks.models [--models 2000] [--runs 5] [--bucket s3://BUCKET/PREFIX]

Each figure is the median of several new processes. It is printed next to that of 20 models. With
`--bucket`, the models are also copied to an empty prefix of a bucket, which the environment gives
access to, and are measured there.
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from math import nan
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter, process_time

import numpy as np

from stepbox.data.builtin import MNIST
from stepbox.nn.network import Network
from stepbox.store.bucket import BucketStore
from stepbox.store.card import CardDraft
from stepbox.store.folder import FolderStore
from stepbox.store.listed import ListedStore
from stepbox.store.local_cache import LocalCache
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.evaluation import assess
from stepbox.training.presets import RECIPES

FEW = 20
UPLOADS = 8  # at the same time
PATIENCE_S = 60.0
FIGURES = (
    "start: all models in order, ms",
    "start: CPU time of this, ms",
    "memory of a model in the list, KiB",
    "first page of 100 models, ms",
    "the same page again, ms",
    "loading a model by its id during the start, ms",
    "loading `latest` from the cache, CPU ms",
    "loading `latest` after a new model, CPU ms",
)
SCALES = (1000, 1000, 1, 1000, 1000, 1000, 1000, 1000)
START = datetime(2026, 1, 1, tzinfo=UTC)
RECIPE = RECIPES["mnist-numpy"]


def publish(store: ModelStore) -> str:
    """Publish an untrained network; return its id."""
    network = Network.initial(RECIPE.layer_specs(MNIST), RECIPE.seed)
    draft = CardDraft(
        id=new_model_id(),
        job="benchmark",
        recipe=RECIPE,
        dataset=MNIST,
        history=(),
        evaluation=assess(np.eye(10), np.arange(10)),
        device="cpu",
        created_at=START,
    )
    store.stage(draft.id, draft, network, network)
    store.publish(draft.id, draft.id)
    return draft.id


def copy_model(folder: Path, model_id: str, number: int) -> None:
    """Copy a model to a new id, ``number`` seconds newer. A final rename makes it visible."""
    copy = folder / f"m-{number:012x}"
    unfinished = folder / f".{copy.name}"
    shutil.copytree(folder / model_id, unfinished)
    card = json.loads((unfinished / "card.json").read_text())
    card |= {"id": copy.name, "created_at": (START + timedelta(seconds=number)).isoformat()}
    (unfinished / "card.json").write_text(json.dumps(card, indent=1))
    unfinished.rename(copy)


def make_models(folder: Path, count: int) -> None:
    """Fill a folder with ``count`` models."""
    first = publish(ModelStore(folder))
    for number in range(1, count):
        copy_model(folder, first, number)


def upload(folder: Path, url: str) -> None:
    """Copy the models of a folder to a prefix of a bucket, where there are none."""
    source, target = FolderStore(folder), BucketStore(url, LocalCache(folder, 1), PATIENCE_S)
    if target.names():
        raise SystemExit(f"{url} is not empty")
    keys = [entry.key for entry in source.entries()]
    with ThreadPoolExecutor(UPLOADS) as pool:
        list(pool.map(lambda key: target.put(key, source.get(key, sys.maxsize)), keys))


def open_store(place: str) -> ModelStore:
    """Open the models of a folder, or of a bucket as the API does."""
    if "://" not in place:
        return ModelStore(Path(place))
    bucket = ListedStore(
        place,
        LocalCache(Path("unused"), 1),
        PATIENCE_S,
        None,
        lambda name: None,
        lambda: bucket.refresh_all(),
    )
    return ModelStore(bucket)


def start(place: str) -> list[float]:
    """Measure what a new process needs for its first list.

    Returns
    -------
    list
        Seconds and CPU seconds until all models are in order, KiB of memory per model, seconds for
        the first page of 100 models, and for the same page again.
    """
    store = open_store(place)
    before, began, worked = memory(), perf_counter(), process_time()
    models = len(store.ids())
    figures = [perf_counter() - began, process_time() - worked, (memory() - before) / models]
    for _ in range(2):
        began = perf_counter()
        store.page(100)
        figures.append(perf_counter() - began)
    return figures


def prediction_meanwhile(place: str) -> list[float]:
    """Return the seconds to load a model by its id while another thread lists all models."""
    store = open_store(place)
    store.any()  # the bucket has been listed
    lister = Thread(target=store.ids)
    lister.start()
    began = perf_counter()
    store.load(f"m-{1:012x}")
    figures = [perf_counter() - began]
    lister.join()
    return figures


def next_prediction(place: str) -> list[float]:
    """Return the CPU seconds to load `latest` from the cache, and after a new model appeared."""
    folder, store = Path(place), ModelStore(Path(place))
    model_id = store.load("latest")[0].id
    began = process_time()
    for _ in range(100):
        store.load("latest")
    cached = (process_time() - began) / 100
    number = int(model_id.removeprefix("m-"), 16) + 1
    copy_model(folder, model_id, number)
    began = process_time()
    found = store.load("latest")[0].id
    after = process_time() - began
    store.delete(found)
    return [cached, after]


def memory() -> float:
    """Return the memory of this process in KiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024


def measure(task: Callable[[str], list[float]], place: str, runs: int) -> list[float]:
    """Run a task several times, each in a new process; return the median of each figure."""
    context = multiprocessing.get_context("spawn")
    results = []
    for _ in range(runs):
        with context.Pool(1) as pool:
            results.append(pool.apply(task, (place,)))
    return [median(values) for values in zip(*results, strict=True)]


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=2000, help="number of models")
    parser.add_argument("--runs", type=int, default=5, help="runs; the median is printed")
    parser.add_argument("--bucket", help="an empty prefix of a bucket, such as s3://BUCKET/PREFIX")
    arguments = parser.parse_args()
    counts, runs = (FEW, arguments.models), arguments.runs
    with tempfile.TemporaryDirectory() as name:
        places = [f"{name}/{count}" for count in counts]
        for place, count in zip(places, counts, strict=True):
            make_models(Path(place), count)
        columns = [
            measure(start, place, runs)
            + measure(prediction_meanwhile, place, runs)
            + measure(next_prediction, place, runs)
            for place in places
        ]
        if arguments.bucket:
            upload(Path(places[-1]), arguments.bucket)
            columns.append(
                measure(start, arguments.bucket, runs)
                + measure(prediction_meanwhile, arguments.bucket, runs)
                + [nan, nan]  # these change the folder
            )
    print(f"{'':52}{FEW:>9,} models{arguments.models:>9,} models   in a bucket")
    for label, scale, *values in zip(FIGURES, SCALES, *columns, strict=True):
        print(f"{label:52}" + "".join(f"{scale * value:16.3f}" for value in values))


if __name__ == "__main__":
    main()
