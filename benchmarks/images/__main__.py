"""Measure how well networks classify the photographs and drawings that people send.

    python -m benchmarks.images [--images 100] [--split test] [--seed 0] [--kinds desk,chalk]
        [--models mnist-numpy-best] [--url http://127.0.0.1:8000] [--sheet FOLDER]

For each kind of images, it prints the accuracy of each network with the default parameters of
/predict, and with `fit=none`. The exit status is 1 if a network misses a goal with the default
parameters. Choose the preparation of images by training images, and report on test images.
"""

import argparse
import multiprocessing
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.images.classifiers import classifier
from benchmarks.images.kinds import GOALS, KINDS
from benchmarks.images.measuring import Result, Task, measure
from stepbox.training.presets import RECIPES

MODELS = "mnist-numpy,mnist-numpy-best,fashion-mnist-torch"


def show(task: Task, kinds: Sequence[str], rows: Iterable[list[Result]]) -> bool:
    """Print the table of the kinds of one data set; return whether all goals are met."""
    met = True
    networks = [classifier(name, task.url) for name in task.models]
    columns = ("{0}", "{0}, fit=none", "{0}, ms")
    titles = ["kind", "group", "goal", *(c.format(name) for name in task.models for c in columns)]
    print(f"\n| {' | '.join(titles)} |\n|{' --- |' * len(titles)}")
    for kind, results in zip(kinds, rows, strict=True):
        goal = GOALS[KINDS[kind].group]
        goals = [goal.of(network.accuracy) for network in networks]
        cells = [kind, KINDS[kind].group, " / ".join(f"{one:.1%}" for one in goals)]
        for one, least in zip(results, goals, strict=True):
            missed = one.accuracy < least
            met &= not missed
            cells += [f"**{one.accuracy:.1%}** missed" if missed else f"{one.accuracy:.1%}"]
            cells += [f"{one.unfitted:.1%}", f"{one.milliseconds:.1f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    return met


def main() -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=100, help="images of each kind")
    parser.add_argument("--split", choices=("test", "train"), default="test")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS), help="kinds, separated by commas")
    parser.add_argument("--models", default=MODELS, help="recipes, or the models of the service")
    parser.add_argument("--url", help="address of a running Stepbox")
    parser.add_argument("--sheet", type=Path, help="folder for a sheet of each kind's images")
    arguments = parser.parse_args()
    kinds, models = arguments.kinds.split(","), arguments.models.split(",")
    if unknown := set(kinds) - KINDS.keys():
        parser.error(f"no kind is called {', '.join(sorted(unknown))}")
    if not arguments.url and (unknown := set(models) - RECIPES.keys()):
        parser.error(f"no recipe is called {', '.join(sorted(unknown))}")
    if arguments.sheet:
        arguments.sheet.mkdir(parents=True, exist_ok=True)
    datasets = {name: classifier(name, arguments.url).dataset for name in models}
    met = True
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as processes:
        for dataset in dict.fromkeys(datasets.values()):
            task = Task(
                tuple(name for name in models if datasets[name] == dataset),
                arguments.images,
                arguments.split,
                arguments.seed,
                arguments.url,
                arguments.sheet,
            )
            those = [kind for kind in kinds if KINDS[kind].dataset == dataset]
            if those:
                met &= show(task, those, processes.map(partial(measure, task), those))
    raise SystemExit(not met)


if __name__ == "__main__":
    main()
