"""The Open Inference Protocol, version 2, through its endpoints."""

import base64
import gzip
import io
import json
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from service.app import create_app
from stepbox.data.dataset import scale_pixels
from stepbox.nn.losses import softmax
from stepbox.store.weights import WEIGHTS
from tests.problems import check_error, pointers_in
from tests.service.conftest import publish

INFER = "/v2/models/latest/infer"
HEAD_LENGTH = "Inference-Header-Content-Length"
OCTETS = "application/octet-stream"
PROBABILITIES, LOGITS = {"name": "probabilities"}, {"name": "logits"}


@pytest.fixture
def images(backend):
    return backend.dataset("mnist").samples[:3]


def json_request(images, *, data=None, outputs=None, **members):
    """Make the JSON of a request for these images."""
    tensor = {"name": "images", "shape": list(images.shape), "datatype": "UINT8"}
    tensor["data"] = images.ravel().tolist() if data is None else data
    body = {"inputs": [tensor], **members}
    return body if outputs is None else {**body, "outputs": outputs}


def binary_request(images, *, size=None, binary=None, **members):
    """Make the body and the headers of a request with these images as binary data."""
    body = json_request(images, **members)
    del body["inputs"][0]["data"]
    binary = images.tobytes() if binary is None else binary
    body["inputs"][0]["parameters"] = {"binary_data_size": len(binary) if size is None else size}
    head = json.dumps(body).encode()
    return {"data": head + binary, "headers": {HEAD_LENGTH: str(len(head))}}


def expected(network, images):
    logits = network.logits(scale_pixels(images, "unit"))
    return {"probabilities": softmax(logits), "logits": logits}


def read_outputs(answer):
    """Read the JSON of a response, and its outputs by name."""
    assert answer.status_code == 200, answer.text
    head_length = answer.headers.get(HEAD_LENGTH, type=int)
    in_bytes = head_length is not None
    assert answer.mimetype == (OCTETS if in_bytes else "application/json")
    body = json.loads(answer.data[:head_length])
    binary = answer.data[head_length:] if in_bytes else b""
    found = {}
    for output in body["outputs"]:
        assert output["datatype"] == "FP32"
        if size := output.get("parameters", {}).get("binary_data_size"):
            assert "data" not in output
            values, binary = np.frombuffer(binary[:size], "<f4"), binary[size:]
        else:
            values = np.array(output["data"], np.float32)
        found[output["name"]] = values.reshape(output["shape"])
    assert not binary
    return body, found


def check_outputs(answer, expected_outputs):
    body, found = read_outputs(answer)
    assert list(found) == list(expected_outputs)
    for name, values in expected_outputs.items():
        assert np.array_equal(found[name], values.astype(np.float32))
    return body


def test_the_server_describes_itself(client):
    assert client.get("/v2/health/live").json == {"live": True}
    answer = client.get("/v2").json
    assert answer["name"] == "stepbox"
    assert answer["extensions"] == ["binary_tensor_data"]


def test_the_server_is_ready_once_there_is_a_model(client, backend):
    error = check_error(client.get("/v2/health/ready"), 409)
    assert "train one first" in error
    assert client.post("/v2/repository/index").json == []
    publish(backend)
    assert client.get("/v2/health/ready").json == {"ready": True}


@pytest.mark.parametrize("version", ["", "/versions/1"])
def test_a_model_is_found_by_id_and_by_alias(client, model, images, version):
    id, network = model
    client.put("/aliases/best", json={"model": id})
    for ref in (id, "best", "latest", "latest-mnist"):
        path = f"/v2/models/{ref}{version}"
        assert client.get(path).json == {
            "name": id,
            "versions": ["1"],
            "platform": "stepbox_safetensors",
            "inputs": [{"name": "images", "datatype": "UINT8", "shape": [-1, 28, 28]}],
            "outputs": [
                {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]},
                {"name": "logits", "datatype": "FP32", "shape": [-1, 10]},
            ],
        }
        assert client.get(f"{path}/ready").json == {"name": id, "ready": True}
        body = check_outputs(
            client.post(f"{path}/infer", json=json_request(images)), expected(network, images)
        )
        assert (body["model_name"], body["model_version"]) == (id, "1")
        assert "id" not in body


@pytest.mark.parametrize("rest", ["", "/ready", "/versions/2", "/versions/1/ready"])
def test_an_unknown_model_is_404(client, model, rest):
    ref = "latest" if rest == "/versions/2" else "none-such"
    assert check_error(client.get(f"/v2/models/{ref}{rest}"), 404)


def test_the_index_lists_damaged_models_with_the_reason(client, backend, model):
    id, _ = model
    damaged, _ = publish(backend)
    (backend.settings.models_dir / damaged / WEIGHTS).write_bytes(b"other")
    ready = {"name": id, "version": "1", "state": "READY", "reason": ""}
    first, second = client.post("/v2/repository/index", json={}).json
    assert (first["name"], first["state"], second) == (damaged, "UNAVAILABLE", ready)
    assert "damaged" in first["reason"]
    assert client.post("/v2/repository/index", json={"ready": True}).json == [ready]
    assert "damaged" in check_error(client.get(f"/v2/models/{damaged}/ready"), 409)
    assert client.get("/v2/models/latest").json["name"] == id


def test_the_index_reads_no_weights(client, backend, model, opened):
    id, _ = model
    weights = backend.settings.models_dir / id / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    opened(backend.settings.models_dir)
    [state] = client.post("/v2/repository/index").json
    assert state["state"] == "READY"
    assert f"{id}/{WEIGHTS}" not in opened(backend.settings.models_dir)
    time.sleep(0.06)  # nothing is cached for files younger than 50 ms
    check_error(client.get(f"/v2/models/{id}"), 409)
    [state] = client.post("/v2/repository/index").json
    assert "checksum" in state["reason"]


@pytest.mark.parametrize(
    ("data", "status"), [(b"{", 400), (b"[]", 400), (b'{"ready": 1}', 422), (b'{"red": 1}', 422)]
)
def test_invalid_index_requests_are_rejected(client, data, status):
    check_error(client.post("/v2/repository/index", data=data), status)


@pytest.mark.parametrize("form", [lambda p: p.ravel().tolist(), lambda p: p.tolist()])
def test_json_data_gets_json_outputs(client, model, images, form):
    body = json_request(images, data=form(images), id="42", outputs=[LOGITS])
    logits = expected(model[1], images)["logits"]
    assert check_outputs(client.post(INFER, json=body), {"logits": logits})["id"] == "42"


def test_no_content_type_is_needed(client, model, images):
    answer = client.post(INFER, data=json.dumps(json_request(images)))
    check_outputs(answer, expected(model[1], images))


def test_binary_data_gets_json_outputs_by_default(client, model, images):
    answer = client.post(INFER, **binary_request(images))
    check_outputs(answer, expected(model[1], images))


@pytest.mark.parametrize("order", [("logits", "probabilities"), ("probabilities", "logits")])
def test_binary_outputs_come_in_the_requested_order(client, model, images, order):
    outputs = [{"name": name, "parameters": {"binary_data": True}} for name in order]
    answer = client.post(INFER, **binary_request(images, outputs=outputs))
    expected_outputs = expected(model[1], images)
    check_outputs(answer, {name: expected_outputs[name] for name in order})
    assert HEAD_LENGTH in answer.headers


def test_parameters_of_an_output_override_those_of_the_request(client, model, images):
    in_json = {**PROBABILITIES, "parameters": {"binary_data": False}}
    body = json_request(images, outputs=[in_json, LOGITS], parameters={"binary_data_output": True})
    answer = client.post(INFER, json=body)
    found = check_outputs(answer, expected(model[1], images))["outputs"]
    assert [list(output)[-1] for output in found] == ["data", "parameters"]


def test_predict_returns_the_same_outputs(client, model, images):
    """Inference never inverts images, so it is compared with `invert=never`."""
    light = 255 - images
    predictions = client.post("/predict?invert=never", json={"images": light.tolist()}).json
    _, found = read_outputs(client.post(INFER, json=json_request(light)))
    for name in ("probabilities", "logits"):
        rows = np.array([one[name] for one in predictions["predictions"]])
        assert np.array_equal(found[name], rows.astype(np.float32))


def test_the_maximum_number_of_images_is_accepted(client, backend, model):
    images = backend.dataset("mnist").samples
    app = create_app(backend.settings.model_copy(update={"max_body_bytes": 2**23}))
    outputs = [{"name": "logits", "parameters": {"binary_data": True}}]
    answer = app.test_client().post(INFER, **binary_request(images, outputs=outputs))
    _, found = read_outputs(answer)
    expected_outputs = expected(model[1], images)["logits"]
    np.testing.assert_allclose(found["logits"], expected_outputs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_intact_compressed_bodies_are_accepted(client, model, images, encoding, compress):
    request = binary_request(images)
    headers = {**request["headers"], "Content-Encoding": encoding}
    answer = client.post(INFER, data=compress(request["data"]), headers=headers)
    check_outputs(answer, expected(model[1], images))
    for data, status in (
        (b"", 400),
        (request["data"], 400),
        (compress(request["data"])[:-1], 400),
        (compress(request["data"]) + b"x", 400),
        (compress(bytes(2**20 + 1)), 413),
    ):
        check_error(client.post(INFER, data=data, headers=headers), status)


def test_other_content_encodings_are_415(client, model, images):
    headers = {"Content-Encoding": "br"}
    assert "gzip" in check_error(client.post(INFER, data=b"", headers=headers), 415)


@pytest.mark.parametrize("place", ["/data", "/parameters/data", "/inputs/0/parameters/data"])
def test_lists_named_data_elsewhere_are_not_the_tensor(client, model, place):
    levels = [0] * 784
    body = request_with(place, levels)
    del body["inputs"][0]["data"]
    assert pointers_in(check_error(client.post(INFER, json=body), 422)) == ["/inputs/0/data"]
    with_both = request_with(place, levels)
    assert client.post(INFER, json=with_both).status_code == 200


def test_another_list_named_data_does_not_replace_an_empty_one(client, model):
    body = {"parameters": {"data": [0] * 784}, **request_with("/inputs/0/data", [])}
    assert list(body) == ["parameters", "inputs"]  # the other list comes first
    assert pointers_in(check_error(client.post(INFER, json=body), 422)) == ["/inputs/0/data"]


@pytest.mark.parametrize("gap", [10, 70_000])
def test_a_comma_without_a_number_is_invalid_json(client, model, gap):
    head = b'{"inputs": [{"name": "images", "datatype": "UINT8", "shape": [1, 28, 28], "data": ['
    data = head + b"1," * 784 + b" " * gap + b"]}]}"
    assert b"JSON" in client.post(INFER, data=data).data


def request_with(path, value):
    """Make the JSON of a request for one image, with another value at a path."""
    body = json_request(np.zeros((1, 28, 28), np.uint8))
    *way, last = path.split("/")[1:]
    place = body
    for name in way:
        place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
    place[int(last) if isinstance(place, list) else last] = value
    return body


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/id", 42),
        ("/id", "4" * 1001),
        ("/id", "\ud800"),
        ("/inputs", []),
        ("/inputs/0/name", "input"),
        ("/inputs/0/datatype", "INT8"),
        ("/inputs/0/shape/0", 0),
        ("/inputs/0/shape/0", 10_001),
        ("/inputs/0/shape/0", -1),
        ("/inputs/0/shape/0", 1.5),
        ("/inputs/0/shape/0", True),
        ("/inputs/0/shape", [1, 27, 28]),
        ("/inputs/0/shape", [1, 784]),
        ("/inputs/0/data", None),
        ("/inputs/0/data", "0" * 784),
        ("/inputs/0/data", []),
        ("/inputs/0/data", [0] * 783),
        ("/inputs/0/data", [0] * 785),
        ("/inputs/0/data", [[[0] * 28] * 28] * 2),
        ("/inputs/0/data", [[0] * 784]),
        ("/inputs/0/data/0", 256),
        ("/inputs/0/data/783", -1),
        ("/inputs/0/data/5", True),
        ("/inputs/0/data/5", 0.5),
        ("/inputs/0/data/5", "0"),
        ("/inputs/0/data/5", [0]),
        ("/inputs/0/parameters/shared_memory_region", "r"),
        ("/inputs/0/parameters/binary_data_size", "784"),
        ("/outputs", [PROBABILITIES] * 3),
        ("/parameters/binary_data_output", 1),
    ],
)
def test_each_invalid_value_is_named(client, model, path, value):
    error = check_error(client.post(INFER, json=request_with(path, value)), 422)
    assert pointers_in(error) == [path]


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ([[[0] * 28] * 27], "/inputs/0/data/0"),
        ([[[0] * 28] * 27 + [[0] * 27]], "/inputs/0/data/0/27"),
        ([[[0] * 28] * 27 + [[0] * 27 + [256]]], "/inputs/0/data/0/27/27"),
        ([[[0] * 28] * 27 + [0]], "/inputs/0/data/0/27"),
    ],
)
def test_invalid_values_in_nested_data_are_named(client, model, data, pointer):
    error = check_error(client.post(INFER, json=request_with("/inputs/0/data", data)), 422)
    assert pointers_in(error) == [pointer]


@pytest.mark.parametrize(
    ("output", "pointer"),
    [
        ({"name": "classes"}, "/outputs/0/name"),
        ({**LOGITS, "parameters": {"classification": 3}}, "/outputs/0/parameters/classification"),
        ({**LOGITS, "parameters": {"binary_data": 1}}, "/outputs/0/parameters/binary_data"),
    ],
)
def test_unknown_outputs_are_rejected(client, model, images, output, pointer):
    error = check_error(client.post(INFER, json=json_request(images, outputs=[output])), 422)
    assert pointers_in(error) == [pointer]


def test_unknown_parameters_are_ignored(client, model, images):
    body = json_request(
        images,
        model_name="other",
        parameters={"priority": 1},
        outputs=[{**LOGITS, "parameters": {"content_type": "np"}}],
    )
    assert list(read_outputs(client.post(INFER, json=body))[1]) == ["logits"]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"size": 1}, "/inputs/0/parameters/binary_data_size"),
        ({"size": -1}, "/inputs/0/parameters/binary_data_size"),
        ({"binary": bytes(783)}, "/inputs/0/parameters/binary_data_size"),
        ({"binary": bytes(785)}, "/inputs/0/parameters/binary_data_size"),
        ({"binary": b"", "size": 784}, "/inputs/0/parameters/binary_data_size"),
    ],
)
def test_a_wrong_size_of_the_binary_data_is_named(client, model, options, pointer):
    request = binary_request(np.zeros((1, 28, 28), np.uint8), **options)
    assert pointers_in(check_error(client.post(INFER, **request), 422)) == [pointer]


def test_undeclared_binary_data_and_data_given_twice_are_rejected(client, model, images):
    head = json.dumps(json_request(images)).encode()
    headers = {HEAD_LENGTH: str(len(head))}
    error = check_error(client.post(INFER, data=head + b"x", headers=headers), 422)
    assert pointers_in(error) == ["/inputs/0/parameters/binary_data_size"]
    both = request_with("/inputs/0/parameters/binary_data_size", 784)
    assert pointers_in(check_error(client.post(INFER, json=both), 422)) == ["/inputs/0/data"]


@pytest.mark.parametrize("length", ["0", "-1", "many", "1e3", "9" * 30])
def test_an_invalid_length_of_the_json_is_named(client, model, images, length):
    request = binary_request(images)
    answer = client.post(INFER, data=request["data"], headers={HEAD_LENGTH: length})
    assert pointers_in(check_error(answer, 422)) == [f"/{HEAD_LENGTH}"]


def test_truncated_json_is_400(client, model, images):
    request = binary_request(images)
    length = int(request["headers"][HEAD_LENGTH])
    for wrong in (1, length - 1, length + 1):
        answer = client.post(INFER, data=request["data"], headers={HEAD_LENGTH: str(wrong)})
        assert "not JSON" in check_error(answer, 400)


def test_inferences_count_toward_the_limit_on_predictions(backend, model, images):
    app = create_app(backend.settings.model_copy(update={"predict_limit": "2/minute"}))
    client = app.test_client()
    assert client.post(INFER, json=json_request(images)).headers["RateLimit-Remaining"] == "1"
    client.post("/predict", json={"images": images.tolist()})
    assert "wait" in check_error(client.post(INFER, json=json_request(images)), 429)
    assert client.get("/v2/models/latest").status_code == 200


# -- floats and image files -------------------------------------------------------------------


def float_request(images, **members):
    """Make the JSON of a request for these images as FP32."""
    body = json_request(images, data=images.ravel().tolist(), **members)
    body["inputs"][0]["datatype"] = "FP32"
    return body


def encode(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def file_request(files, shape=None, *, binary=True):
    """Make the body and the headers of a request with these image files."""
    tensor = {"name": "images", "shape": shape or [len(files)], "datatype": "BYTES"}
    if not binary:
        tensor["data"] = [base64.b64encode(file).decode() for file in files]
        return {"json": {"inputs": [tensor]}}
    data = b"".join(len(file).to_bytes(4, "little") + file for file in files)
    tensor["parameters"] = {"binary_data_size": len(data)}
    head = json.dumps({"inputs": [tensor]}).encode()
    return {"data": head + data, "headers": {HEAD_LENGTH: str(len(head))}}


def test_floats_are_read(client, model, images):
    answer = client.post(INFER, json=float_request(images.astype(np.float32)))
    check_outputs(answer, expected(model[1], images))
    request = binary_request(images.astype("<f4"))
    request["data"] = request["data"].replace(b"UINT8", b"FP32 ")
    assert "datatype" in check_error(client.post(INFER, **request), 422)
    body = float_request(images.astype("<f4"))
    del body["inputs"][0]["data"]
    binary = images.astype("<f4").tobytes()
    body["inputs"][0]["parameters"] = {"binary_data_size": len(binary)}
    head = json.dumps(body).encode()
    answer = client.post(INFER, data=head + binary, headers={HEAD_LENGTH: str(len(head))})
    check_outputs(answer, expected(model[1], images))


def test_floats_up_to_1_need_a_scale(client, model, images):
    unit = images / 255
    error = check_error(client.post(INFER, json=float_request(unit)), 422)
    assert pointers_in(error) == ["/inputs/0/data"]
    body = float_request(unit, parameters={"scale": "unit"})
    _, found = read_outputs(client.post(INFER, json=body))
    wanted = expected(model[1], images)["logits"]
    np.testing.assert_allclose(found["logits"], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("shape", [[3], [3, 1]])
def test_bytes_are_image_files(client, model, images, binary, shape):
    """They are prepared as /predict does: here, one is dark on light."""
    files = [encode(images[0]), encode(images[1]), encode(255 - images[2])]
    answer = client.post(INFER, **file_request(files, shape, binary=binary))
    check_outputs(answer, expected(model[1], images))


def test_image_files_may_be_nested_like_their_shape(client, model, images):
    request = file_request([encode(image) for image in images], [3, 1], binary=False)
    (tensor,) = request["json"]["inputs"]
    tensor["data"] = [[text] for text in tensor["data"]]
    check_outputs(client.post(INFER, **request), expected(model[1], images))


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        (file_request([b"no image"]), "/inputs/0/data/0"),
        (file_request([b"no image"], binary=False), "/inputs/0/data/0"),
        (file_request([b"x"], [2]), "/inputs/0/data/0"),
        (file_request([b"x"], [1, 28, 28]), "/inputs/0/shape"),
        (file_request([b"x"], [2], binary=False), "/inputs/0/data"),
        ({"json": {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1],
                               "data": ["seven.png"]}]}}, "/inputs/0/data/0"),
        ({"json": {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1],
                               "data": [7]}]}}, "/inputs/0/data"),
        ({"json": {"inputs": [{"name": "images", "datatype": "BYTES", "shape": [1], "data": ["x"]}],
                   "parameters": {"scale": "unit"}}}, "/parameters/scale"),
    ],
)  # fmt: skip
def test_invalid_image_files_are_named(client, model, request_, pointer):
    assert pointers_in(check_error(client.post(INFER, **request_), 422)) == [pointer]


def test_cut_off_image_files_are_rejected(client, model, images):
    request = file_request([encode(images[0])])
    start = int(request["headers"][HEAD_LENGTH])
    longer = bytearray(request["data"])
    longer[start] += 1  # the file would end after the body
    shorter = bytearray(request["data"])
    shorter[start] -= 1  # a byte would follow the file
    for data, words in ((longer, "ends before"), (shorter, "damaged")):
        error = check_error(client.post(INFER, data=bytes(data), headers=request["headers"]), 422)
        assert words in error or "after its" in error
