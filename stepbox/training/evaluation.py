"""The evaluation of a network on a data set, and the calibration of its probabilities."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, computed_field

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
from stepbox.training.guessing import ConfusionMatrix, beats_guessing
from stepbox.training.report import Nats, Report, Share

BLOCK = 1000  # samples that are read at a time
TOP = 5
MOST_CLASSES_WITHOUT_TOP = 20  # of so few, a fourth or more are among the five: it says little


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
    return SampleFigures.of(logits, labels, predictions).report(labels, logits.shape[1])


class SampleFigures(NamedTuple):
    """What an evaluation needs to know of n samples. It takes 25 bytes for each: less than logits.

    Attributes
    ----------
    losses
        Cross-entropy, shape (n,), in nats.
    predicted
        The most probable class, shape (n,), 0..classes−1.
    confidence
        Its probability, shape (n,), 0..1.
    in_top5
        Whether the true class is among the five largest logits, shape (n,); the first of equal ones
        counts.
    """

    losses: Array
    predicted: NDArray[np.integer[Any]]
    confidence: Array
    in_top5: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        logits: Array,
        labels: NDArray[np.integer[Any]],
        predictions: Predictions | None = None,
    ) -> Self:
        """Compute the figures of logits, shape (n, classes), as `assess` does."""
        logits = logits.astype(np.float64, copy=False)
        predicted, confidence = predictions or Predictions.of(logits)
        return cls(cross_entropy(logits, labels), predicted, confidence, _in_top5(logits, labels))

    @classmethod
    def together(cls, blocks: Sequence[Self]) -> Self:
        """Join the figures of blocks of samples, in their order."""
        return cls(*map(np.concatenate, zip(*blocks, strict=True)))

    def report(self, labels: NDArray[np.integer[Any]], classes: int) -> EvaluationReport:
        """Evaluate all samples, whose labels have the shape (n,), with n ≥ 1."""
        right = self.predicted == labels
        confusion = np.zeros((classes, classes), np.int64)
        np.add.at(confusion, (labels, self.predicted), 1)
        bins = calibration_bins(self.confidence, right)
        return EvaluationReport(
            loss=float(self.losses.mean()),
            accuracy=float(right.mean()),
            confusion_matrix=confusion.tolist(),
            precision=_shares(confusion.diagonal(), confusion.sum(axis=0)),
            recall=_shares(confusion.diagonal(), confusion.sum(axis=1)),
            expected_calibration_error=expected_calibration_error(bins),
            bins=bins,
            top5_accuracy=float(self.in_top5.mean())
            if classes > MOST_CLASSES_WITHOUT_TOP
            else None,
        )


def _in_top5(logits: Array, labels: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Tell which labels are among the five largest logits; the first of equal ones counts."""
    classes = logits.shape[1]
    if classes <= MOST_CLASSES_WITHOUT_TOP:
        return np.zeros(len(labels), bool)  # not used
    own = logits[np.arange(len(labels)), labels][:, None]
    before = (logits > own) | ((logits == own) & (np.arange(classes) < labels[:, None]))
    found: NDArray[np.bool_] = before.sum(axis=1) < TOP
    return found


def _shares(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> list[float | None]:
    return [
        float(part / whole) if whole else None for part, whole in zip(parts, wholes, strict=True)
    ]
