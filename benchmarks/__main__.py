"""Measure the speed of the engines, and compare it with the source (the original coursework).

    python -m benchmarks [--runs 5] [--quick] [--url http://127.0.0.1:8000]

The tasks run in turns, in one thread, and are measured in CPU time. On a busy machine, compare the
ratios, not the seconds. Only the time of a whole job is wall-clock time. The job runs on the
Stepbox at the given URL, or on one that this program starts.
"""

import argparse
import os
import platform
from collections.abc import Callable
from functools import partial
from statistics import median

import numpy as np

from benchmarks.contender import Contender, Run, Task, alternate
from benchmarks.installation import run_stepbox
from benchmarks.job import PARTS, job_parts
from benchmarks.tasks import (
    prepare_baseline,
    prepare_convolution_baseline,
    prepare_epoch,
    prepare_product,
)
from stepbox.data.builtin import DATASETS
from stepbox.training.computer import processor_name
from stepbox.training.presets import RECIPES

SAMPLES = 60_000
MIB = 2**20
BASELINE_SHARE = 10  # the slow baselines train on a tenth of the samples; times are scaled up
QUICK_SHARE = 10  # with --quick, everything trains on a tenth of the samples

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# At first, malloc returns freed blocks of over 128 KiB to the system, which has to clear the memory
# again for the next step. Freeing a larger block raises this limit to its size, so malloc keeps the
# next block of that size, and a step with new arrays is three times as fast. Both states occur in
# practice, so both are measured.
MEMORY_RETURNED = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
MEMORY_KEPT = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**26)}


def contender(prepare: Callable[..., Task], *arguments: object, **environment: str) -> Contender:
    """Start a contender that uses one thread."""
    return Contender(partial(prepare, *arguments), ONE_THREAD | environment)


def seconds(runs: list[Run], scale: float = 1) -> list[float]:
    """Return the times of the runs, multiplied by ``scale``."""
    return [run.seconds * scale for run in runs]


def spread(values: list[float], form: str) -> str:
    """Format the median of the values and their range."""
    return f"{median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def show_ratios(runs: int, samples: int) -> None:
    """Print the time of each engine next to that of the source."""
    print(f"\none epoch of {samples:,} samples: median (min to max) of alternating runs")
    print(f"{'':54}{'the source, s':26}{'Stepbox, s':26}{'ratio':22}samples/s  peak memory")
    for name, label, environment in (
        ("mnist-numpy", "mnist-numpy | memory returned at each step", MEMORY_RETURNED),
        ("mnist-numpy", "mnist-numpy | memory kept", MEMORY_KEPT),
        ("fashion-mnist-torch", "fashion-mnist-torch", {}),
    ):
        recipe = RECIPES[name]
        theirs, ours = alternate(
            [
                contender(prepare_baseline, recipe, samples // BASELINE_SHARE, **environment),
                contender(prepare_epoch, recipe, samples, **environment),
            ],
            runs,
        )
        their_seconds = seconds(theirs, BASELINE_SHARE)
        ratios = [a / b for a, b in zip(their_seconds, seconds(ours), strict=True)]
        print(
            f"{label:54}{spread(their_seconds, '.2f'):26}{spread(seconds(ours), '.3f'):26}"
            f"{spread(ratios, '.1f'):22}{samples / median(seconds(ours)):9,.0f}"
            f"  {ours[0].peak_memory / MIB:4.0f} MiB, {ours[-1].peak_memory / MIB:.0f} at the end"
        )


def show_convolutions(runs: int, samples: int) -> None:
    """Print the time of two convolutional networks next to that of the baselines."""
    samples //= BASELINE_SHARE
    print("\nconvolutions, one sample at a time: µs per sample, median (min to max)")
    print(f"{'channels':10}{'Stepbox':26}{'NumPy with im2col':28}{'ratio':22}{'torch':28}ratio")
    for channels in ((8, 16), (16, 32)):
        hidden = [
            layer
            for number in channels
            for layer in (
                {"type": "convolution", "channels": number, "kernel": 5},
                {"type": "max-pool", "size": 2},
            )
        ]
        recipe = RECIPES["mnist-numpy-convolution"].changed(
            layers=hidden, augmentation="none", learning_rate=0.005
        )
        ours, *others = alternate(
            [
                contender(prepare_epoch, recipe, samples),
                *(
                    contender(prepare_convolution_baseline, recipe, samples, kind, **MEMORY_KEPT)
                    for kind in ("im2col", "torch")
                ),
            ],
            runs,
        )
        mine = seconds(ours, 1e6 / samples)
        line = f"{channels[0]}, {channels[1]:<6}{spread(mine, '.0f'):26}"
        for other in others:
            theirs = seconds(other, 1e6 / samples)
            ratios = [a / b for a, b in zip(theirs, mine, strict=True)]
            line += f"{spread(theirs, '.0f'):28}{spread(ratios, '.1f'):22}"
        print(line.rstrip())


def show_growth(runs: int, samples: int) -> None:
    """Print how the time per sample depends on width, depth, samples and batch size."""
    base = {"hidden_sizes": (32, 32)}
    small = samples // 10
    for name in ("mnist-numpy", "fashion-mnist-torch"):
        cases = [
            *((f"hidden {n}", {"hidden_sizes": (n,)}, small) for n in (32, 128, 512)),
            *((f"{n} layers of 32", {"hidden_sizes": (32,) * n}, small) for n in (0, 1, 2, 4, 8)),
            *((f"{n:,} samples", base, n) for n in (small, samples // 2, samples)),
            *((f"batches of {n}", base | {"batch_size": n}, small) for n in (1, 16, 256)),
        ]
        results = alternate(
            [
                contender(prepare_epoch, RECIPES[name].model_copy(update=change), count)
                for _, change, count in cases
            ],
            runs,
        )
        print(f"\n{name} with one change: µs per sample, median (min to max)")
        for (label, _, count), result in zip(cases, results, strict=True):
            print(f"  {label:18}{spread(seconds(result, 1e6 / count), '.2f')}")


def show_peak_share(runs: int, samples: int) -> None:
    """Print the speed of each training as a share of the speed of a large matrix product."""
    print(
        "\nspeed as a share of that of a large matrix product (one thread; each parameter counts "
        "as 6 operations, even for black pixels, which the NumPy engine skips)"
    )
    for name, dtype in (("mnist-numpy", "float64"), ("fashion-mnist-torch", "float32")):
        recipe = RECIPES[name]
        product, ours = alternate(
            [contender(prepare_product, dtype), contender(prepare_epoch, recipe, samples)], runs
        )
        weights = sum(spec.products for spec in recipe.layer_specs(DATASETS[recipe.dataset]))
        peak = 2 * 2048**3 / median(seconds(product))
        reached = 6 * weights * samples / median(seconds(ours))
        print(f"  {name:20}{reached / 1e9:6.1f} of {peak / 1e9:.1f} GFLOP/s: {reached / peak:.0%}")


def show_job(url: str, runs: int) -> None:
    """Print the time of a whole job, from POST to succeeded, and its parts."""
    job_parts(url, recipe="mnist-numpy", epochs=1)  # warms up a new worker
    jobs = [job_parts(url, recipe="mnist-numpy") for _ in range(runs)]
    print("\nmnist-numpy from POST to succeeded, s: median (min to max)")
    for part in PARTS:
        print(f"  {part:18}{spread([job[part] for job in jobs], '.2f')}")
    rest = [job["whole"] - job["training"] for job in jobs]
    print(f"  {'all but training':18}{spread(rest, '.2f')}")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each task (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one run, on a tenth of the samples")
    parser.add_argument("--url", help="address of a running Stepbox, for the time of a whole job")
    arguments = parser.parse_args()
    runs, samples = (1, SAMPLES // QUICK_SHARE) if arguments.quick else (arguments.runs, SAMPLES)
    print(
        f"{processor_name()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )
    show_ratios(runs, samples)
    show_convolutions(runs, samples)
    show_growth(runs, samples)
    show_peak_share(runs, samples)
    if arguments.url:
        show_job(arguments.url, runs)
    else:
        with run_stepbox() as stepbox:
            show_job(stepbox.url, runs)


if __name__ == "__main__":
    main()
