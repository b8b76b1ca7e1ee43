"""Version 1 of the inference protocol, through its endpoints."""

import base64
import gzip
import io
import json

import numpy as np
import pytest
from PIL import Image

from service.app import create_app
from stepbox.data.dataset import scale_pixels
from stepbox.nn.losses import softmax
from stepbox.store.weights import WEIGHTS
from tests.problems import check_error, pointers_in
from tests.service.conftest import publish

PREDICT = "/v1/models/latest:predict"


@pytest.fixture
def images(backend):
    return backend.dataset("mnist").samples[:3]


def text(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def check_predictions(answer, network, images):
    assert answer.status_code == 200, answer.text
    assert list(answer.json) == ["predictions"]
    expected = softmax(network.logits(scale_pixels(images, "unit")))
    np.testing.assert_allclose(answer.json["predictions"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "form",
    [
        lambda images: images.tolist(),
        lambda images: images.reshape(-1, 784).tolist(),
        lambda images: images[..., None].tolist(),
        lambda images: [text(image) for image in images],
        lambda images: [{"b64": text(image)} for image in images],
    ],
    ids=["28x28", "784", "28x28x1", "texts", "b64"],
)
def test_all_forms_of_instances_are_predicted(client, model, images, form):
    body = {"signature_name": "serving_default", "instances": form(images)}
    check_predictions(client.post(PREDICT, json=body), model[1], images)


def test_numbers_up_to_1_need_a_scale(client, model, images):
    body = {"instances": (images / 255).tolist()}
    error = check_error(client.post(PREDICT, json=body), 422)
    assert pointers_in(error) == ["/instances"]
    assert '"scale": "unit"' in error
    answer = client.post(PREDICT, json={**body, "scale": "unit"})
    check_predictions(answer, model[1], images)


def test_instances_are_prepared_as_predict_does(client, model, images):
    answer = client.post(PREDICT, json={"instances": (255 - images).tolist()})
    check_predictions(answer, model[1], images)


def test_a_model_is_found_by_id_and_by_alias(client, model, images):
    id, network = model
    client.put("/aliases/best", json={"model": id})
    for ref in (id, "best", "latest-mnist"):
        answer = client.get(f"/v1/models/{ref}").json
        assert (answer["name"], answer["ready"]) == (id, True)
        (version,) = answer["model_version_status"]
        assert (version["version"], version["state"]) == ("1", "AVAILABLE")
        body = {"instances": images.tolist()}
        check_predictions(client.post(f"/v1/models/{ref}:predict", json=body), network, images)


def test_the_list_has_the_models_that_can_be_used(client, backend, model):
    damaged, _ = publish(backend)
    (backend.settings.models_dir / damaged / WEIGHTS).write_bytes(b"other")
    assert client.get("/v1/models").json == {"models": [model[0]]}


def test_a_compressed_body_is_read(client, model, images):
    body = gzip.compress(json.dumps({"instances": images.tolist()}).encode())
    answer = client.post(PREDICT, data=body, headers={"Content-Encoding": "gzip"})
    check_predictions(answer, model[1], images)


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (b"", 400, "not JSON"),
        (b"[]", 400, "must be a JSON object"),
        (b"{}", 422, "/instances: is missing"),
        (b'{"inputs": [[0]]}', 422, "/inputs: is unknown: send 'instances'"),
        (b'{"instances": [{"b64": 7}]}', 422, "/instances/0/b64: must be a text"),
        (b'{"instances": [[0, 1]]}', 422, "/instances: has the shape (1, 2)"),
        (b'{"signature_name": {"instances": [0, 9]}, "instances": []}', 422, "has 0 images"),
        (b'{"instances": [{"image": "AAAA"}]}', 422, "/instances/0/b64: must be a text"),
    ],
)
def test_invalid_requests_are_rejected(client, model, data, status, words):
    assert words in check_error(client.post(PREDICT, data=data), status)


def test_a_missing_model_is_404_or_409(client, backend):
    check_error(client.post(PREDICT, json={"instances": []}), 409)
    publish(backend)
    for method, path in (("get", "/v1/models/none"), ("post", "/v1/models/none:predict")):
        error = check_error(client.open(path, method=method), 404)
        assert "none" in error
    check_error(client.get("/v1/nowhere"), 404)
    check_error(client.get(PREDICT), 405)


def test_predictions_count_toward_the_limit(backend, model, images):
    app = create_app(backend.settings.model_copy(update={"predict_limit": "1/minute"}))
    client = app.test_client()
    body = {"instances": images.tolist()}
    assert client.post(PREDICT, json=body).status_code == 200
    assert "wait" in check_error(client.post(PREDICT, json=body), 429)
