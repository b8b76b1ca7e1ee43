"""Compare two ways to run training steps on CUDA: as a graph, and operation by operation.

    python -m benchmarks.cuda [--runs 5]

Each way trains one epoch of 60,000 samples on the visible device. The runs alternate in one
process, and are measured in wall-clock time.
"""

import argparse
import time
from statistics import median

import torch

from benchmarks.tasks import first_samples
from stepbox.training.presets import RECIPES
from stepbox.training.torch_trainer import TorchTrainer, make_torch_trainer

SAMPLES = 60_000
DENSE = ["fashion-mnist-torch", "fashion-mnist-torch-best"]
CONVOLUTIONS = ["mnist-torch-convolution", "fashion-mnist-torch-convolution"]
WIDTHS = [(), (32, 32), (256, 128, 64), (1024,) * 4]


def epoch_seconds(trainer: TorchTrainer) -> float:
    """Return the time of one epoch, including all work of the device."""
    begun = time.perf_counter()
    for _ in trainer.train_epoch():
        pass
    return time.perf_counter() - begun


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each way (default: 5)")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("no CUDA device is visible")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; seconds per epoch: median")
    print(f"{'':46}  single    graph  ratio (min to max)      samples/s")
    recipes = {
        f"{name} {width}": RECIPES[name].changed(hidden_sizes=width)
        for name in DENSE
        for width in WIDTHS
    } | {name: RECIPES[name] for name in CONVOLUTIONS}
    for name, recipe in recipes.items():
        data = first_samples(recipe, SAMPLES)
        single, graph = (make_torch_trainer(recipe, data) for _ in range(2))
        single._captured = single._descend  # launches the operations one by one
        runs = [(epoch_seconds(single), epoch_seconds(graph)) for _ in range(arguments.runs + 1)]
        before, after = zip(*runs[1:], strict=True)  # the first run is a warm-up
        ratios = [a / b for a, b in runs[1:]]
        print(
            f"{name:46}{median(before):8.3f}{median(after):9.3f}"
            f"{median(ratios):7.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            f"{SAMPLES / median(after):13,.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
