"""Print how fast the engines are: one table of ratios, and what the time goes with.

    python -m benchmarks [--runs 5] [--url http://127.0.0.1:8000]

Everything runs with one thread, in alternating runs, and is measured in seconds of processor time:
on a busy machine compare the ratios, not the seconds. With the address of a running Stepbox a whole
job is timed too.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

import numpy as np

from benchmarks.contender import Contender, Run, Task, alternate
from benchmarks.tasks import prepare_baseline, prepare_epoch, prepare_product
from stepbox.recipes import RECIPES

SAMPLES = 60_000
MIB = 2**20
BASELINE_SAMPLES = 6_000  # of the slow ones; their times are scaled up

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# With what malloc begins: blocks of 128 KiB and more go back to the system when they are freed, and
# are fetched and cleared anew at the next step. Once a process has freed a larger block malloc
# keeps them, and a step with new arrays is three times as fast. Both happen; both are shown.
MEMORY_RETURNED = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
MEMORY_KEPT = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**26)}


def contender(prepare: Callable[..., Task], *arguments: object, **environment: str) -> Contender:
    """Start a contender with one thread."""
    return Contender(partial(prepare, *arguments), ONE_THREAD | environment)


def seconds(runs: list[Run], scale: float = 1) -> list[float]:
    """Return the times of some runs."""
    return [run.seconds * scale for run in runs]


def spread(values: list[float], form: str) -> str:
    """Write the median of some values with their range."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def show_ratios(runs: int) -> None:
    """Print each engine beside the source's way."""
    print("\none epoch of 60,000 samples: median (min to max) of alternating runs")
    print(f"{'':54}{'the source, s':26}{'ours, s':26}{'ratio':22}samples/s  peak memory")
    for name, label, environment in (
        ("mnist-numpy", "mnist-numpy | memory returned at each step", MEMORY_RETURNED),
        ("mnist-numpy", "mnist-numpy | memory kept", MEMORY_KEPT),
        ("fashion-mnist-torch", "fashion-mnist-torch", {}),
    ):
        recipe = RECIPES[name]
        theirs, ours = alternate(
            [
                contender(prepare_baseline, recipe, BASELINE_SAMPLES, **environment),
                contender(prepare_epoch, recipe, SAMPLES, **environment),
            ],
            runs,
        )
        their_seconds = seconds(theirs, SAMPLES / BASELINE_SAMPLES)
        ratios = [a / b for a, b in zip(their_seconds, seconds(ours), strict=True)]
        print(
            f"{label:54}{spread(their_seconds, '.2f'):26}{spread(seconds(ours), '.3f'):26}"
            f"{spread(ratios, '.1f'):22}{SAMPLES / median(seconds(ours)):9,.0f}"
            f"  {ours[0].peak_memory / MIB:4.0f} MiB, {ours[-1].peak_memory / MIB:.0f} at the end"
        )


def show_growth(runs: int) -> None:
    """Print how an epoch's time grows with width, depth, samples and batch size."""
    base = {"hidden_sizes": (32, 32)}
    small = 6_000
    for name in ("mnist-numpy", "fashion-mnist-torch"):
        cases = [
            *((f"hidden {n}", {"hidden_sizes": (n,)}, small) for n in (32, 128, 512)),
            *((f"{n} layers of 32", {"hidden_sizes": (32,) * n}, small) for n in (0, 1, 2, 4, 8)),
            *((f"{n:,} samples", base, n) for n in (6_000, 30_000, 60_000)),
            *((f"batches of {n}", base | {"batch_size": n}, small) for n in (1, 16, 256)),
        ]
        results = alternate(
            [
                contender(prepare_epoch, RECIPES[name].model_copy(update=change), samples)
                for _, change, samples in cases
            ],
            runs,
        )
        print(f"\n{name}, changed: µs a sample, median (min to max)")
        for (label, _, samples), result in zip(cases, results, strict=True):
            print(f"  {label:18}{spread(seconds(result, 1e6 / samples), '.2f')}")


def show_peak_share(runs: int) -> None:
    """Print which share of the machine's matrix-product peak the trainings reach."""
    print("\nshare of a large matrix product's speed (one thread; 6 operations a weight)")
    for name, dtype in (("mnist-numpy", "float64"), ("fashion-mnist-torch", "float32")):
        recipe = RECIPES[name]
        product, ours = alternate(
            [contender(prepare_product, dtype), contender(prepare_epoch, recipe, SAMPLES)], runs
        )
        weights = sum(n_in * n_out for n_in, n_out in pairwise(recipe.layer_sizes))
        peak = 2 * 2048**3 / median(seconds(product))
        reached = 6 * weights * SAMPLES / median(seconds(ours))
        print(f"  {name:20}{reached / 1e9:6.1f} of {peak / 1e9:.1f} GFLOP/s: {reached / peak:.0%}")


def show_job(url: str, runs: int) -> None:
    """Print the time of a whole job, from POST to succeeded, and its parts."""
    whole, queued, training = [], [], []
    for _ in range(runs):
        started = time.perf_counter()
        body = json.dumps({"recipe": "mnist-numpy"}).encode()
        request = Request(f"{url}/train", body, {"Content-Type": "application/json"})
        with urlopen(request) as answer:
            job = json.load(answer)
        while job["status"] in ("queued", "running"):
            time.sleep(0.02)
            with urlopen(f"{url}/jobs/{job['id']}") as answer:
                job = json.load(answer)
        if job["status"] != "succeeded":
            raise SystemExit(f"job {job['id']} ended as {job['status']}: {job['error']}")
        whole.append(time.perf_counter() - started)
        created, begun = (
            datetime.fromisoformat(job[name]) for name in ("created_at", "started_at")
        )
        queued.append((begun - created).total_seconds())
        training.append(sum(epoch["seconds"] for epoch in job["history"]))
    rest = [w - q - t for w, q, t in zip(whole, queued, training, strict=True)]
    print("\nmnist-numpy from POST to succeeded, s: median (min to max)")
    for label, values in (
        ("whole", whole),
        ("queue", queued),
        ("training", training),
        ("start, data, evaluation, publishing", rest),
    ):
        print(f"  {label:38}{spread(values, '.2f')}")


def machine() -> str:
    """Name the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="of each, alternating (default: 5)")
    parser.add_argument("--url", help="of a running Stepbox, to time a whole job too")
    arguments = parser.parse_args()
    print(f"{machine()}, Python {platform.python_version()}, NumPy {np.__version__}")
    show_ratios(arguments.runs)
    show_growth(arguments.runs)
    show_peak_share(arguments.runs)
    if arguments.url:
        show_job(arguments.url, arguments.runs)


if __name__ == "__main__":
    main()
