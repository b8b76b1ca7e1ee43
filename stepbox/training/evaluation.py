"""The evaluation of a network on a data set, and the calibration of its probabilities."""

from collections.abc import Callable
from statistics import fmean
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, computed_field

from stepbox.analysis.inspection import Predictions
from stepbox.data.dataset import Dataset, PixelScale, scale_pixels
from stepbox.nn.activations import Array
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import Network
from stepbox.training.calibration import (
    CalibrationBin,
    calibration_bins,
    expected_calibration_error,
)
from stepbox.training.report import Count, Nats, Report, Share

BLOCK = 1000  # samples that are read at a time
# Standard errors by which a network must exceed guessing. By chance, fewer than 2 of 1,000 networks
# that only guess do.
GUESSING_MARGIN = 3
TOP = 5
MOST_CLASSES_WITHOUT_TOP = 20  # of so few, a fourth or more are among the five: it says little


def _check_square(counts: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    if not any(map(sum, counts)) or any(len(row) != len(counts) for row in counts):
        raise ValueError("it must be square, and count at least one sample")
    return counts


ConfusionMatrix = Annotated[tuple[tuple[Count, ...], ...], AfterValidator(_check_square)]


def beats_guessing(confusion_matrix: tuple[tuple[int, ...], ...]) -> bool | None:
    """Return whether a network is better than guessing; None if that cannot be told.

    It is if its accuracy exceeds p, the accuracy of always answering the most frequent class, by
    more than three standard errors of a binomial proportion, 3 √(p (1 − p) / n). If p is so large,
    or n so small, that not even an accuracy of 1 does, the samples cannot tell.

    Parameters
    ----------
    confusion_matrix
        Counts, shape (classes, classes), of n ≥ 1 samples: one row per true class, one column per
        predicted class.

    Examples
    --------
    >>> beats_guessing(((90, 10), (20, 80)))
    True
    >>> beats_guessing(((100, 0), (100, 0)))
    False
    >>> beats_guessing(((2, 0), (0, 2))) is None
    True
    """
    samples = sum(map(sum, confusion_matrix))
    guessed = max(map(sum, confusion_matrix))

    def passes(right: int) -> bool:
        # The inequality, multiplied by n and squared: integers have no rounding errors.
        ahead = right - guessed
        variance = guessed * (samples - guessed)
        return ahead > 0 and ahead**2 * samples > GUESSING_MARGIN**2 * variance

    right = sum(row[label] for label, row in enumerate(confusion_matrix))
    return passes(right) if passes(samples) else None


class EvaluationReport(Report):
    """How well a network performs on the test set.

    References
    ----------
    Guo, C. et al. (2017). On calibration of modern neural networks, equation 3. Brodersen, K. et
    al. (2010). The balanced accuracy and its posterior distribution. Opitz, J., Burst, S. (2019).
    Macro F1 and macro F1, equation 1. Russakovsky, O. et al. (2015). ImageNet large scale visual
    recognition challenge, section 4.1: one minus the top-5 error.
    """

    loss: Nats = Field(description="Mean cross-entropy of a sample, in nats.")
    accuracy: Share = Field(description="Share of right answers, 0 to 1.")
    confusion_matrix: ConfusionMatrix = Field(
        description="Counts: one row per true class, one column per predicted class."
    )
    precision: tuple[Share | None, ...] = Field(
        description="For each class, the share of right answers among the samples predicted as "
        "that class; null if there are none."
    )
    recall: tuple[Share | None, ...] = Field(
        description="For each class, the share of its samples that were predicted as that class; "
        "null if there are none."
    )
    expected_calibration_error: Share = Field(
        description="Mean of |accuracy − confidence| over the bins, weighted by count, 0 to 1."
    )
    bins: tuple[CalibrationBin, ...] = Field(
        description="Ten equal bins of the top probability, from 0 to 1."
    )

    top5_accuracy: Share | None = Field(
        None,
        description="Share of the samples whose class is among the five most probable; null up to "
        "20 classes, and in evaluations of earlier versions.",
    )

    @computed_field(  # type: ignore[prop-decorator]
        description="Mean of `recall` over the classes that the test set has: the accuracy if all "
        "of them were equally frequent."
    )
    @property
    def balanced_accuracy(self) -> Share:
        """Mean recall of the classes that occur."""
        return fmean(recall for recall in self.recall if recall is not None)

    @computed_field(  # type: ignore[prop-decorator]
        description="Mean over the classes that the test set has of F1 = 2 · precision · recall / "
        "(precision + recall), which is 0 for a class without a right answer."
    )
    @property
    def macro_f1(self) -> Share:
        """Mean F1 score of the classes that occur."""
        pairs = zip(self.precision, self.recall, strict=True)
        return fmean(
            2 * precision * recall / (precision + recall) if precision and recall else 0.0
            for precision, recall in pairs
            if recall is not None
        )

    @computed_field(  # type: ignore[prop-decorator]
        description="Whether the accuracy exceeds that of always answering the most frequent "
        "class, by more than three standard errors; null if the test set is too small to tell."
    )
    @property
    def better_than_guessing(self) -> bool | None:
        """Whether the network is better than guessing: see `beats_guessing`."""
        return beats_guessing(self.confusion_matrix)


def evaluate(network: Network, dataset: Dataset, pixel_scale: PixelScale) -> EvaluationReport:
    """Evaluate a network on a data set.

    Parameters
    ----------
    network
        The network. The forward pass uses the float type of its weights.
    dataset
        The samples to classify.
    pixel_scale
        How pixels were scaled during the training.

    Returns
    -------
    EvaluationReport
        Figures over all samples.
    """
    return assess(dataset_logits(network, dataset, pixel_scale), dataset.labels)


def dataset_logits(
    network: Network,
    dataset: Dataset,
    pixel_scale: PixelScale,
    chosen: NDArray[np.int64] | None = None,
) -> Array:
    """Compute the logits, shape (n, classes), of all samples of a data set, or of the chosen ones.

    Only one block of the samples is in memory at a time.
    """
    count = len(dataset.labels) if chosen is None else len(chosen)
    starts = range(0, count, BLOCK)
    blocks = (slice(start, start + BLOCK) for start in starts)
    return np.concatenate(
        [
            predict_logits(
                network, dataset.take(block if chosen is None else chosen[block]), pixel_scale
            )
            for block in blocks
        ]
    )


def loss_and_accuracy(
    network: Network,
    dataset: Dataset,
    pixel_scale: PixelScale,
    chosen: NDArray[np.int64] | None = None,
) -> tuple[float, float]:
    """Return the mean cross-entropy, in nats, and the accuracy on what `dataset_logits` takes."""
    logits = dataset_logits(network, dataset, pixel_scale, chosen)
    labels = dataset.labels if chosen is None else dataset.labels[chosen]
    loss = cross_entropy(logits.astype(np.float64), labels).mean()
    return float(loss), float((logits.argmax(axis=1) == labels).mean())


def predict_logits(
    network: Network,
    images: NDArray[Any],
    pixel_scale: PixelScale,
    before_block: Callable[[], None] = lambda: None,
) -> Array:
    """Compute the logits, shape (n, classes), of images, shape (n, height, width), in blocks.

    `before_block` is called before each block, and may raise an exception to stop.
    """
    dtype = network.dtype
    blocks = []
    for block in network.blocks(len(images)):
        before_block()
        # No name for the inputs: it would keep them while the next block gets memory of its own.
        blocks.append(network.logits(scale_pixels(images[block], pixel_scale, dtype)))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def assess(
    logits: Array, labels: NDArray[np.integer[Any]], predictions: Predictions | None = None
) -> EvaluationReport:
    """Evaluate logits, shape (n, classes), against labels, shape (n,), with n ≥ 1.

    `predictions` are `Predictions.of(logits)`, if the caller has them already.
    """
    logits = logits.astype(np.float64, copy=False)
    predicted, confidence = predictions or Predictions.of(logits)
    right = predicted == labels
    confusion = np.zeros((logits.shape[1], logits.shape[1]), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    bins = calibration_bins(confidence, right)
    return EvaluationReport(
        loss=float(cross_entropy(logits, labels).mean()),
        accuracy=float(right.mean()),
        confusion_matrix=confusion.tolist(),
        precision=_shares(confusion.diagonal(), confusion.sum(axis=0)),
        recall=_shares(confusion.diagonal(), confusion.sum(axis=1)),
        expected_calibration_error=expected_calibration_error(bins),
        bins=bins,
        top5_accuracy=_top5_accuracy(logits, labels),
    )


def _top5_accuracy(logits: Array, labels: NDArray[np.integer[Any]]) -> float | None:
    """Return the share of labels among the five largest logits; the first of equal ones counts."""
    classes = logits.shape[1]
    if classes <= MOST_CLASSES_WITHOUT_TOP:
        return None
    own = logits[np.arange(len(labels)), labels][:, None]
    before = (logits > own) | ((logits == own) & (np.arange(classes) < labels[:, None]))
    return float((before.sum(axis=1) < TOP).mean())


def _shares(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> list[float | None]:
    return [
        float(part / whole) if whole else None for part, whole in zip(parts, wholes, strict=True)
    ]
