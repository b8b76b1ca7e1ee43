"""Print what the analysis costs: against n, and at its limits.

    python -m benchmarks.analysis

Each line gives the best of a few runs, and its ratio to the line above it: ten times the boxes
should cost about ten times the time, ten times the logits a hundred times.
"""

import tracemalloc
from collections.abc import Callable, Iterable
from time import perf_counter

import numpy as np

from stepbox.analysis.boxes.approximation import approximate_function
from stepbox.analysis.boxes.error import approximate
from stepbox.analysis.regression.answer import analyse_regression
from stepbox.analysis.regression.solutions import LossName
from stepbox.analysis.softmax import (
    analyse_softmax,
    complex_step_jacobian,
    softmax_jacobian,
)

RNG = np.random.default_rng(0)


def seconds(run: Callable[[], object], repeats: int = 5) -> float:
    """Time the fastest of some runs."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    return min(times)


def megabytes(run: Callable[[], object]) -> float:
    """Measure the most memory that a run holds at once, apart from what was there before."""
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
        "n boxes built, and their network run at a million random points: n + m log n",
        [(f"{n:,} boxes", lambda n=n: approximate(np.sin, 3.0, n).on_grid(points)) for n in boxes],
        repeats=3,
    )
    most = megabytes(lambda: approximate(np.sin, 3.0, boxes[-1]).on_grid(points))
    print(f"  a million boxes at a million points hold {most:.0f} MB")
    show(
        "the whole answer for sin(3*x) by n boxes, with error, rate and curve",
        [
            (f"{n:,} boxes", lambda n=n: approximate_function("sin(3*x)", 3.0, boxes=n))
            for n in boxes
        ],
        repeats=3,
    )
    show(
        "the fewest boxes for a tolerance",
        [
            (f"{t:g}", lambda t=t: approximate_function("sin(3*x)", 3.0, tolerance=t))
            for t in (0.1, 0.01, 0.001, 0.0001, 0.00001)
        ],
        repeats=1,
    )
    for name, function in (
        ("the softmax's Jacobian", softmax_jacobian),
        ("the same by a complex step", complex_step_jacobian),
        ("both, compared: the whole answer", analyse_softmax),
    ):
        show(
            name,
            [
                (f"{n:,} logits", lambda n=n, f=function: f(RNG.normal(size=n)))
                for n in (10, 100, 1000)
            ],
        )
    shapes = ((1_000_000, 1), (100_000, 10), (3_000, 333), (1_000, 1_000), (10, 100_000))
    for loss in ("l2", "l1"):
        show(f"a million numbers by {loss}", [regression(*shape, loss) for shape in shapes], 1)


def regression(points: int, features: int, loss: LossName) -> tuple[str, Callable[[], object]]:
    """Make a regression of random points, with a few far ones."""
    X = RNG.normal(size=(points, features))
    y = X.sum(axis=1) + RNG.standard_t(2, points)
    return f"{points:,} × {features:,}", lambda: analyse_regression(X, y, loss)


if __name__ == "__main__":
    main()
