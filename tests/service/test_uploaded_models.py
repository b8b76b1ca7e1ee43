"""What the API shows of models of uploaded data sets: any shape, any number of classes."""

import numpy as np
import pytest

from tests.datasets import add_dataset
from tests.problems import check_problem, pointers
from tests.service.conftest import image_of, publish_on

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
    model, network = publish_on(backend, spec, splits)
    layers = client.get(f"/models/{model}/histograms").json["layers"]
    assert layers[0]["inputs"] == spec.features
    projected = client.post("/analysis/projection", json={"model": model}).json
    assert projected["labels"] == splits["test"].labels.tolist()
    assert len(projected["before"]["points"]) == 12
    first = client.get(f"/models/{model}/first-layer?limit=5").json
    weights = network.layers[0].arrays["weight"][first["neurons"][2]["neuron"]]
    np.testing.assert_allclose(first["neurons"][2]["after"], weights.reshape(spec.shape), rtol=1e-3)
    drawn = client.get(f"/models/{model}/first-layer.png?limit=5")
    if spec.kind == "vectors":
        assert "layer 0 takes vectors" in check_problem(drawn, 404)["detail"]
    else:
        height, width, *channels = spec.shape
        assert image_of(drawn).shape == (height, 5 * width, *channels)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tiny", "this model takes grey images of 8×8 pixels"),
        ("colors", "this model takes RGB images of 16×16 pixels"),
        ("flowers", "must be sent as 'input'"),
    ],
)
@pytest.mark.parametrize("analysis", ["projection", "gradient-check"])
def test_an_image_of_another_shape_is_rejected(client, backend, uploaded, name, reason, analysis):
    spec, splits = uploaded[name]
    model, _ = publish_on(backend, spec, splits)
    body = {"model": model, "image": [[0] * 28] * 28}
    if analysis == "gradient-check":
        assert client.post(f"/analysis/{analysis}", json={"model": model}).json["label"] == 0
        body["label"] = 0
    problem = check_problem(client.post(f"/analysis/{analysis}", json=body), 422)
    assert pointers(problem) == ["/image"]
    assert reason in problem["errors"][0]["detail"]


def test_the_first_layer_of_large_images_is_listed_in_part(client, backend):
    spec, splits = add_dataset(backend.datasets, "large", (64, 64, 3))
    model, _ = publish_on(backend, spec, splits, hidden_sizes=(100,))
    first = client.get(f"/models/{model}/first-layer").json
    assert (first["count"], len(first["neurons"])) == (100, 85)


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
