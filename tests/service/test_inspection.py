import io
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from stepbox.data.dataset import scale_pixels
from stepbox.nn.losses import softmax
from tests.problems import check_problem, pointers
from tests.service.conftest import publish
from tests.service.test_predict import encode

EXPLAINED = {"seen", "fit", "gradient", "entropy", "margin"}


def test_the_published_curves_are_returned(client):
    recipes = client.get("/published").json["recipes"]
    assert recipes["mnist-numpy-published"]["history"][3]["test_accuracy"] == 0.8563
    assert len(recipes["fashion-mnist-torch"]["history"]) == 60


def test_cells_list_the_images_that_the_card_counts(client, backend, model):
    id, network = model
    matrix = client.get(f"/models/{id}").json["evaluation"]["confusion_matrix"]
    true, predicted = np.unravel_index(np.argmax(matrix), (10, 10))
    cell = client.get(f"/models/latest/confusion/{true}/{predicted}?limit=1000").json
    assert (cell["model"], cell["count"]) == (id, matrix[true][predicted])
    test_set = backend.dataset("mnist")
    for image in cell["images"][:3]:
        pixels = test_set.samples[image["index"]]
        assert image["pixels"] == pixels.tolist()
        assert test_set.labels[image["index"]] == image["label"] == true
        probabilities = softmax(network.logits(scale_pixels(pixels[None], "unit")))[0]
        assert probabilities.argmax() == predicted
        assert image["probability"] == pytest.approx(probabilities[predicted])
    probabilities = [image["probability"] for image in cell["images"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert len(client.get(f"/models/{id}/confusion/{true}/{predicted}").json["images"]) == 12


def test_unknown_cells_are_404(client, model):
    id, _ = model
    for path in (f"/models/{id}/confusion/0/10", f"/models/{id}/confusion/a/1"):
        check_problem(client.get(path), 404)
    check_problem(client.get("/models/none/confusion/0/0"), 404)
    body = check_problem(client.get(f"/models/{id}/confusion/0/0?limit=0"), 422)
    assert pointers(body) == ["/limit"]


def test_each_layer_has_histograms_that_count_all_its_weights(client, model):
    layers = client.get("/models/latest/histograms").json["layers"]
    assert [(layer["inputs"], layer["outputs"]) for layer in layers] == [
        (784, 32), (32, 32), (32, 10),
    ]  # fmt: skip
    for layer in layers:
        assert len(layer["edges"]) == 61
        assert sum(layer["before"]) == sum(layer["after"]) == layer["inputs"] * layer["outputs"]


def test_the_first_layer_is_the_same_as_numbers_and_as_an_image(client, model):
    _, network = model
    answer = client.get("/models/latest/first-layer?limit=3").json
    assert (answer["count"], len(answer["neurons"])) == (32, 3)
    weights = [
        network.layers[0].weights[one["neuron"]].reshape(28, 28) for one in answer["neurons"]
    ]
    np.testing.assert_allclose([one["after"] for one in answer["neurons"]], weights, rtol=1e-3)
    assert answer["neurons"][0]["before"] == answer["neurons"][0]["after"]  # it is untrained
    drawn = client.get("/models/latest/first-layer.png?limit=3").data
    levels = np.asarray(Image.open(io.BytesIO(drawn))).astype(float) - 128
    np.testing.assert_allclose(levels / 127, np.hstack(weights) / np.abs(weights).max(), atol=0.005)


@pytest.mark.parametrize("view", ["histograms", "first-layer", "first-layer.png", "confusion/0/0"])
def test_figures_are_computed_once(client, app, backend, opened, view):
    id, _ = publish(backend)
    path = f"/models/{id}/{view}"
    weights, initial = f"{id}/weights.safetensors", f"{id}/initial.safetensors"
    time.sleep(0.06)  # nothing is cached for files younger than 50 ms
    client.get("/livez")
    opened(backend.settings.models_dir)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.test_client().get(path).status_code, range(8)))
    assert set(answers) == {200}
    files = Counter(opened(backend.settings.models_dir))
    assert (files[weights], files[initial]) == (2, 0 if "confusion" in view else 1)
    assert client.get(path).status_code == 200
    assert opened(backend.settings.models_dir) == []


def test_an_explanation_agrees_with_the_prediction(client, backend, model):
    _, network = model
    image = backend.dataset("mnist").samples[0]
    address = "/predict?explain=true&fit=mnist"
    [plain] = client.post("/predict?fit=mnist", data=encode(image), content_type="image/png").json[
        "predictions"
    ]
    [explained] = client.post(address, data=encode(image), content_type="image/png").json[
        "predictions"
    ]
    assert explained.keys() == plain.keys() | EXPLAINED
    assert {name: explained[name] for name in plain} == plain
    seen = np.array(explained["seen"])
    left, top, right, bottom = explained["fit"]["box"]
    assert pytest.approx(max(right - left, bottom - top) * explained["fit"]["zoom"]) == 20
    assert seen.max() == 255
    np.testing.assert_allclose(network.logits(seen.reshape(1, 784) / 255)[0], explained["logits"])
    # Compare the gradient at one pixel with a finite difference of the top logit.
    pixel = np.unravel_index(np.abs(explained["gradient"]).argmax(), (28, 28))
    step = 1e-6 * np.eye(784)[28 * pixel[0] + pixel[1]]
    raised = network.logits(np.array([seen.ravel() / 255 + step, seen.ravel() / 255 - step]))
    slope = (raised[0] - raised[1])[explained["index"]] / 2e-6
    assert explained["gradient"][pixel[0]][pixel[1]] == pytest.approx(slope, rel=1e-4)
    best, second = sorted(explained["probabilities"])[:-3:-1]
    assert explained["margin"] == pytest.approx(best - second)
    probabilities = np.array(explained["probabilities"])
    assert explained["entropy"] == pytest.approx(-(probabilities * np.log(probabilities)).sum())


def test_arrays_are_explained_like_image_files(client, backend, model):
    light = (255 - backend.dataset("mnist").samples[:2]).tolist()
    body = json.dumps({"images": light})
    explained = client.post(
        "/predict?explain=true", data=body, content_type="application/json"
    ).json["predictions"]
    for one, image in zip(explained, backend.dataset("mnist").samples, strict=False):
        assert one["fit"] == {
            "inverted": True, "box": [0, 0, 28, 28], "zoom": 1.0, "offset": [0, 0], "ground": 0,
            "preparation": "none", "stroke_width": None, "lines_removed": 0, "desk_cropped": False,
        }  # fmt: skip
        assert one["seen"] == image.tolist()


def test_too_many_images_are_not_explained(client, model):
    images = np.zeros((101, 28, 28), int).tolist()
    answer = client.post("/predict?explain=true", json={"images": images})
    assert pointers(check_problem(answer, 422)) == ["/explain"]
    assert client.post("/predict", json={"images": images}).status_code == 200


def test_mistakes_are_the_images_off_the_diagonal(client, backend, model):
    id, network = model
    matrix = np.array(client.get(f"/models/{id}").json["evaluation"]["confusion_matrix"])
    listed = client.get("/models/latest/mistakes?limit=1000&true=4").json
    assert (listed["model"], listed["against"], listed["dataset"]) == (id, None, "mnist")
    assert listed["count"] == matrix[4].sum() - matrix[4, 4]
    confidences = [image["probability"] for image in listed["images"]]
    assert confidences == sorted(confidences, reverse=True)
    image = listed["images"][0]
    assert image["label"] == 4 != image["predicted"]
    pixels = np.array([image["pixels"]])
    [probabilities] = softmax(network.logits(scale_pixels(pixels, "unit")))
    assert probabilities.argmax() == image["predicted"]
    assert probabilities.max() == pytest.approx(image["probability"])
    assert image["other_predicted"] is image["other_probability"] is None
    cell = f"true=4&predicted={image['predicted']}"
    assert (
        client.get(f"/models/{id}/mistakes?{cell}").json["count"] == matrix[4, image["predicted"]]
    )
    second = client.get(f"/models/{id}/mistakes?true=4&offset=1&limit=1").json["images"]
    assert second == listed["images"][1:2]


def test_two_models_are_compared_where_they_disagree(client, backend, model):
    id, _ = model
    other, _ = publish(backend, seed=1)
    listed = client.get(f"/models/{id}/mistakes?against={other}&limit=1000").json
    assert listed["against"] == other
    assert 0 < len(listed["images"]) <= listed["count"] <= 10_000
    lower = [min(image["probability"], image["other_probability"]) for image in listed["images"]]
    assert lower == sorted(lower, reverse=True)
    assert all(image["predicted"] != image["other_predicted"] for image in listed["images"])
    same = client.get(f"/models/{id}/mistakes?against={id}").json
    assert (same["count"], same["images"]) == (0, [])


def test_mistakes_with_wrong_parameters_name_the_parameter(client, backend, model):
    id, _ = model
    clothes, _ = publish(backend, "fashion-mnist-torch")
    for query, pointer, words in [
        ("true=10", "/true", "0 to 9"),
        ("predicted=99", "/predicted", "0 to 9"),
        ("limit=0", "/limit", "1"),
        (f"against={clothes}", "/against", "fashion-mnist"),
    ]:
        body = check_problem(client.get(f"/models/{id}/mistakes?{query}"), 422)
        assert pointers(body) == [pointer]
        assert words in body["errors"][0]["detail"]
    check_problem(client.get(f"/models/{id}/mistakes?against=none"), 404)
