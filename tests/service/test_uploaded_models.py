"""What the API shows of models of uploaded data sets: any shape, any number of classes."""

import numpy as np
import pytest

from tests.datasets import add_dataset
from tests.problems import check_problem
from tests.service.conftest import publish_on

FIELDS = {"images": "pixels", "vectors": "values"}


@pytest.mark.parametrize("name", ["tiny", "colors", "flowers"])
def test_mistakes_and_cells_list_the_samples_of_the_data_set(client, backend, uploaded, name):
    spec, splits = uploaded[name]
    model, _ = publish_on(backend, spec, splits)
    matrix = np.array(client.get(f"/models/{model}").json["evaluation"]["confusion_matrix"])
    body = client.get(f"/models/{model}/mistakes").json
    assert body["dataset"] == spec.id
    assert body["count"] == 12 - np.trace(matrix)
    test_set = splits["test"]
    for one in body["images"]:
        assert one[FIELDS[spec.kind]] == test_set.samples[one["index"]].tolist()
        assert one["label"] == test_set.labels[one["index"]] != one["predicted"]
    for true, predicted in np.ndindex(3, 3):
        cell = client.get(f"/models/{model}/confusion/{true}/{predicted}").json
        assert cell["count"] == len(cell["images"]) == matrix[true, predicted]
    assert client.get(f"/models/latest-{name}").json["id"] == model


@pytest.mark.parametrize("name", ["tiny", "colors", "flowers"])
def test_figures_fit_the_shape_of_the_data_set(client, backend, uploaded, name):
    spec, splits = uploaded[name]
    model, _ = publish_on(backend, spec, splits)
    layers = client.get(f"/models/{model}/histograms").json["layers"]
    assert layers[0]["inputs"] == spec.features
    projected = client.post("/analysis/projection", json={"model": model}).json
    assert projected["labels"] == splits["test"].labels.tolist()
    assert len(projected["before"]["points"]) == 12


def test_a_thousand_classes(client, backend):
    spec, splits = add_dataset(
        backend.datasets, "many", (8, 8), classes=1000, train=1000, test=3000
    )
    model, _ = publish_on(backend, spec, splits)
    body = client.get(f"/models/{model}/mistakes?limit=1000").json
    matrix = client.get(f"/models/{model}").json["evaluation"]["confusion_matrix"]
    assert body["count"] == 3000 - np.trace(matrix)
    assert len(body["images"]) == 1000
    assert client.get(f"/models/{model}/confusion/999/999").status_code == 200
    check_problem(client.get(f"/models/{model}/confusion/1000/0"), 404)
    projected = client.post("/analysis/projection", json={"model": model, "layer": 1}).json
    assert projected["labels"] == splits["test"].labels[:1000].tolist()


def test_the_predictions_of_a_large_test_set_are_kept_without_its_logits(backend):
    spec, splits = add_dataset(
        backend.datasets, "many", (2, 2), classes=1000, train=1000, test=2500
    )
    model, network = publish_on(backend, spec, splits)
    predictions = backend.figures.predictions(model)
    inputs = splits["test"].samples.reshape(2500, -1) / 255
    np.testing.assert_array_equal(predictions.classes, network.logits(inputs).argmax(axis=1))
    assert sum(array.nbytes for array in predictions) == 2500 * 16
    assert backend.figures.predictions(model) is predictions
