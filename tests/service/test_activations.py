import json

import numpy as np
import pytest

from service.api.predict.activations import describe_layers, read_off
from service.api.predict.preparation import Fields
from stepbox.errors import InvalidInputError
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network, dense_layers
from tests.problems import check_problem, pointers
from tests.service.test_predict import encode


def ask(client, image, query):
    body = json.dumps({"images": [image.tolist()]})
    answer = client.post(f"/predict?{query}", data=body, content_type="application/json")
    assert answer.status_code == 200, answer.json
    return answer.json


def test_activations_are_those_of_a_forward_pass_by_hand(client, backend, model):
    _, network = model
    image = backend.dataset("mnist").samples[0]
    answer = ask(client, image, "activations=true")
    [prediction] = answer["predictions"]
    assert "off" not in answer
    outputs = image.reshape(784) / 255
    for layer, described in zip(network.layers[:-1], prediction["layers"], strict=False):
        outputs = 1 / (1 + np.exp(-(layer.weights @ outputs + layer.biases)))
        assert described.keys() == {"type", "shape", "activations"}
        assert (described["type"], described["shape"]) == ("dense", [32])
        np.testing.assert_allclose(described["activations"], outputs, rtol=1e-12)
    last = network.layers[-1]
    described = prediction["layers"][-1]
    assert described["activations"] == prediction["logits"]
    np.testing.assert_allclose(described["contributions"], last.weights * outputs, rtol=1e-12)
    np.testing.assert_allclose(described["biases"], last.biases)
    logits = np.sum(described["contributions"], axis=1) + described["biases"]
    np.testing.assert_allclose(logits, prediction["logits"], rtol=1e-10)


def test_neurons_that_are_switched_off_add_nothing(client, backend, model):
    _, network = model
    image = backend.dataset("mnist").samples[0]
    plain = ask(client, image, "")["predictions"][0]
    answer = ask(client, image, "activations=true&explain=true&off=2.3,1.17,1.17")
    assert answer["off"] == ["1.17", "2.3"]
    [prediction] = answer["predictions"]
    first, second, last = network.layers
    hidden = 1 / (1 + np.exp(-(first.weights @ (image.reshape(784) / 255) + first.biases)))
    hidden[17] = 0
    outputs = 1 / (1 + np.exp(-(second.weights @ hidden + second.biases)))
    outputs[3] = 0
    logits = last.weights @ outputs + last.biases
    assert prediction["layers"][0]["activations"][17] == 0
    assert prediction["layers"][1]["activations"][3] == 0
    assert [row[3] for row in prediction["layers"][2]["contributions"]] == [0] * 10
    np.testing.assert_allclose(prediction["logits"], logits, rtol=1e-10)
    np.testing.assert_allclose(prediction["probabilities"], softmax(logits[None])[0], rtol=1e-10)
    assert ask(client, image, "off=2.3,1.17")["predictions"][0]["logits"] == prediction["logits"]
    assert ask(client, image, "")["predictions"] == [plain]  # the model itself is unchanged


def test_the_gradient_does_not_pass_neurons_that_are_switched_off(client, backend, model):
    image = backend.dataset("mnist").samples[0]
    every = ",".join(f"1.{neuron}" for neuron in range(32))
    [prediction] = ask(client, image, f"explain=true&off={every}")["predictions"]
    assert not np.any(prediction["gradient"])


def test_a_network_without_hidden_layers_has_contributions_of_its_inputs(backend):
    specs = dense_layers([784, 10], "sigmoid")
    network = Network.initial(specs, seed=0)
    image = backend.dataset("mnist").samples[0]
    [described] = describe_layers(network, specs, Fields(image[None], {}, []), "unit")
    [last] = described["layers"]
    expected = network.layers[0].weights * (image.reshape(784) / 255)
    np.testing.assert_allclose(last["contributions"], expected, rtol=1e-12)
    assert last["biases"].tolist() == [0] * 10
    with pytest.raises(InvalidInputError, match="no hidden layers"):
        read_off("1.0", specs)


@pytest.mark.parametrize(
    ("off", "words"),
    [
        ("3.0", "1 to 2"),
        ("0.0", "1 to 2"),
        ("1.32", "0 to 31"),
        ("1", "such as 1.17"),
        ("", "such as 1.17"),
        ("1.1,", "such as 1.17"),
        ("1.-1", "such as 1.17"),
    ],
)
def test_neurons_that_do_not_exist_are_rejected(client, backend, model, off, words):
    image = encode(backend.dataset("mnist").samples[0])
    answer = client.post(f"/predict?off={off}", data=image, content_type="image/png")
    problem = check_problem(answer, 422)
    assert pointers(problem) == ["/off"]
    assert words in problem["errors"][0]["detail"]


def test_activations_of_too_many_images_are_rejected(client, model):
    images = np.zeros((11, 28, 28), int).tolist()
    answer = client.post("/predict?activations=true", json={"images": images})
    assert pointers(check_problem(answer, 422)) == ["/activations"]
    answer = client.post("/predict?activations=true", json={"images": images[1:]})
    assert len(answer.json["predictions"]) == 10


def test_activations_and_top_go_together(client, backend, model):
    image = backend.dataset("mnist").samples[0]
    [prediction] = ask(client, image, "activations=true&top=2")["predictions"]
    assert len(prediction["top"]) == 2
    assert len(prediction["layers"]) == 3
