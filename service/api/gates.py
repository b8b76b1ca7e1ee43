"""Evaluate a model for the gate of an alias."""

import numpy as np

from service.api.predict.turns import with_memory_for
from service.backend import backend
from stepbox.analysis.inspection import Predictions
from stepbox.data.dataset import Dataset, DatasetSpec
from stepbox.errors import GateNotPassedError, InvalidInputError, NotFoundError
from stepbox.nn.network import Network
from stepbox.store.alias_record import Gate, GateFigures
from stepbox.store.card import Card
from stepbox.training.calibration import calibration_bins, expected_calibration_error
from stepbox.training.evaluation import BLOCK, predict_logits

# Multiplications of an evaluation: about a minute on one core. It is enough for a million samples
# of `mnist-numpy-best`, and for twice the test set of `fashion-mnist-torch-convolution`.
MOST_PRODUCTS = 500_000_000_000


def judge(name: str, model_id: str, gate: Gate | None) -> GateFigures:
    """Evaluate a model on the data set of the gate of an alias, and return the figures.

    The evaluation of the model's card is used if it is of the same data set.

    Raises
    ------
    GateNotPassedError
        The model is not good enough.
    InvalidInputError
        The data set does not exist, is not one for this model, or is too large
        (``/gate/dataset``).
    """
    figures = _figures(name, backend().models.card(model_id), gate)
    shortfalls = gate.shortfalls(figures) if gate is not None else []
    if gate is not None and shortfalls:
        raise GateNotPassedError(
            f"model {model_id} does not pass the gate of {name!r}: on the {figures.samples:,} test "
            f"samples of {figures.dataset}, its {', and its '.join(map(str, shortfalls))}",
            shortfalls,
        )
    return figures


def spec_of_gate(reference: str, name: str) -> DatasetSpec:
    """Return the data set that the gate of an alias names.

    Raises InvalidInputError if there is none (``/gate/dataset``).
    """
    try:
        return backend().datasets.spec(reference)
    except NotFoundError as error:
        detail = f"the gate of {name!r} names a data set that does not exist: {error}"
        raise InvalidInputError.at("/gate/dataset", detail) from None


def _figures(name: str, card: Card, gate: Gate | None) -> GateFigures:
    spec = card.dataset
    if gate is not None and gate.dataset is not None:
        spec = spec_of_gate(gate.dataset, name)
    if spec.checksum == card.dataset.checksum:
        evaluation = card.evaluation
        return GateFigures(
            dataset=spec.key,
            samples=sum(map(sum, evaluation.confusion_matrix)),
            accuracy=evaluation.accuracy,
            expected_calibration_error=evaluation.expected_calibration_error,
        )
    _check_fits(card, spec)

    def evaluate() -> GateFigures:
        network = backend().models.load(card.id)[1]
        _check_size(network, spec)
        predictions, labels = _predict(card, network, backend().dataset(spec.key))
        right = predictions.classes == labels
        return GateFigures(
            dataset=spec.key,
            samples=len(labels),
            accuracy=float(right.mean()),
            expected_calibration_error=expected_calibration_error(
                calibration_bins(predictions.probabilities, right)
            ),
        )

    # Clients repeat requests that take long. No id is used for two models, and that of a data set
    # follows from its content, so no entry expires.
    return backend().gate_figures.get(f"{card.id}/{spec.key}", [], evaluate)


def _check_fits(card: Card, spec: DatasetSpec) -> None:
    own = card.dataset
    for what, found, wanted in (
        ("kind", spec.kind, own.kind),
        ("shape", list(spec.shape), list(own.shape)),
        ("columns", list(spec.columns or ()), list(own.columns or ())),
        ("classes", list(spec.classes), list(own.classes)),
    ):
        if found != wanted and (what != "columns" or (found and wanted)):  # they need no names
            raise InvalidInputError.at(
                "/gate/dataset",
                f"must be a data set like that of the model, {own.name}, with the {what} "
                f"{_short(wanted)}, but {spec.name} has the {what} {_short(found)}",
            )


def _check_size(network: Network, spec: DatasetSpec) -> None:
    products = network.products * spec.test.samples
    if products > MOST_PRODUCTS:
        raise InvalidInputError.at(
            "/gate/dataset",
            f"must be smaller: its {spec.test.samples:,} test samples take {products:,} "
            f"multiplications with this model, and at most {MOST_PRODUCTS:,} are allowed",
        )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _predict(
    card: Card, network: Network, dataset: Dataset
) -> tuple[Predictions, np.ndarray[tuple[int, ...], np.dtype[np.integer]]]:
    """Predict all samples of a split, and return the predictions with the labels.

    It goes on without its client, which finds the figures when it repeats the request.
    """
    blocks = []
    for start in range(0, len(dataset.labels), BLOCK):
        with backend().figures.turn, with_memory_for(network):  # for each block, as others wait
            samples = dataset.take(slice(start, start + BLOCK))
            blocks.append(Predictions.of(predict_logits(network, samples, card.recipe.pixel_scale)))
    predictions = Predictions(*map(np.concatenate, zip(*blocks, strict=True)))
    return predictions, dataset.labels
