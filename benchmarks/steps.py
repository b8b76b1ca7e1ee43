"""Measure what it costs to keep the steps of a training, and to open them again.

    python -m benchmarks.steps

Keeping is measured in two ways: by the time that the recorder takes in a training, and in pairs of
a training with its record and the same one without, which take turns to be the first. On a busy
machine, the times of a pair differ by more than the recorder takes. Opening a step is compared with
the whole training.
"""

import statistics
import time

import numpy as np
from numpy.typing import NDArray

from stepbox.data.builtin import load_dataset
from stepbox.nn.activations import Array
from stepbox.store.steps import encode_steps
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES
from stepbox.training.replay import Replay
from stepbox.training.step_record import Arrays, Recorder
from stepbox.training.trace import trace_step
from stepbox.training.trainer import Trainer

RECIPE = RECIPES["mnist-numpy"]
PAIRS = 15
OPENED = 12  # steps, drawn at random


class TimedRecorder(Recorder):
    """Measures its own time, in seconds."""

    seconds = 0.0

    def keep_parameters(self, step: int, parameters: Arrays) -> None:
        """Keep a copy of the parameters before a step."""
        started = time.perf_counter()
        super().keep_parameters(step, parameters)
        self.seconds += time.perf_counter() - started

    def keep_losses(self, losses: Array, wrong: NDArray[np.bool_]) -> None:
        """Keep what `Trainer.train_samples` returned for the next steps."""
        started = time.perf_counter()
        super().keep_losses(losses, wrong)
        self.seconds += time.perf_counter() - started


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
    ratios, shares, times = [], [], []
    for pair in range(PAIRS):
        kept, without = (make_trainer(RECIPE, train_set) for _ in range(2))
        recorder = TimedRecorder.of(kept, kept.parameters())
        assert recorder is not None
        kept.recorder, without.recorder = recorder, None
        in_turn = [kept, without] if pair % 2 else [without, kept]
        took = {trainer: seconds(trainer) for trainer in in_turn}
        ratios.append(took[kept] / took[without])
        shares.append(recorder.seconds / took[kept])
        times.append(took[without])
    trained = statistics.median(times)
    print(f"the recorder's share of a training: median {100 * statistics.median(shares):.2f} %")
    print(f"training with its record / without: {statistics.median(ratios):.3f}, {PAIRS} pairs")
    started = time.perf_counter()
    record = recorder.record()
    data, _ = encode_steps(record)
    encoding = time.perf_counter() - started
    print(
        f"its file: {len(data) / 1e6:.1f} MB, encoded in {encoding / trained:.3f} of the training"
    )
    replay = Replay(RECIPE, train_set, record, kept.network())
    first = list[float]()
    near = list[float]()
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
