import hashlib
import io
import zipfile

import numpy as np
import onnx
import onnxruntime
import pytest

from stepbox.errors import DatasetError
from stepbox.nn.losses import softmax
from stepbox.training.evaluation import predict_logits
from tests.datasets import MADE, add_dataset
from tests.problems import check_problem, pointers
from tests.service.conftest import publish, publish_on

WINDOWS = [
    {"type": "convolution", "channels": 5, "kernel": 3, "padding": 1},
    {"type": "max-pool", "size": 2},
]


def described(content):
    return {one.key: one.value for one in onnx.load_from_string(content).metadata_props}


def test_an_onnx_file_predicts_like_the_model(client, convolutions, backend):
    id, network = convolutions
    answer = client.get(f"/models/{id}/export")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={id}.onnx"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.data).hexdigest()}"'
    assert answer.headers["X-Checked-On"] == "the first 1,000 test samples of mnist"
    assert described(answer.data)["model"] == id
    images = backend.dataset("mnist").samples[:100]
    (found,) = onnxruntime.InferenceSession(answer.data).run(["probabilities"], {"images": images})
    expected = softmax(predict_logits(network, images, "unit").astype(np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("format", ["onnx", "npz", "torch"])
def test_a_file_that_the_client_has_is_304(client, backend, format):
    id, _ = publish(backend)
    first = client.get(f"/models/{id}/export?format={format}")
    again = client.get(
        f"/models/latest/export?format={format}", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    other, _ = publish(backend, seed=1)
    answer = client.get(
        f"/models/{other}/export?format={format}", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (answer.status_code, answer.data == first.data) == (200, False)


def test_the_other_formats(client, model):
    id, network = model
    npz = client.get(f"/models/{id}/export?format=npz")
    assert npz.headers["Content-Disposition"] == f"attachment; filename={id}.npz"
    with np.load(io.BytesIO(npz.data), allow_pickle=False) as arrays:
        assert (arrays["0.weight"] == network.layers[0].weights).all()
    archive = client.get(f"/models/{id}/export?format=torch")
    assert archive.headers["Content-Type"] == "application/zip"
    assert archive.headers["Content-Disposition"] == f"attachment; filename={id}-torch.zip"
    assert zipfile.ZipFile(io.BytesIO(archive.data)).namelist() == ["load.py", "model.safetensors"]


def test_without_its_data_set_a_model_is_checked_on_random_samples(client, backend):
    spec, splits = add_dataset(backend.datasets, "colors", (8, 9, 3), created_at=MADE)
    publish_on(backend, spec, splits, layers=WINDOWS)
    answer = client.get("/models/latest/export")
    assert answer.headers["X-Checked-On"] == "the first 12 test samples of colors"
    publish_on(backend, spec, splits, layers=WINDOWS, seed=1)
    assert client.delete(f"/datasets/{spec.id}?force=true").status_code == 204
    answer = client.get("/models/latest/export")
    assert answer.headers["X-Checked-On"] == "1,000 random samples"


def test_a_test_set_that_cannot_be_read_now_is_a_503(client, backend, monkeypatch):
    id, _ = publish(backend)

    def fail(reference, split):
        raise DatasetError("the file is missing")

    with monkeypatch.context() as change:
        change.setattr(backend, "dataset", fail)
        check_problem(client.get(f"/models/{id}/export"), 503)
        assert "X-Checked-On" not in client.get(f"/models/{id}/export?format=npz").headers
    answer = client.get(f"/models/{id}/export")
    assert answer.headers["X-Checked-On"] == "the first 1,000 test samples of mnist"


def test_a_file_is_made_once(client, backend, monkeypatch):
    id, _ = publish(backend)
    made = []
    load = backend.models.load
    monkeypatch.setattr(backend.models, "load", lambda ref: made.append(ref) or load(ref))
    contents = {client.get(f"/models/{ref}/export").data for ref in (id, "latest", id)}
    assert (len(contents), made) == (1, [id])


def test_a_file_with_other_predictions_is_a_problem(client, backend):
    def enlarge(network):
        network.layers[-1].biases += 1e7  # in 32-bit floats, the last digit is then 1

    for name, shape, status in (("far", (3,), 200), ("bright", (3, 3), 500)):
        spec, splits = add_dataset(backend.datasets, name, shape, classes=2)
        id, _ = publish_on(backend, spec, splits, change=enlarge)
        answer = client.get(f"/models/{id}/export")
        assert answer.status_code == status  # networks for vectors keep 64-bit floats
        assert client.get(f"/models/{id}/export?format=npz").status_code == 200
    detail = check_problem(answer, 500)["detail"]
    assert "test samples of bright, a probability differs by" in detail


def test_what_cannot_be_exported(client, model):
    id, _ = model
    body = check_problem(client.get(f"/models/{id}/export?format=pickle"), 422)
    assert pointers(body) == ["/format"]
    check_problem(client.get("/models/m-000000000000/export"), 404)
    check_problem(client.get("/models/nothing/export?format=npz"), 404)
