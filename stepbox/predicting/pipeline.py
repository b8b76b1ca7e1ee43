"""The prediction of a data set, from its samples to the files."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from stepbox.data.dataset import Dataset, Split
from stepbox.errors import InvalidInputError
from stepbox.importing.options import ImportProgress
from stepbox.nn.activations import Array
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network
from stepbox.predicting.tables import ResultWriter
from stepbox.store.card import Card
from stepbox.store.predictions import (
    Format,
    PredictionReport,
    ResultFile,
    ResultFiles,
    UncertainSample,
)
from stepbox.training.evaluation import BLOCK, EvaluationReport, SampleFigures, predict_logits

MOST_UNCERTAIN = 100
# A block is computed and kept at once. With few classes, it takes a tenth of a second.
BLOCK_SAMPLES = 10_000
BLOCK_LOGITS = 1_000_000  # 8 MB

Report = Callable[[ImportProgress], None]


class Kept(Protocol):
    """Where the logits of blocks are kept, so that another attempt does not compute them again."""

    def load(self, first: int, end: int) -> Array | None:
        """Return the logits of the samples first..end−1, or None."""

    def save(self, first: int, end: int, logits: Array) -> None:
        """Keep the logits of the samples first..end−1, shape (end − first, classes)."""


class Predicted(NamedTuple):
    """The result of `predict_dataset`: its description, and a file of each format."""

    prediction: PredictionReport
    files: dict[Format, Path]


def predict_dataset(
    card: Card,
    network: Network,
    dataset: Dataset,
    split: Split | None,
    folder: Path,
    kept: Kept,
    report: Report,
    *,
    names: pa.Array | None = None,
) -> Predicted:
    """Predict all samples of a data set.

    Only one block of samples and of logits is in memory at a time. For the evaluation, each sample
    takes 25 bytes. It is the same, to the last bit, as `stepbox.training.evaluation.evaluate`.

    Parameters
    ----------
    card, network
        The model.
    dataset
        The samples, in the shape that the model takes. If its description has no classes, the
        labels are not known.
    split
        Which split of the data set they are; None if they are an upload.
    folder
        An empty folder, for which the caller cares: there are the files.
    kept
        Where the logits of each block are kept.
    report
        Gets the progress. It raises an exception if the prediction must stop.
    names
        The name of the image file of each sample; None if the samples are not files.

    Raises
    ------
    InvalidInputError
        The outputs of the model are not finite.
    """
    blocks = _Blocks(card, network, dataset, kept, _Progress(report, len(dataset.samples)))
    known = known_labels(card, dataset)
    uncertain = _Uncertain()
    figures = []
    with ResultWriter(folder, card.classes, names) as writer:
        for first, end in blocks.ranges():
            logits = blocks.logits(first, end).astype(np.float64, copy=False)
            probabilities = softmax(logits)
            predicted = logits.argmax(axis=1)
            writer.write(first, _names(dataset[first:end]), predicted, probabilities)
            uncertain.add(first, predicted, probabilities)
            if known is not None:
                figures.append(SampleFigures.of(logits, known[first:end]))
    evaluation: EvaluationReport | None = None
    if known is not None:
        evaluation = SampleFigures.together(figures).report(known, len(card.classes))
    described = {name: _described(path) for name, path in writer.files.items()}
    prediction = PredictionReport(
        model=card.id,
        dataset=None if split is None else dataset.spec,
        split=split,
        samples=len(dataset.samples),
        classes=card.classes,
        columns=writer.columns,
        evaluation=evaluation,
        uncertain=tuple(uncertain.samples(card.classes, dataset)),
        files=ResultFiles(parquet=described["parquet"], csv=described["csv"]),
    )
    return Predicted(prediction, writer.files)


def known_labels(card: Card, dataset: Dataset) -> Array | None:
    """Return the labels as classes of a model; None if they are not known, or not all its own.

    The classes of a data set may be in another order than those of the model.
    """
    classes = dataset.spec.classes
    if classes == card.classes:
        return dataset.labels
    places = {name: place for place, name in enumerate(card.classes)}
    if not classes or not places.keys() >= set(classes):
        return None
    found: Array = np.array([places[name] for name in classes])[dataset.labels]
    return found


def _names(dataset: Dataset) -> list[str | None]:
    """Return the class of each sample, or None."""
    if not dataset.spec.classes:
        return [None] * len(dataset.labels)
    names: list[str | None] = np.array(dataset.spec.classes, object)[dataset.labels].tolist()
    return names


class _Blocks:
    """The logits of the blocks, kept ones or new ones."""

    def __init__(
        self, card: Card, network: Network, dataset: Dataset, kept: Kept, progress: "_Progress"
    ) -> None:
        self._scale = card.recipe.pixel_scale
        self._network, self._dataset = network, dataset
        self._kept, self._progress = kept, progress
        blocks = min(BLOCK_SAMPLES, BLOCK_LOGITS // len(card.classes)) // BLOCK
        self._size = max(1, blocks) * BLOCK

    def ranges(self) -> list[tuple[int, int]]:
        """Return the first sample of each block, and the one after its last."""
        total = len(self._dataset.samples)
        return [(first, min(first + self._size, total)) for first in range(0, total, self._size)]

    def logits(self, first: int, end: int) -> Array:
        """Return the logits of a block, shape (end − first, classes)."""
        logits = self._kept.load(first, end)
        if logits is not None:
            self._progress.skip(end)
            return logits
        parts = []
        # `evaluate` has the same parts. In others, the last bits of the logits may differ.
        for start in range(first, end, BLOCK):
            samples = self._dataset.take(slice(start, min(start + BLOCK, end)))
            parts.append(predict_logits(self._network, samples, self._scale))
            self._progress(min(start + BLOCK, end))
        logits = np.concatenate(parts)
        finite = np.isfinite(logits).all(axis=1)
        if not finite.all():
            raise InvalidInputError.at(
                "/model",
                f"the outputs of the model are not finite for sample {first + finite.argmin()}: "
                "its weights, or the values of this sample, are too large",
            )
        self._kept.save(first, end, logits)
        return logits


class _Progress:
    """How far a prediction is."""

    def __init__(self, report: Report, total: int) -> None:
        self._report, self._total = report, total
        self._started, self._skipped = time.monotonic(), 0

    def skip(self, done: int) -> None:
        """Report that an earlier attempt has already predicted so many samples."""
        self._started, self._skipped = time.monotonic(), done
        self(done)

    def __call__(self, done: int) -> None:
        """Report that so many samples are predicted."""
        seconds, new = time.monotonic() - self._started, done - self._skipped
        self._report(
            ImportProgress(
                stage="predicting",
                samples=done,
                samples_total=self._total,
                fraction=done / self._total,
                eta_seconds=seconds / new * (self._total - done) if new else None,
            )
        )


class _Uncertain:
    """The samples with the highest entropy so far, highest first."""

    def __init__(self) -> None:
        self._rows = np.empty((0, 4))  # entropy, index, predicted class, its probability

    def add(self, first: int, predicted: Array, probabilities: Array) -> None:
        """Add a block of samples, the first of which has this index."""
        logarithms = np.log(
            probabilities, out=np.zeros_like(probabilities), where=probabilities > 0
        )
        entropies = np.abs((probabilities * logarithms).sum(axis=1))
        indices = np.arange(first, first + len(predicted))
        block = np.stack([entropies, indices, predicted, probabilities.max(axis=1)], axis=1)
        rows = np.concatenate([self._rows, block])
        self._rows = rows[np.argsort(-rows[:, 0], kind="stable")[:MOST_UNCERTAIN]]

    def samples(self, classes: tuple[str, ...], dataset: Dataset) -> list[UncertainSample]:
        """Describe these samples of a data set; `classes` are those of the model."""
        return [
            UncertainSample(
                index=int(index),
                label=_names(dataset[int(index) : int(index) + 1])[0],
                predicted=classes[int(predicted)],
                probability=probability,
                entropy=entropy,
            )
            for entropy, index, predicted, probability in self._rows.tolist()
        ]


def _described(path: Path) -> ResultFile:
    with path.open("rb") as file:
        return ResultFile(
            bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
        )
