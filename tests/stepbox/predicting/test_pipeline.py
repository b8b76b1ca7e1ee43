"""A prediction of a data set has the same numbers as a prediction of its samples."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
from pyarrow import parquet

from stepbox.data.dataset import Dataset
from stepbox.errors import InvalidInputError
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network, dense_layers
from stepbox.predicting import pipeline
from stepbox.predicting.pipeline import predict_dataset
from stepbox.predicting.tables import column_names
from stepbox.training.evaluation import assess, dataset_logits, evaluate
from tests.datasets import make_dataset

MODEL = "m-0123456789ab"


class Memory:
    """Keeps logits in a dictionary."""

    def __init__(self):
        self.blocks = {}
        self.loaded = []

    def load(self, first, end):
        if (first, end) in self.blocks:
            self.loaded.append((first, end))
        return self.blocks.get((first, end))

    def save(self, first, end, logits):
        self.blocks[first, end] = logits


def card_of(classes, pixel_scale="unit"):
    """Make what a prediction needs of a card."""
    recipe = SimpleNamespace(pixel_scale=pixel_scale)
    return SimpleNamespace(id=MODEL, classes=tuple(classes), recipe=recipe)


def dataset_of(shape=(4, 4), count=2500, **options):
    spec, arrays = make_dataset("made", shape, test=count, **options)
    return Dataset(spec, arrays["test-samples.npy"], arrays["test-labels.npy"])


def network_of(dataset, classes=3, seed=0):
    return Network.initial(dense_layers((dataset.spec.features, 8, classes), "relu"), seed)


def predict(folder, dataset, network, card=None, kept=None, report=lambda progress: None):
    folder.mkdir()
    card = card or card_of(dataset.spec.classes)
    return predict_dataset(card, network, dataset, "test", folder, kept or Memory(), report)


@pytest.fixture
def small_blocks(monkeypatch):
    """Cut 2,500 samples into three blocks."""
    monkeypatch.setattr(pipeline, "BLOCK_SAMPLES", 1000)


@pytest.mark.parametrize("shape", [(4, 4), (5,)])
def test_the_evaluation_and_the_rows_are_those_of_the_samples(tmp_path, small_blocks, shape):
    dataset = dataset_of(shape)
    network = network_of(dataset)
    prediction, files = predict(tmp_path / "a", dataset, network)
    assert prediction.evaluation == evaluate(network, dataset, "unit")
    logits = dataset_logits(network, dataset, "unit")
    probabilities = softmax(logits)
    table = parquet.read_table(files["parquet"])
    classes = dataset.spec.classes
    assert tuple(table.column_names) == prediction.columns == column_names(classes)
    assert table["index"].to_pylist() == list(range(2500))
    assert table["label"].to_pylist() == [classes[label] for label in dataset.labels]
    assert table["predicted"].to_pylist() == [classes[place] for place in logits.argmax(axis=1)]
    found = np.stack([table[f"p_{name}"].to_numpy() for name in classes], axis=1)
    np.testing.assert_array_equal(found, probabilities.astype("f4"))
    np.testing.assert_array_equal(table["probability"].to_numpy(), found.max(axis=1))


def test_the_csv_file_has_the_numbers_of_the_parquet_file(tmp_path, small_blocks):
    dataset = dataset_of()
    _, files = predict(tmp_path / "a", dataset, network_of(dataset))
    with files["csv"].open(newline="") as file:
        names, *rows = csv.reader(file)
    table = parquet.read_table(files["parquet"])
    assert names == table.column_names
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        values = table[name].to_pylist()
        if name == "index":
            assert [*map(int, column)] == values
        elif name in ("label", "predicted"):
            assert [*column] == values
        else:
            np.testing.assert_array_equal(np.array(column, "f4"), np.array(values, "f4"))


def test_the_most_uncertain_samples_have_the_highest_entropy(tmp_path, small_blocks):
    dataset = dataset_of()
    dataset.samples[7] = dataset.samples[2100] = dataset.samples[1200]  # equal entropies
    network = network_of(dataset)
    prediction, _ = predict(tmp_path / "a", dataset, network)
    probabilities = softmax(dataset_logits(network, dataset, "unit"))
    entropies = -(probabilities * np.log(probabilities)).sum(axis=1)
    wanted = sorted(range(2500), key=lambda index: (-entropies[index], index))[:100]
    assert [sample.index for sample in prediction.uncertain] == wanted
    for sample in prediction.uncertain:
        assert sample.label == dataset.spec.classes[dataset.labels[sample.index]]
        best = probabilities[sample.index].argmax()
        assert sample.predicted == dataset.spec.classes[best]
        assert sample.probability == probabilities[sample.index, best]
        assert sample.entropy == pytest.approx(entropies[sample.index], rel=1e-12)


def test_an_attempt_that_goes_on_writes_the_same_bytes(tmp_path, small_blocks):
    dataset = dataset_of()
    network = network_of(dataset)
    whole = predict(tmp_path / "a", dataset, network)

    class StoppedError(Exception):
        pass

    def stop(progress):
        if progress.samples > 2000:
            raise StoppedError

    kept, reports = Memory(), []
    with pytest.raises(StoppedError):
        predict(tmp_path / "b", dataset, network, kept=kept, report=stop)
    assert [*kept.blocks] == [(0, 1000), (1000, 2000)]
    again = predict(tmp_path / "c", dataset, network, kept=kept, report=reports.append)
    assert kept.loaded == [(0, 1000), (1000, 2000)]
    assert again.prediction == whole.prediction
    for name, path in whole.files.items():
        assert again.files[name].read_bytes() == path.read_bytes()
    assert [report.samples for report in reports] == [1000, 2000, 2500]
    assert (reports[-1].fraction, reports[-1].eta_seconds) == (1.0, 0.0)


def test_probabilities_of_zero_are_no_problem(tmp_path):
    dataset = dataset_of(count=20)
    network = network_of(dataset)
    for layer in network.layers:
        for array in layer.arrays.values():
            array *= 1e4
    prediction, files = predict(tmp_path / "a", dataset, network)
    assert prediction.evaluation == evaluate(network, dataset, "unit")
    assert all(0 <= sample.entropy < 2 for sample in prediction.uncertain)
    table = parquet.read_table(files["parquet"])
    assert min(min(table[f"p_{name}"].to_pylist()) for name in dataset.spec.classes) == 0


def test_outputs_that_are_not_finite_are_an_error(tmp_path):
    dataset = dataset_of((5,), count=1200)
    dataset.samples[1111] = 1e308
    network = network_of(dataset)
    network.layers[0].arrays["weight"][:] = 1e3
    with (
        np.errstate(all="ignore"),
        pytest.raises(InvalidInputError, match="not finite for sample 1111") as error,
    ):
        predict(tmp_path / "a", dataset, network)
    assert error.value.faults[0].pointer == "/model"


def test_classes_in_another_order_are_those_of_the_model(tmp_path):
    dataset = dataset_of(classes=3)
    network = network_of(dataset)
    turned = [*reversed(dataset.spec.classes)]
    prediction, files = predict(tmp_path / "a", dataset, network, card_of(turned))
    logits = dataset_logits(network, dataset, "unit")
    assert prediction.evaluation == assess(logits, 2 - dataset.labels)
    labels = parquet.read_table(files["parquet"])["label"].to_pylist()
    assert labels == [dataset.spec.classes[label] for label in dataset.labels]


def test_a_data_set_with_other_classes_has_no_evaluation(tmp_path):
    dataset = dataset_of()
    card = card_of(["class 0", "class 1", "another"])
    prediction, files = predict(tmp_path / "a", dataset, network_of(dataset), card)
    assert prediction.evaluation is None
    assert {*parquet.read_table(files["parquet"])["label"].to_pylist()} == {*dataset.spec.classes}


NAMES = ['a,"b"', "label", "ß\n2", "label", "=1+1"]


def test_names_of_classes_may_have_any_characters(tmp_path):
    dataset = dataset_of(classes=5, **{"count": 50})
    spec = dataset.spec.model_copy(update={"classes": tuple(NAMES)})
    dataset = Dataset(spec, dataset.samples, dataset.labels)
    _, files = predict(tmp_path / "a", dataset, network_of(dataset, 5))
    names = ["index", "label", "predicted", "probability"]
    names += ['p_a,"b"', "p_label", "p_ß\n2", "p_label (2)", "p_=1+1"]
    assert parquet.read_table(files["parquet"]).column_names == names
    with files["csv"].open(newline="") as file:
        found, *rows = csv.reader(file)
    assert found == names
    assert [row[1] for row in rows] == [NAMES[label] for label in dataset.labels]


def test_many_classes_have_smaller_blocks(tmp_path):
    dataset = dataset_of((2, 2), count=2500, classes=400)
    kept = Memory()
    prediction, _ = predict(tmp_path / "a", dataset, network_of(dataset, 400), kept=kept)
    assert [*kept.blocks] == [(0, 2000), (2000, 2500)]
    assert prediction.evaluation.top5_accuracy is not None
