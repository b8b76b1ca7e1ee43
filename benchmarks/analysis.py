"""Measure how the time of the analyses grows with the size of their input, up to the limits.

    python -m benchmarks.analysis

Each line shows the fastest of a few runs, and its ratio to the line above. Ten times as many boxes
should take at most about ten times as long, ten times as many logits at most about a hundred times.
"""

import tracemalloc
from collections.abc import Callable, Iterable
from time import perf_counter

import numpy as np

from stepbox.analysis.boxes.approximation import approximate_function
from stepbox.analysis.boxes.error import approximate
from stepbox.analysis.regression.answer import analyse_regression
from stepbox.analysis.regression.linear_fit import LossName
from stepbox.analysis.softmax import (
    analyse_softmax,
    complex_step_jacobian,
    softmax_jacobian,
)

RNG = np.random.default_rng(0)
POWERS = np.vander(np.linspace(0, 1, 400), 50)


def seconds(run: Callable[[], object], repeats: int = 5) -> float:
    """Return the time of the fastest run."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times)


def megabytes(run: Callable[[], object]) -> float:
    """Return the peak memory that a run allocates, in megabytes."""
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def show(title: str, runs: Iterable[tuple[str, Callable[[], object]]], repeats: int = 5) -> None:
    """Print a table of times and of their ratios."""
    print(f"\n{title}")
    before = None
    for name, run in runs:
        time = seconds(run, repeats)
        ratio = f"  ×{time / before:.1f}" if before else ""
        print(f"  {name:>24}  {1000 * time:10.2f} ms{ratio}")
        before = time


def main() -> None:
    """Print all tables."""
    points = RNG.uniform(-3, 3, 1_000_000)
    boxes = [10**k for k in range(1, 7)]
    show(
        "build n boxes, and run their network at m = a million random points: O(n + m log n)",
        [(f"{n:,} boxes", lambda n=n: approximate(np.sin, 3.0, n).on_grid(points)) for n in boxes],
        repeats=3,
    )
    most = megabytes(lambda: approximate(np.sin, 3.0, boxes[-1]).on_grid(points))
    print(f"  peak memory of a million boxes at a million points: {most:.0f} MB")
    show(
        "the whole analysis of sin(3*x) with n boxes, including error, rate and curve",
        [
            (f"{n:,} boxes", lambda n=n: approximate_function("sin(3*x)", 3.0, boxes=n))
            for n in boxes
        ],
        repeats=3,
    )
    show(
        "find the smallest number of boxes for a tolerance",
        [
            (f"{t:g}", lambda t=t: approximate_function("sin(3*x)", 3.0, tolerance=t))
            for t in (0.1, 0.01, 0.001, 0.0001, 0.00001)
        ],
        repeats=1,
    )
    show(
        "the same with free widths, the proof, and 16 rows with free and trained steps",
        [
            (
                f"{t:g}",
                lambda t=t: approximate_function("sin(3*x)", 3.0, tolerance=t, widths="free"),
            )
            for t in (0.1, 0.01, 0.001)
        ],
        repeats=1,
    )
    for name, function in (
        ("Jacobian of the softmax, by formula", softmax_jacobian),
        ("Jacobian of the softmax, by complex step", complex_step_jacobian),
        ("the whole analysis, which compares both", analyse_softmax),
    ):
        show(
            name,
            [
                (f"{n:,} logits", lambda n=n, f=function: f(RNG.normal(size=n)))
                for n in (10, 100, 1000)
            ],
        )
    exact = ((20_000, 1), (2_000, 10), (1_000, 20), (400, 50), (50, 400))
    for loss in ("l2", "l1"):
        title = f"{loss} regression in fractions, at the limit (points × features)"
        show(title, [regression(*shape, loss) for shape in exact], 1)
    show(
        "l1 regression in fractions: a polynomial of degree 49, whose columns are nearly dependent",
        [("400 × 50", lambda: analyse_regression(POWERS, np.sin(9 * POWERS[:, -2]), "l1"))],
        1,
    )
    shapes = ((1_000_000, 1), (100_000, 10), (3_000, 333), (1_000, 1_000), (10, 100_000))
    for loss in ("l2", "l1"):
        title = f"{loss} regression of a million numbers (points × features)"
        show(title, [regression(*shape, loss) for shape in shapes], 1)


def regression(points: int, features: int, loss: LossName) -> tuple[str, Callable[[], object]]:
    """Prepare a regression of random points with a few outliers."""
    X = RNG.normal(size=(points, features))
    y = X.sum(axis=1) + RNG.standard_t(2, points)
    return f"{points:,} × {features:,}", lambda: analyse_regression(X, y, loss)


if __name__ == "__main__":
    main()
