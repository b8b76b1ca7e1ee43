"""Train recipes and print their results next to those of the source (the original coursework).

    python -m benchmarks.reproduce [recipe ...] [--seeds 3]

Without arguments, it trains the source's recipes and `mnist-numpy`, in some minutes. The data sets
are read from `data/`, or from STEPBOX_DATA_DIR if that is set.
"""

import argparse
from statistics import mean

from stepbox.analysis.inspection import published_curves
from stepbox.run import train
from stepbox.training.presets import RECIPES
from stepbox.training.recipe import RecipeName
from stepbox.training.report import HistoryEntry

SOURCE: tuple[RecipeName, ...] = ("mnist-numpy-published", "mnist-numpy", "fashion-mnist-torch")
SHOWN_EPOCHS = (1, 2, 3, 5, 10, 20, 30, 40, 50, 60)
PUBLISHED = published_curves()


def spread(values: list[float], decimals: int) -> str:
    """Format the mean of several runs and their range."""
    low, middle, high = (
        f"{value:.{decimals}f}" for value in (min(values), mean(values), max(values))
    )
    return f"{middle} ({low} to {high})"


def show_numpy(name: RecipeName) -> None:
    """Print the correct predictions and the loss of each epoch, next to the published ones."""
    print(f"\n{name}, seed {RECIPES[name].seed}: correct of 10,000, mean test loss, seconds")
    published = PUBLISHED.get(name, {"history": []})["history"]
    for number, ours in enumerate(train(name).history):
        line = (
            f"  epoch {ours.epoch}: {ours.test_accuracy * 10_000:5.0f}  {ours.test_loss:.3f}"
            f"  {ours.seconds:5.1f} s"
        )
        if number < len(published):
            theirs = published[number]
            line += (
                f"   published: {theirs['test_accuracy'] * 10_000:5.0f}  {theirs['test_loss']:.2f}"
            )
        print(line)


def over_seeds(name: RecipeName, seeds: int) -> list[list[HistoryEntry]]:
    """Train with each seed from 0 on; return the epochs of each run, without epoch 0."""
    return [list(train(name, seed=seed).history[1:]) for seed in range(seeds)]


def show_accuracy(name: RecipeName, seeds: int) -> None:
    """Print the figures of the last epoch of each run, and the training time."""
    runs = over_seeds(name, seeds)
    print(f"\n{name}, {seeds} seeds from 0: mean (range) after the last epoch")
    print(f"  test accuracy  {spread([100 * run[-1].test_accuracy for run in runs], 2)} %")
    print(f"  each run       {', '.join(f'{run[-1].test_accuracy:.2%}' for run in runs)}")
    print(f"  test loss      {spread([run[-1].test_loss for run in runs], 4)} nats")
    print(f"  train loss     {spread([run[-1].train_loss or 0 for run in runs], 4)} nats")
    print(f"  training time  {spread([sum(epoch.seconds for epoch in run) for run in runs], 0)} s")


def show_torch(name: RecipeName, seeds: int) -> None:
    """Print the loss curves and the accuracies over several seeds."""
    runs = over_seeds(name, seeds)
    published = PUBLISHED[name]
    print(f"\n{name}, {seeds} seeds from 0: mean (range) | published")
    print(f"  epoch  {'train loss':32}test loss")
    for epoch in SHOWN_EPOCHS:
        ours = [run[epoch - 1] for run in runs]
        theirs = published["history"][epoch - 1]
        print(
            f"  {epoch:5}  {spread([o.train_loss for o in ours], 3)} | {theirs['train_loss']:.3f}"
            f"    {spread([o.test_loss for o in ours], 3)} | {theirs['test_loss']:.3f}"
        )
    averages = [100 * mean(epoch.test_accuracy for epoch in run) for run in runs]
    last = [100 * run[-1].test_accuracy for run in runs]
    print(
        "  test accuracy averaged over all epochs, as the source does: "
        f"{spread(averages, 2)} % | {100 * published['mean_test_accuracy']:.2f} %"
    )
    print(f"  test accuracy of the last epoch alone: {spread(last, 2)} %")
    print(
        f"  training: {spread([sum(e.seconds for e in run) / len(run) for run in runs], 2)} s/epoch"
    )


def main() -> None:
    """Train the recipes that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", metavar="recipe", help=", ".join(RECIPES))
    parser.add_argument(
        "--seeds", type=int, default=3, help="number of seeds, where means are shown (default: 3)"
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.recipes) - set(RECIPES):
        parser.error(f"no recipe is called {', '.join(sorted(unknown))}")
    if arguments.seeds < 1:
        parser.error("at least one seed is needed")
    for name in arguments.recipes or SOURCE:
        if name == "fashion-mnist-torch":
            show_torch(name, arguments.seeds)
        elif name in SOURCE:
            show_numpy(name)
        else:
            show_accuracy(name, arguments.seeds)


if __name__ == "__main__":
    main()
