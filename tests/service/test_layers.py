"""The layers of models, and what they make of test samples."""

import numpy as np
import pytest

from stepbox.data.dataset import scale_pixels
from stepbox.nn.losses import softmax
from tests.datasets import add_dataset
from tests.problems import check_problem, pointers
from tests.service.conftest import image_of, publish_on


def get(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_layers_have_their_options_shapes_and_parameters(client, convolutions):
    answer = get(client, "/models/latest/layers")
    assert answer["model"] == convolutions[0]
    assert answer["layers"][:2] == [
        {
            "layer": 0,
            "type": "convolution",
            "channels": 6,
            "kernel": 5,
            "stride": 1,
            "padding": 1,
            "activation": "relu",
            "input_shape": [28, 28, 1],
            "output_shape": [26, 26, 6],
            "parameters": 156,
        },
        {
            "layer": 1,
            "type": "max-pool",
            "size": 2,
            "stride": 2,
            "activation": None,
            "input_shape": [26, 26, 6],
            "output_shape": [13, 13, 6],
            "parameters": 0,
        },
    ]
    assert answer["layers"][-1] == {
        "layer": 5,
        "type": "dense",
        "neurons": 10,
        "activation": None,
        "input_shape": [12],
        "output_shape": [10],
        "parameters": 130,
    }


def test_filters_are_the_weights_of_a_convolution(client, backend, convolutions):
    id, network = convolutions
    _, initial = backend.models.load_initial(id)
    for layer, shape in ((0, (5, 5)), (2, (3, 3, 6)), (4, (5, 5, 8)), (5, (12,))):
        answer = get(client, f"/models/{id}/layers/{layer}/filters")
        before, after = (one.layers[layer].arrays["weight"] for one in (initial, network))
        assert (answer["layer"], answer["count"], answer["columns"]) == (layer, len(after), None)
        changes = [one["change"] for one in answer["neurons"]]
        assert changes == sorted(changes, reverse=True)
        assert changes[0] > 0
        for one in answer["neurons"]:
            assert np.shape(one["after"]) == shape
            expected = after[one["neuron"]].reshape(shape)
            np.testing.assert_allclose(one["after"], expected, rtol=1e-3)
            np.testing.assert_allclose(
                one["before"], before[one["neuron"]].reshape(shape), rtol=1e-3
            )
    few = get(client, f"/models/{id}/layers/0/filters?limit=2")
    assert get(client, f"/models/{id}/first-layer?limit=2") == few


def test_filters_are_drawn_side_by_side_and_their_channels_below_each_other(client, convolutions):
    id, network = convolutions
    assert image_of(client.get(f"/models/{id}/layers/0/filters.png")).shape == (5, 6 * 5)
    picture = image_of(client.get(f"/models/{id}/layers/2/filters.png"))
    assert picture.shape == (6 * 3, 8 * 3)
    first = get(client, f"/models/{id}/layers/2/filters?limit=1")["neurons"][0]
    weights = np.array(first["after"])  # row, column, channel
    scale = np.abs(network.layers[2].weights).max()
    levels = picture[:, :3].reshape(6, 3, 3)  # channel, row, column
    np.testing.assert_allclose(
        (levels.astype(float) - 128) / 127, np.moveaxis(weights, 2, 0) / scale, atol=0.005
    )
    assert image_of(client.get(f"/models/{id}/layers/4/filters.png")).shape == (8 * 5, 12 * 5)


def test_filters_of_color_images_are_in_color(client, backend, uploaded):
    spec, splits = uploaded["colors"]
    layers = [{"type": "max-pool", "size": 2}, {"type": "convolution", "channels": 4, "kernel": 3}]
    model, _ = publish_on(backend, spec, splits, layers=layers)
    first = get(client, f"/models/{model}/first-layer")
    assert (first["layer"], np.shape(first["neurons"][0]["after"])) == (1, (3, 3, 3))
    assert image_of(client.get(f"/models/{model}/layers/1/filters.png")).shape == (3, 12, 3)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("layers/6/filters", "numbered 0 to 5"),
        ("layers/6/filters.png", "numbered 0 to 5"),
        ("layers/1/filters", "layer 1 is a pooling layer"),
        ("layers/1/filters.png", "layer 1 is a pooling layer"),
        ("layers/5/filters.png", "layer 5 takes vectors"),
        ("feature-maps/6.png", "numbered 0 to 5"),
    ],
)
def test_what_a_layer_does_not_have_is_404(client, convolutions, path, words):
    assert words in check_problem(client.get(f"/models/latest/{path}"), 404)["detail"]


def test_feature_maps_are_the_outputs_of_each_layer(client, backend, convolutions):
    id, network = convolutions
    test_set = backend.dataset("mnist")
    answer = get(client, f"/models/{id}/feature-maps?index=12")
    inputs = scale_pixels(test_set.samples[12:13], "unit", network.dtype)
    assert (answer["index"], answer["label"]) == (12, test_set.labels[12])
    assert answer["predicted"] == network.logits(inputs).argmax()
    assert [layer["layer"] for layer in answer["layers"]] == [0, 1, 2, 3, 4, 5]
    for layer, described in zip(network.layers, answer["layers"], strict=True):
        inputs = layer.activation.function(layer.forward(inputs))
        assert described["shape"] == [*layer.output_shape] == [*np.shape(described["maps"])]
        np.testing.assert_allclose(np.ravel(described["maps"]), inputs[0], rtol=1e-3)
        assert ("winners" in described) == (described["type"] == "max-pool")
    third = get(client, f"/models/{id}/feature-maps?index=12&layer=3")
    assert third["layers"] == answer["layers"][3:4]
    assert third["predicted"] == answer["predicted"]


def test_winners_say_where_each_maximum_comes_from(client, convolutions):
    layers = get(client, "/models/latest/feature-maps?index=3")["layers"]
    for pool in (1, 3):
        source, maps = np.array(layers[pool - 1]["maps"]), np.array(layers[pool]["maps"])
        rows, columns = np.moveaxis(layers[pool]["winners"], -1, 0)
        channels = np.broadcast_to(np.arange(maps.shape[-1]), maps.shape)
        np.testing.assert_array_equal(source[rows, columns, channels], maps)
        stride = 2 if pool == 1 else 1
        top, left = (stride * np.arange(length) for length in maps.shape[:2])
        assert ((rows - top[:, None, None] >= 0) & (rows - top[:, None, None] < 2)).all()
        assert ((columns - left[:, None] >= 0) & (columns - left[:, None] < 2)).all()


def test_feature_maps_are_drawn_side_by_side(client, convolutions):
    id, _ = convolutions
    answer = client.get(f"/models/{id}/feature-maps/1.png?index=12")
    picture = image_of(answer).astype(float)
    maps = np.array(get(client, f"/models/{id}/feature-maps?index=12&layer=1")["layers"][0]["maps"])
    expected = np.concatenate(list(np.moveaxis(maps, -1, 0)), axis=1) / np.abs(maps).max()
    np.testing.assert_allclose((picture - 128) / 127, expected, atol=0.005)
    again = client.get(
        f"/models/{id}/feature-maps/1.png?index=12",
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert again.status_code == 304
    assert image_of(client.get(f"/models/{id}/feature-maps/5.png")).shape == (1, 10)


def test_attribution_is_the_gradient_and_the_occlusion_of_the_predicted_class(
    client, backend, convolutions
):
    id, network = convolutions
    image = backend.dataset("mnist").samples[12]

    def probabilities(images):
        return softmax(network.logits(scale_pixels(images, "unit", network.dtype)))

    answer = get(client, f"/models/{id}/attribution?index=12")
    [whole] = probabilities(image[None])
    label = whole.argmax()
    assert (answer["class"], answer["label"]) == (label, backend.dataset("mnist").labels[12])
    assert answer["probability"] == pytest.approx(whole[label], rel=1e-5)
    exact = network.copy(np.complex128)
    steps = image.reshape(784) / 255 + 1e-200j * np.eye(784)
    np.testing.assert_allclose(
        np.ravel(answer["gradient"]),
        exact.logits(steps)[:, label].imag / 1e-200,
        rtol=1e-3,
        atol=1e-5,
    )
    occlusion = answer["occlusion"]
    assert (occlusion["size"], occlusion["stride"], occlusion["fill"]) == (6, 2, 0)
    assert np.shape(occlusion["drops"]) == (14, 14)
    for row, column in ((0, 0), (5, 7), (13, 13)):
        covered = image.copy()
        covered[max(0, 2 * row - 2) : 2 * row + 4, max(0, 2 * column - 2) : 2 * column + 4] = 0
        drop = whole[label] - probabilities(covered[None])[0, label]
        assert occlusion["drops"][row][column] == pytest.approx(drop, abs=1e-5)


@pytest.mark.parametrize("view", ["feature-maps", "attribution", "feature-maps/0.png"])
def test_a_test_sample_that_does_not_exist_is_rejected(client, convolutions, view):
    problem = check_problem(client.get(f"/models/latest/{view}?index=10000"), 422)
    assert pointers(problem) == ["/index"]
    assert "0 to 9999" in problem["errors"][0]["detail"]


def test_a_layer_that_does_not_exist_is_rejected(client, convolutions):
    problem = check_problem(client.get("/models/latest/feature-maps?layer=6"), 422)
    assert pointers(problem) == ["/layer"]
    assert "0 to 5" in problem["errors"][0]["detail"]


def test_dense_layers_and_vectors_have_feature_maps_too(client, backend, uploaded):
    spec, splits = uploaded["flowers"]
    model, network = publish_on(backend, spec, splits)
    answer = get(client, f"/models/{model}/feature-maps?index=2")
    shapes = [layer["shape"] for layer in answer["layers"]]
    assert shapes == [[32], [32], [3]]
    [logits] = network.logits(splits["test"].samples[2:3])
    np.testing.assert_allclose(answer["layers"][2]["maps"], logits, rtol=1e-3)
    check_problem(client.get(f"/models/{model}/attribution"), 404)


def test_the_layers_of_a_large_network_are_listed_one_at_a_time(client, backend):
    spec, splits = add_dataset(backend.datasets, "large", (64, 64, 3))
    layers = [
        {"type": "convolution", "channels": 256, "kernel": 1},
        {"type": "max-pool", "size": 1},
        {"type": "max-pool", "size": 8},
    ]
    model, _ = publish_on(backend, spec, splits, layers=layers)
    problem = check_problem(client.get(f"/models/{model}/feature-maps"), 422)
    assert pointers(problem) == ["/layer"]
    assert "2,113,539 numbers" in problem["errors"][0]["detail"]
    last = get(client, f"/models/{model}/feature-maps?layer=2")["layers"]
    assert np.shape(last[0]["winners"]) == (8, 8, 256, 2)
