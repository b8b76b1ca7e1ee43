"""The inputs and outputs of /predict, with a network of random weights."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from stepbox.data.dataset import scale_pixels
from stepbox.nn.losses import softmax
from tests.problems import check_problem, pointers
from tests.service.conftest import publish


@pytest.fixture
def images(backend):
    return backend.dataset("mnist").samples[:3]


def encode(pixels, form="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def expected(network, pixels):
    return network.logits(scale_pixels(pixels, "unit"))


def check_answer(answer, id, logits):
    assert answer.status_code == 200, answer.text
    body = answer.json
    assert body["model"] == id
    assert body["classes"] == list("0123456789")
    assert len(body["predictions"]) == len(logits)
    for prediction, row in zip(body["predictions"], logits, strict=True):
        np.testing.assert_allclose(prediction["logits"], row, rtol=1e-12)
        np.testing.assert_allclose(prediction["probabilities"], softmax(row), rtol=1e-12)
        assert abs(sum(prediction["probabilities"]) - 1) < 1e-6
        assert prediction["index"] == row.argmax()
        assert prediction["label"] == str(row.argmax())
        assert prediction["probability"] == max(prediction["probabilities"])


def test_without_a_model_predictions_are_409(client):
    check_problem(client.post("/predict", data=b"", content_type="image/png"), 409)


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "TIFF"])
def test_an_image_file_is_predicted(client, model, images, form):
    id, network = model
    answer = client.post(
        "/predict", data=encode(images[0], form), content_type=f"image/{form.lower()}"
    )
    check_answer(answer, id, expected(network, images[:1]))


def test_a_jpeg_of_another_size_gets_nearly_the_same_prediction(client, model, images):
    _, network = model
    large = np.kron(images[0], np.ones((10, 10), np.uint8))
    answer = client.post("/predict", data=encode(large, "JPEG"), content_type="image/jpeg")
    (prediction,) = answer.json["predictions"]
    np.testing.assert_allclose(
        prediction["probabilities"], softmax(expected(network, images[:1]))[0], atol=0.05
    )


def test_dark_on_light_is_inverted_by_default(client, model, images):
    id, network = model
    data = encode(255 - images[0])
    check_answer(
        client.post("/predict", data=data, content_type="image/png"),
        id,
        expected(network, images[:1]),
    )
    check_answer(
        client.post("/predict?invert=never", data=data, content_type="image/png"),
        id,
        expected(network, 255 - images[:1]),
    )


def test_several_files_are_predicted_in_order(client, model, images):
    id, network = model
    parts = [(io.BytesIO(encode(image)), f"{i}.png") for i, image in enumerate(images)]
    answer = client.post("/predict", data={"image": parts}, content_type="multipart/form-data")
    check_answer(answer, id, expected(network, images))


def test_json_pixels_are_predicted(client, model, images):
    id, network = model
    answer = client.post("/predict", json={"images": images.tolist()})
    check_answer(answer, id, expected(network, images))


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_npy_batch_is_predicted(client, model, images, order):
    id, network = model
    data = npy(np.asarray(images, order=order))
    answer = client.post("/predict", data=data, content_type="application/x-npy")
    check_answer(answer, id, expected(network, images))


@pytest.mark.parametrize("kind", ["application/x-npy", "application/json"])
def test_arrays_are_inverted_like_image_files(client, model, images, kind):
    id, network = model
    light = 255 - images
    both = np.stack([light[0], images[1]])
    data = npy(both) if kind == "application/x-npy" else json.dumps({"images": both.tolist()})
    for query, seen in (
        ("", images[:2]),
        ("?invert=auto", images[:2]),
        ("?invert=never", both),
        ("?invert=always", 255 - both),
    ):
        answer = client.post(f"/predict{query}", data=data, content_type=kind)
        check_answer(answer, id, expected(network, seen))


def test_arrays_are_fitted_like_image_files(client, model, images):
    shifted = np.roll(images[:1], 4, axis=2)
    arrays = client.post("/predict?fit=mnist", json={"images": shifted.tolist()})
    image = client.post("/predict?fit=mnist", data=encode(shifted[0]), content_type="image/png")
    assert arrays.json == image.json


def drawing(image):
    """Return a digit as a dark drawing in the corner of a larger, light image."""
    page = np.full((300, 420), 230, np.uint8)
    big = np.asarray(Image.fromarray(image).resize((140, 140), Image.Resampling.BICUBIC))
    page[150:290, 20:160] = 230 - (big * 0.8).astype(np.uint8)
    return page


def test_a_drawing_is_prepared_and_the_answer_says_how(client, model, images):
    data = encode(drawing(images[0]))
    [prepared] = client.post("/predict", data=data, content_type="image/png").json["predictions"]
    fit = prepared["fit"]
    assert (fit["preparation"], fit["inverted"]) == ("mnist", True)
    left, top, right, bottom = fit["box"]
    assert 20 <= left < right <= 160
    assert 150 <= top < bottom <= 290
    assert "ink" not in prepared
    [same] = client.post("/predict?fit=mnist", data=data, content_type="image/png").json[
        "predictions"
    ]
    assert same == prepared
    [scaled] = client.post("/predict?fit=none", data=data, content_type="image/png").json[
        "predictions"
    ]
    assert scaled["fit"]["preparation"] == "none"
    assert scaled["fit"]["box"] == [0, 0, 420, 300]


def test_each_image_of_a_form_says_how_it_was_prepared(client, model, images):
    """Images of the data set's form are used as they are, also between others."""
    _, network = model
    sent = [images[0], drawing(images[1]), 255 - images[2], images[1], np.zeros_like(images[0])]
    parts = [(io.BytesIO(encode(image)), f"{i}.png") for i, image in enumerate(sent)]
    answer = client.post("/predict", data={"image": parts}, content_type="multipart/form-data")
    predictions = answer.json["predictions"]
    assert [one.get("fit", {}).get("preparation") for one in predictions] == [
        *(None, "mnist", "none", None, None)
    ]
    assert [one.get("ink", True) for one in predictions] == [True, True, True, True, False]
    logits = expected(network, images)
    for place, image in ((0, 0), (2, 2), (3, 1)):
        np.testing.assert_allclose(predictions[place]["logits"], logits[image])


@pytest.mark.parametrize("query", ["", "?fit=none", "?explain=true", "?top=1"])
@pytest.mark.parametrize("level", [0, 120, 255])
@pytest.mark.parametrize("shape", [(28, 28), (200, 300)])
def test_an_image_that_shows_nothing_says_so(client, model, shape, level, query):
    data = encode(np.full(shape, level, np.uint8))
    answer = client.post(f"/predict{query}", data=data, content_type="image/png")
    [prediction] = answer.json["predictions"]
    assert prediction["ink"] is False
    assert 0 < prediction["probability"] <= 1


def test_a_model_is_chosen_by_alias_or_by_data_set(client, backend, model, images):
    id, _ = model
    assert client.put("/aliases/best", json={"model": id}).status_code == 200
    newer, _ = publish(backend, "fashion-mnist-torch")
    for ref, answering in (
        ("best", id),
        ("latest-mnist", id),
        (id, id),
        ("latest", newer),
        ("latest-fashion-mnist", newer),
    ):
        answer = client.post(
            f"/predict?model={ref}", data=encode(images[0]), content_type="image/png"
        )
        assert answer.json["model"] == answering
    assert answer.json["classes"][9] == "Ankle boot"
    check_problem(
        client.post("/predict?model=none", data=encode(images[0]), content_type="image/png"), 404
    )


@pytest.mark.parametrize(
    ("data", "kind", "status", "pointer"),
    [
        (b"no image", "image/png", 422, ""),
        (b"", "image/jpeg", 422, ""),
        (b"x", "text/plain", 415, None),
        (b"x", "application/octet-stream", 415, None),
        (b"{", "application/json", 400, None),
        (b"{}", "application/json", 422, "/images"),
        (b'{"images": []}', "application/json", 422, "/images"),
        (b'{"images": [[[0]]], "more": 1}', "application/json", 422, "/images"),
        (b"no array", "application/x-npy", 422, ""),
        (npy(np.zeros((1, 28, 27), np.uint8)), "application/x-npy", 422, ""),
        (npy(np.zeros((27, 28), np.uint8)), "application/x-npy", 422, ""),
        (npy(np.zeros((0, 28, 28), np.uint8)), "application/x-npy", 422, ""),
        (npy(np.zeros((2, 28, 28), np.uint8))[:-1], "application/x-npy", 422, ""),
        (npy(np.zeros((2, 28, 28), np.uint8)) + b"x", "application/x-npy", 422, ""),
        (npy(np.array([{}]), allow_pickle=True), "application/x-npy", 422, ""),
    ],
)
def test_invalid_bodies_are_rejected(client, model, data, kind, status, pointer):
    body = check_problem(client.post("/predict", data=data, content_type=kind), status)
    if pointer is not None:
        assert pointer in pointers(body)


@pytest.mark.parametrize("value", ["true", "false", "null", '"1"', "[]", "1e400"])
def test_an_invalid_pixel_of_a_later_image_is_named(client, model, value):
    image = str([[0] * 28] * 28)
    odd = image[: image.rindex("0")] + value + image[image.rindex("0") + 1 :]
    data = f'{{"images": [{image}, {odd}]}}'
    answer = client.post("/predict", data=data, content_type="application/json")
    assert pointers(check_problem(answer, 422)) == ["/images/1/27/27"]


def test_each_empty_image_is_named(client, model):
    image = [[0] * 28] * 28
    answer = client.post("/predict", json={"images": [image, [], [], image]})
    assert pointers(check_problem(answer, 422)) == ["/images/1", "/images/2"]


@pytest.mark.parametrize("pixel", [-1, 255.5, "0", None, True])
def test_an_invalid_pixel_is_named(client, model, pixel):
    image = np.zeros((28, 28)).tolist()
    image[3][7] = pixel
    body = check_problem(client.post("/predict", json={"images": [image]}), 422)
    assert pointers(body) == ["/images/0/3/7"]


def test_invalid_parts_are_named(client, model, images):
    for data, pointer in (
        ({"image": [(io.BytesIO(encode(images[0])), "a"), (io.BytesIO(b"x"), "b")]}, "/image/1"),
        ({"picture": [(io.BytesIO(encode(images[0])), "a")]}, "/picture"),
        ({}, "/image"),
    ):
        answer = client.post("/predict", data=data, content_type="multipart/form-data")
        assert pointers(check_problem(answer, 422)) == [pointer]


@pytest.mark.parametrize("query", ["invert=maybe", "fit=yes", "modle=latest"])
def test_invalid_queries_are_rejected(client, model, images, query):
    answer = client.post(f"/predict?{query}", data=encode(images[0]), content_type="image/png")
    assert pointers(check_problem(answer, 422)) == ["/" + query.split("=")[0]]
