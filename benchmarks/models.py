"""Measure how the number of models affects the time of the first list and of loading a model.

    python -m benchmarks.models [--models 2000] [--runs 5]

Each time is CPU time in a new process. It is printed next to the time for 20 models.
"""

import argparse
import json
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np

from stepbox.data.builtin import MNIST
from stepbox.nn.network import Network
from stepbox.store.card import CardDraft
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.evaluation import assess
from stepbox.training.presets import RECIPES

FEW = 20
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


def first_list(folder: Path) -> list[float]:
    """Return the time of the first page in a new process, in seconds."""
    store = ModelStore(folder)
    began = process_time()
    store.page(100)
    return [process_time() - began]


def next_prediction(folder: Path) -> list[float]:
    """Return the seconds to load `latest` from the cache, and after a new model has appeared."""
    store = ModelStore(folder)
    model_id = store.load("latest")[0].id
    began = process_time()
    for _ in range(100):
        store.load("latest")
    kept = (process_time() - began) / 100
    number = int(model_id.removeprefix("m-"), 16) + 1
    copy_model(folder, model_id, number)
    began = process_time()
    found = store.load("latest")[0].id
    after = process_time() - began
    store.delete(found)
    return [kept, after]


def measure(task: Callable[[Path], list[float]], folder: Path, runs: int) -> list[float]:
    """Run a task several times, each in a new process; return the median of each figure."""
    context = multiprocessing.get_context("spawn")
    results = []
    for _ in range(runs):
        with context.Pool(1) as pool:
            results.append(pool.apply(task, (folder,)))
    return [median(values) for values in zip(*results, strict=True)]


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=2000, help="number of models")
    parser.add_argument("--runs", type=int, default=5, help="runs; the median is printed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        few, many = Path(name) / "few", Path(name) / "many"
        make_models(few, FEW)
        make_models(many, arguments.models)
        [baseline] = measure(first_list, few, arguments.runs)
        [whole] = measure(first_list, many, arguments.runs)
        kept_few, after_few = measure(next_prediction, few, arguments.runs)
        kept, after = measure(next_prediction, many, arguments.runs)
    print(f"{'':44}{FEW:>10,} models{arguments.models:>10,} models   ratio")
    for label, small, large in (
        ("first page of a new process, ms", baseline, whole),
        ("loading `latest` from the cache, ms", kept_few, kept),
        ("loading `latest` after a new model, ms", after_few, after),
    ):
        print(f"{label:44}{1000 * small:17.3f}{1000 * large:17.3f}   {large / small:5.1f}")


if __name__ == "__main__":
    main()
