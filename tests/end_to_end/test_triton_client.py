"""NVIDIA's Triton client works with the running API."""

import base64

import numpy as np
import pytest
import requests
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from service.backend import Backend
from service.settings import ServiceSettings
from tests.processes import stack_in
from tests.service.conftest import publish


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Run the API with a model, without Redis and without a worker; also return test images."""
    with stack_in(tmp_path_factory.mktemp("triton")) as stack:
        stack.start_service()
        settings = ServiceSettings(
            models_dir=stack.models_dir, data_dir=stack.environment["STEPBOX_DATA_DIR"]
        )
        backend = Backend(settings)
        id, _ = publish(backend)
        yield stack, id, backend.dataset("mnist").samples[:50]


@pytest.fixture
def client(service):
    stack, _, _ = service
    with InferenceServerClient(stack.url.removeprefix("http://")) as client:
        yield client


def as_input(images, *, binary=True):
    tensor = InferInput("images", images.shape, "UINT8")
    return [tensor.set_data_from_numpy(images, binary_data=binary)]


def predicted(service):
    """Return the probabilities and logits of /predict for the same images."""
    stack, _, images = service
    answer = requests.post(
        f"{stack.url}/predict?invert=never", json={"images": images.tolist()}, timeout=10
    ).json()["predictions"]
    return {
        name: np.array([one[name] for one in answer], np.float32)
        for name in ("probabilities", "logits")
    }


def test_it_finds_the_server_and_its_models(client, service):
    _, id, _ = service
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata()["name"] == "stepbox"
    for version in ("", "1"):
        assert client.is_model_ready("latest", version)
        metadata = client.get_model_metadata("latest", version)
        assert metadata["name"] == id
        assert [one["name"] for one in metadata["outputs"]] == ["probabilities", "logits"]
    assert not client.is_model_ready("none-such")
    (listed,) = client.get_model_repository_index()
    assert listed == {"name": id, "version": "1", "state": "READY", "reason": ""}


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_it_gets_the_same_predictions_as_predict(client, service, binary_in, binary_out):
    _, id, images = service
    names = ("logits", "probabilities")
    answer = client.infer(
        "latest-mnist",
        as_input(images, binary=binary_in),
        outputs=[InferRequestedOutput(name, binary_data=binary_out) for name in names],
        request_id="42",
    )
    head = answer.get_response()
    assert (head["model_name"], head["id"]) == (id, "42")
    assert [("data" in output) for output in head["outputs"]] == [not binary_out] * 2
    for name, values in predicted(service).items():
        assert answer.as_numpy(name).dtype == np.float32
        assert np.array_equal(answer.as_numpy(name), values)


@pytest.mark.parametrize("packed", ["gzip", "deflate"])
def test_it_infers_with_its_defaults_and_with_compression(client, service, packed):
    _, id, images = service
    wanted = predicted(service)
    for options in (
        {},
        {"model_version": "1"},
        {"request_compression_algorithm": packed, "response_compression_algorithm": packed},
        {"priority": 1, "parameters": {"purpose": "a test"}},
    ):
        answer = client.infer(id, as_input(images), **options)
        for name, values in wanted.items():
            assert np.array_equal(answer.as_numpy(name), values)


def test_it_infers_many_at_once(client, service):
    _, id, images = service
    wanted = predicted(service)["logits"]
    waiting = [client.async_infer(id, as_input(images)) for _ in range(20)]
    for one in waiting:
        assert np.array_equal(one.get_result().as_numpy("logits"), wanted)


@pytest.mark.parametrize("shape", [(50,), (50, 1)])
@pytest.mark.parametrize("binary", [True, False])
def test_it_sends_image_files_as_bytes(client, service, shape, binary):
    stack, id, _ = service
    files = [
        requests.get(f"{stack.url}/datasets/mnist/test/{i}.png", timeout=10).content
        for i in range(50)
    ]
    sent = files if binary else [base64.b64encode(file) for file in files]
    array = np.array(sent, np.object_).reshape(shape)
    tensor = InferInput("images", shape, "BYTES").set_data_from_numpy(array, binary_data=binary)
    found = client.infer(id, [tensor]).as_numpy("logits")
    assert np.array_equal(found, predicted(service)["logits"])


def test_it_sends_floats_with_their_scale(client, service):
    _, id, images = service
    unit = (images / 255).astype(np.float32)
    tensor = InferInput("images", unit.shape, "FP32").set_data_from_numpy(unit)
    with pytest.raises(InferenceServerException, match='"scale": "unit"'):
        client.infer(id, [tensor])
    found = client.infer(id, [tensor], parameters={"scale": "unit"}).as_numpy("logits")
    np.testing.assert_allclose(found, predicted(service)["logits"], rtol=1e-4, atol=1e-5)


def test_its_errors_contain_the_messages_of_the_api(client, service):
    _, id, images = service
    for model, sent, outputs, status, words in (
        ("none-such", images, None, "404", "there is no model or alias 'none-such'"),
        (id, images[:, :27], None, "422", "/inputs/0/shape: must be"),
        (id, images, [InferRequestedOutput("classes")], "422", "/outputs/0/name"),
        (id, images, [InferRequestedOutput("logits", class_count=3)], "422", "not supported"),
    ):
        with pytest.raises(InferenceServerException, match=words) as caught:
            client.infer(model, as_input(np.ascontiguousarray(sent)), outputs=outputs)
        assert caught.value.status() == status
    with pytest.raises(InferenceServerException, match="none-such"):
        client.get_model_metadata("none-such")
