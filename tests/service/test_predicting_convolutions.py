"""Everything that serves a model, with a trained network of convolutions."""

import io
import json

import numpy as np
import pytest

from service.api.predict import turns
from service.api.predict.answer import QUICK_PRODUCTS, PredictQuery, predict_images
from service.api.predict.preparation import TakesLongError
from stepbox.data.dataset import scale_pixels
from tests.datasets import add_dataset
from tests.problems import check_problem, pointers
from tests.service.conftest import publish_on
from tests.service.test_activations import ask
from tests.service.test_predict import encode


@pytest.fixture
def images(backend):
    return backend.dataset("mnist").samples[:20]


@pytest.fixture
def expected(convolutions, images):
    """The probabilities of the images, from a float64 copy of the network."""
    network = convolutions[1].copy(np.float64)
    return np.concatenate(
        [network.probabilities(scale_pixels(one[None], "unit")) for one in images]
    )


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_all_forms_of_a_body_give_the_same_probabilities(client, images, expected):
    bodies = [
        (npy(images), "application/x-npy"),
        (json.dumps({"images": images.tolist()}), "application/json"),
        ("\n".join(",".join(map(str, image.ravel())) for image in images), "text/csv"),
    ]
    for body, kind in bodies:
        answer = client.post("/predict", data=body, content_type=kind)
        assert answer.status_code == 200, answer.json
        found = [one["probabilities"] for one in answer.json["predictions"]]
        np.testing.assert_allclose(found, expected, atol=1e-5)
    [one] = client.post("/predict", data=encode(images[3]), content_type="image/png").json[
        "predictions"
    ]
    np.testing.assert_allclose(one["probabilities"], expected[3], atol=1e-5)


def test_both_inference_protocols_serve_them(client, convolutions, images, expected):
    id, _ = convolutions
    tensor = {
        "name": "images",
        "datatype": "UINT8",
        "shape": [20, 28, 28],
        "data": images.ravel().tolist(),
    }
    answer = client.post(f"/v2/models/{id}/infer", json={"inputs": [tensor]})
    assert answer.status_code == 200, answer.json
    found = next(one for one in answer.json["outputs"] if one["name"] == "probabilities")
    np.testing.assert_allclose(np.reshape(found["data"], (20, 10)), expected, atol=1e-5)
    answer = client.post(f"/v1/models/{id}:predict", json={"instances": images.tolist()})
    np.testing.assert_allclose(answer.json["predictions"], expected, atol=1e-5)


def test_a_trained_network_of_convolutions_is_better_than_guessing(client, convolutions):
    card = client.get("/models/latest").json
    assert card["evaluation"]["better_than_guessing"]
    mistakes = client.get("/models/latest/mistakes?limit=3").json
    matrix = np.array(card["evaluation"]["confusion_matrix"])
    assert mistakes["count"] == matrix.sum() - np.trace(matrix)
    true, predicted = np.unravel_index(matrix.argmax(), matrix.shape)
    cell = client.get(f"/models/latest/confusion/{true}/{predicted}?limit=1").json
    assert cell["count"] == matrix.max()


def test_layers_with_weights_have_histograms(client, convolutions):
    layers = client.get("/models/latest/histograms").json["layers"]
    assert [(one["layer"], one["inputs"], one["outputs"]) for one in layers] == [
        (0, 25, 6), (2, 54, 8), (4, 200, 12), (5, 12, 10),
    ]  # fmt: skip
    for one in layers:
        assert sum(one["before"]) == sum(one["after"]) == one["inputs"] * one["outputs"]
        assert one["before"] != one["after"]


@pytest.mark.parametrize("layer", [1, 2, 5])
def test_each_layer_can_be_projected(client, backend, convolutions, layer):
    _, network = convolutions
    pixels = backend.dataset("mnist").samples[17]
    body = {"model": "latest", "layer": layer, "image": pixels.tolist()}
    answer = client.post("/analysis/projection", json=body).json
    assert answer["sizes"] == [784, 26 * 26 * 6, 13 * 13 * 6, 6 * 6 * 8, 5 * 5 * 8, 12, 10]
    assert answer["after"]["image"] == pytest.approx(answer["after"]["points"][17], rel=1e-3)
    inputs = scale_pixels(backend.dataset("mnist").samples[:1000], "unit", np.float32)
    outputs = [*network.forward(inputs)[1], network.logits(inputs)][layer].astype(float)
    outputs -= outputs.mean(axis=0)
    variances = np.linalg.eigvalsh(outputs @ outputs.T)[::-1]
    expected = variances[:2] / variances.sum()
    np.testing.assert_allclose(answer["after"]["shares"], expected, rtol=1e-3)


def test_activations_name_their_layers_and_where_maxima_come_from(client, convolutions, images):
    id, network = convolutions
    [prediction] = ask(client, images[12], "activations=true&explain=true")["predictions"]
    types = [layer["type"] for layer in prediction["layers"]]
    assert types == ["convolution", "max-pool", "convolution", "max-pool", "dense", "dense"]
    inputs = scale_pixels(images[12:13], "unit", network.dtype)
    for layer, described in zip(network.layers, prediction["layers"], strict=True):
        inputs = layer.activation.function(layer.forward(inputs))
        assert described["shape"] == [*layer.output_shape]
        np.testing.assert_allclose(described["activations"], inputs[0], rtol=1e-4, atol=1e-6)
    maps = client.get(f"/models/{id}/feature-maps?index=12").json["layers"]
    for pool in (1, 3):
        assert prediction["layers"][pool]["winners"] == maps[pool]["winners"]
    last = prediction["layers"][-1]
    np.testing.assert_allclose(
        np.sum(last["contributions"], axis=1) + last["biases"], prediction["logits"], rtol=1e-4
    )


def test_a_channel_is_switched_off_as_a_whole(client, convolutions, images):
    _, network = convolutions
    [plain] = ask(client, images[12], "activations=true")["predictions"]
    off = {}  # in each hidden layer, the channel that is most active
    for number, layer in enumerate(plain["layers"][:-1]):
        activations = np.reshape(layer["activations"], layer["shape"])
        off[number] = int(activations.reshape(-1, layer["shape"][-1]).sum(axis=0).argmax())
    text = ",".join(f"{number + 1}.{channel}" for number, channel in off.items())
    answer = ask(client, images[12], f"activations=true&explain=true&off={text}")
    assert answer["off"] == text.split(",")
    [prediction] = answer["predictions"]
    inputs = scale_pixels(images[12:13], "unit", network.dtype)
    for number, (layer, described) in enumerate(
        zip(network.layers, prediction["layers"], strict=True)
    ):
        outputs = layer.activation.function(layer.forward(inputs)).reshape(layer.output_shape)
        if number in off:
            outputs[..., off[number]] = 0
        inputs = outputs.reshape(1, -1)
        np.testing.assert_allclose(described["activations"], inputs[0], rtol=1e-4, atol=1e-6)
    assert prediction["logits"] != plain["logits"]
    every = ",".join(f"2.{channel}" for channel in range(6))
    [prediction] = ask(client, images[12], f"explain=true&off={every}")["predictions"]
    assert not np.any(prediction["gradient"])
    problem = check_problem(
        client.post("/predict?off=2.6", data=encode(images[0]), content_type="image/png"), 422
    )
    assert "the channels of layer 2 are 0 to 5" in problem["errors"][0]["detail"]


def test_an_explanation_has_the_gradient_of_the_top_logit(client, convolutions, images):
    _, network = convolutions
    body = json.dumps({"images": images.tolist()})
    answer = client.post("/predict?explain=true", data=body, content_type="application/json").json
    exact = network.copy(np.complex128)
    for image, prediction in list(zip(images, answer["predictions"], strict=True))[:2]:
        steps = image.reshape(784) / 255 + 1e-200j * np.eye(784)
        slopes = exact.logits(steps)[:, prediction["index"]].imag / 1e-200
        np.testing.assert_allclose(
            np.ravel(prediction["gradient"]), slopes, rtol=1e-3, atol=1e-4 * np.abs(slopes).max()
        )


def test_the_occlusion_is_that_of_the_same_test_image(client, convolutions, images):
    id, _ = convolutions
    attribution = client.get(f"/models/{id}/attribution?index=12").json
    answer = ask(client, images[12], "occlusion=true&top=1")
    [prediction] = answer["predictions"]
    assert prediction["index"] == attribution["class"]
    assert prediction["occlusion"] == attribution["occlusion"]
    assert np.max(prediction["occlusion"]["drops"]) > 0


def test_occlusion_is_for_a_few_images(client, backend, convolutions, images, uploaded):
    answer = client.post("/predict?occlusion=true", json={"images": images[:11].tolist()})
    assert pointers(check_problem(answer, 422)) == ["/occlusion"]
    model, _ = publish_on(backend, *uploaded["flowers"])
    answer = client.post(f"/predict?model={model}&occlusion=true", json={"inputs": [[1, 2, 3, 4]]})
    problem = check_problem(answer, 422)
    assert "this model takes vectors" in problem["errors"][0]["detail"]


def test_large_networks_answer_for_as_many_images_as_fit(client, backend):
    spec, splits = add_dataset(backend.datasets, "large", (64, 64, 3))
    layers = [{"type": "convolution", "channels": 50, "kernel": 3}, {"type": "max-pool", "size": 4}]
    model, _ = publish_on(backend, spec, splits, layers=layers)
    images = splits["test"].samples
    for count, status in ((4, 200), (5, 422)):
        answer = client.post(
            f"/predict?model={model}&activations=true",
            data=npy(images[:count]),
            content_type="application/x-npy",
        )
        assert answer.status_code == status
    assert "at most 4 images of this model" in answer.json["errors"][0]["detail"]
    layers = [{"type": "convolution", "channels": 256, "kernel": 1}, *2 * layers[1:]]
    model, _ = publish_on(backend, spec, splits, layers=layers)
    answer = client.post(
        f"/predict?model={model}&activations=true",
        data=npy(images[:1]),
        content_type="application/x-npy",
    )
    assert (
        "feature-maps returns a single layer" in check_problem(answer, 422)["errors"][0]["detail"]
    )


def test_the_gradient_of_a_network_of_convolutions_is_right(client, backend, convolutions):
    answer = client.post("/analysis/gradient-check", json={"model": "latest"})
    assert answer.status_code == 200, answer.json
    assert (answer.json["model"], answer.json["label"]) == (convolutions[0], 7)
    layers = answer.json["layers"]
    assert [layer["layer"] for layer in layers] == [0, 2, 4, 5]
    for layer in layers:
        assert layer["exact"] < 1e-9


@pytest.fixture
def large(client, backend):
    """A network of which one image needs much memory: its id, and one image."""
    spec, splits = add_dataset(backend.datasets, "large", (64, 64, 3), test=30)
    layers = [
        {"type": "convolution", "channels": 160, "kernel": 1},
        {"type": "max-pool", "size": 4},
    ]
    model, _ = publish_on(backend, spec, splits, layers=layers)
    return model, splits["test"].samples[:1]


def test_two_requests_at_a_time_run_a_large_network(
    client, large, convolutions, images, monkeypatch
):
    model, image = large
    monkeypatch.setattr(turns, "TURN_S", 0.01)
    held = [turns._large.acquire(blocking=False) for _ in range(3)]
    assert held == [True, True, False]
    try:
        answer = client.post(
            f"/predict?model={model}", data=npy(image), content_type="application/x-npy"
        )
        assert "such large networks" in check_problem(answer, 503)["detail"]
        small = client.post("/predict", data=npy(images), content_type="application/x-npy")
        assert small.status_code == 200
    finally:
        turns._large.release(2)
    answer = client.post(
        f"/predict?model={model}", data=npy(image), content_type="application/x-npy"
    )
    assert answer.status_code == 200


def test_only_fast_networks_answer_in_the_event_loop(backend, convolutions, large, images):
    id, network = convolutions
    loaded, query = backend.models.load(id), PredictQuery()
    predict_images(loaded, query, images, "", quick=True)
    several = np.concatenate(15 * [images])
    assert network.products * len(several) > QUICK_PRODUCTS > network.products * len(images)
    with pytest.raises(TakesLongError):
        predict_images(loaded, query, several, "", quick=True)
    model, image = large
    assert backend.models.load(model)[1].products < QUICK_PRODUCTS
    with pytest.raises(TakesLongError):
        predict_images(backend.models.load(model), query, image, "", quick=True)


def test_of_layers_with_many_outputs_fewer_test_samples_are_projected(client, large):
    model, _ = large
    for layer, count in ((1, 10_000_000 // (64 * 64 * 160)), (2, 30)):
        answer = client.post("/analysis/projection", json={"model": model, "layer": layer}).json
        assert len(answer["labels"]) == len(answer["after"]["points"]) == count
