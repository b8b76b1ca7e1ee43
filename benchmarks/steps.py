"""Measure what it costs to keep the steps of a training, and to open them again.

    python -m benchmarks.steps

Keeping is measured in pairs: a training with its record, and the same one without. Opening a step
is compared with the whole training.
"""

import statistics
import time

import numpy as np

from stepbox.data.builtin import load_dataset
from stepbox.store.steps import encode_steps
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES
from stepbox.training.replay import Replay
from stepbox.training.trace import trace_step
from stepbox.training.trainer import Trainer

RECIPE = RECIPES["mnist-numpy"]
PAIRS = 9
OPENED = 12  # steps, drawn at random


def seconds(trainer: Trainer) -> float:
    """Train to the end; return the time in seconds, without any evaluation."""
    started = time.perf_counter()
    while trainer.epochs_done < trainer.recipe.epochs:
        for _ in trainer.train_epoch():
            pass
    return time.perf_counter() - started


def main() -> None:
    """Print the ratios."""
    train_set = load_dataset(RECIPE.dataset, "train")
    seconds(make_trainer(RECIPE, train_set))  # compiles the loops
    ratios, trained = [], 0.0
    for _ in range(PAIRS):
        kept, without = (make_trainer(RECIPE, train_set) for _ in range(2))
        without.recorder = None
        trained = seconds(without)
        ratios.append(seconds(kept) / trained)
    assert kept.recorder is not None
    print(f"training with its record / without: {statistics.median(ratios):.3f}, {PAIRS} pairs")
    started = time.perf_counter()
    record = kept.recorder.record()
    data, _ = encode_steps(record)
    encoding = time.perf_counter() - started
    print(
        f"its file: {len(data) / 1e6:.1f} MB, encoded in {encoding / trained:.3f} of the training"
    )
    replay = Replay(RECIPE, train_set, record, kept.network())
    first, near = [], []
    for step in np.random.default_rng(1).integers(2, record.steps, OPENED).tolist():
        for chosen, times in ((step, first), (step + 1, near), (step - 1, near)):
            started = time.perf_counter()
            trace_step(replay, chosen)
            times.append(time.perf_counter() - started)
    for what, times in (("a step", first), ("a step next to it", near)):
        median, most = statistics.median(times), max(times)
        print(
            f"opening {what}: median {1e3 * median:.0f} ms, at most {1e3 * most:.0f} ms, ", end=""
        )
        print(f"{median / trained:.3f} of the training")


if __name__ == "__main__":
    main()
