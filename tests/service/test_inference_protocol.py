"""The Open Inference Protocol, as any client sees it."""

import gzip
import json
import time
import zlib

import numpy as np
import pytest

from service.app import create_app
from stepbox.data.dataset import scale_pixels
from stepbox.nn.losses import softmax
from stepbox.store.weights import WEIGHTS
from tests.problems import check_problem, pointers
from tests.service.conftest import publish

INFER = "/v2/models/latest/infer"
HEAD_LENGTH = "Inference-Header-Content-Length"
OCTETS = "application/octet-stream"
PROBABILITIES, LOGITS = {"name": "probabilities"}, {"name": "logits"}


@pytest.fixture
def pictures(backend):
    return backend.dataset("mnist").images[:3]


def asked(pictures, *, data=None, outputs=None, **members):
    """What is sent as JSON for these pictures."""
    tensor = {"name": "images", "shape": list(pictures.shape), "datatype": "UINT8"}
    tensor["data"] = pictures.ravel().tolist() if data is None else data
    body = {"inputs": [tensor], **members}
    return body if outputs is None else {**body, "outputs": outputs}


def asked_in_bytes(pictures, *, size=None, tail=None, **members):
    """What is sent as bytes for these pictures: a body and its headers."""
    body = asked(pictures, **members)
    del body["inputs"][0]["data"]
    tail = pictures.tobytes() if tail is None else tail
    body["inputs"][0]["parameters"] = {"binary_data_size": len(tail) if size is None else size}
    head = json.dumps(body).encode()
    return {"data": head + tail, "headers": {HEAD_LENGTH: str(len(head))}}


def expected(network, pictures):
    logits = network.logits(scale_pixels(pictures, "unit"))
    return {"probabilities": softmax(logits), "logits": logits}


def outputs_of(answer):
    """Read an answer as its headers and parameters say."""
    assert answer.status_code == 200, answer.text
    head_length = answer.headers.get(HEAD_LENGTH, type=int)
    in_bytes = head_length is not None
    assert answer.mimetype == (OCTETS if in_bytes else "application/json")
    body = json.loads(answer.data[:head_length])
    tail = answer.data[head_length:] if in_bytes else b""
    found = {}
    for output in body["outputs"]:
        assert output["datatype"] == "FP32"
        if size := output.get("parameters", {}).get("binary_data_size"):
            assert "data" not in output
            values, tail = np.frombuffer(tail[:size], "<f4"), tail[size:]
        else:
            values = np.array(output["data"], np.float32)
        found[output["name"]] = values.reshape(output["shape"])
    assert not tail
    return body, found


def check_outputs(answer, wanted):
    body, found = outputs_of(answer)
    assert list(found) == list(wanted)
    for name, values in wanted.items():
        assert np.array_equal(found[name], values.astype(np.float32))
    return body


def test_the_server_says_what_it_is(client):
    assert client.get("/v2/health/live").json == {"live": True}
    answer = client.get("/v2").json
    assert answer["name"] == "stepbox"
    assert answer["extensions"] == ["binary_tensor_data"]


def test_the_server_is_ready_once_there_is_a_model(client, backend):
    body = check_problem(client.get("/v2/health/ready"), 409)
    assert body["error"] == body["detail"]
    assert "train one first" in body["error"]
    assert client.post("/v2/repository/index").json == []
    publish(backend)
    assert client.get("/v2/health/ready").json == {"ready": True}


@pytest.mark.parametrize("version", ["", "/versions/1"])
def test_a_model_by_id_and_alias(client, model, pictures, version):
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
            client.post(f"{path}/infer", json=asked(pictures)), expected(network, pictures)
        )
        assert (body["model_name"], body["model_version"]) == (id, "1")
        assert "id" not in body


@pytest.mark.parametrize("rest", ["", "/ready", "/versions/2", "/versions/1/ready"])
def test_a_model_that_is_not_there_is_404(client, model, rest):
    ref = "latest" if rest == "/versions/2" else "none-such"
    body = check_problem(client.get(f"/v2/models/{ref}{rest}"), 404)
    assert body["error"] == body["detail"]


def test_the_index_lists_damaged_models_with_the_reason(client, backend, model):
    id, _ = model
    damaged, _ = publish(backend)
    (backend.settings.models_dir / damaged / WEIGHTS).write_bytes(b"other")
    ready = {"name": id, "version": "1", "state": "READY", "reason": ""}
    first, second = client.post("/v2/repository/index", json={}).json
    assert (first["name"], first["state"], second) == (damaged, "UNAVAILABLE", ready)
    assert "damaged" in first["reason"]
    assert client.post("/v2/repository/index", json={"ready": True}).json == [ready]
    assert "damaged" in check_problem(client.get(f"/v2/models/{damaged}/ready"), 409)["error"]
    assert client.get("/v2/models/latest").json["name"] == id


def test_the_index_reads_no_weights(client, backend, model, opened):
    id, _ = model
    weights = backend.settings.models_dir / id / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    opened(backend.settings.models_dir)
    [state] = client.post("/v2/repository/index").json
    assert state["state"] == "READY"
    assert f"{id}/{WEIGHTS}" not in opened(backend.settings.models_dir)
    time.sleep(0.06)  # younger files are read anew
    check_problem(client.get(f"/v2/models/{id}"), 409)
    [state] = client.post("/v2/repository/index").json
    assert "checksum" in state["reason"]


@pytest.mark.parametrize(
    ("data", "status"), [(b"{", 400), (b"[]", 400), (b'{"ready": 1}', 422), (b'{"red": 1}', 422)]
)
def test_what_the_index_may_not_be_asked(client, data, status):
    check_problem(client.post("/v2/repository/index", data=data), status)


@pytest.mark.parametrize("form", [lambda p: p.ravel().tolist(), lambda p: p.tolist()])
def test_json_in_and_out(client, model, pictures, form):
    body = asked(pictures, data=form(pictures), id="42", outputs=[LOGITS])
    logits = expected(model[1], pictures)["logits"]
    assert check_outputs(client.post(INFER, json=body), {"logits": logits})["id"] == "42"


def test_the_content_type_is_not_asked_for(client, model, pictures):
    answer = client.post(INFER, data=json.dumps(asked(pictures)))
    check_outputs(answer, expected(model[1], pictures))


def test_bytes_in_and_json_out(client, model, pictures):
    answer = client.post(INFER, **asked_in_bytes(pictures))
    check_outputs(answer, expected(model[1], pictures))


@pytest.mark.parametrize("order", [("logits", "probabilities"), ("probabilities", "logits")])
def test_bytes_both_ways_in_the_order_asked_for(client, model, pictures, order):
    outputs = [{"name": name, "parameters": {"binary_data": True}} for name in order]
    answer = client.post(INFER, **asked_in_bytes(pictures, outputs=outputs))
    wanted = expected(model[1], pictures)
    check_outputs(answer, {name: wanted[name] for name in order})
    assert HEAD_LENGTH in answer.headers


def test_what_an_output_says_goes_before_what_the_request_says(client, model, pictures):
    in_json = {**PROBABILITIES, "parameters": {"binary_data": False}}
    body = asked(pictures, outputs=[in_json, LOGITS], parameters={"binary_data_output": True})
    answer = client.post(INFER, json=body)
    found = check_outputs(answer, expected(model[1], pictures))["outputs"]
    assert [list(output)[-1] for output in found] == ["data", "parameters"]


def test_the_answers_are_those_of_predict(client, model, pictures):
    """Pixels are taken as they are, which /predict does when told so."""
    light = 255 - pictures
    predictions = client.post("/predict?invert=never", json={"images": light.tolist()}).json
    _, found = outputs_of(client.post(INFER, json=asked(light)))
    for name in ("probabilities", "logits"):
        rows = np.array([one[name] for one in predictions["predictions"]])
        assert np.array_equal(found[name], rows.astype(np.float32))


def test_the_most_pictures_at_once(client, backend, model):
    pictures = backend.dataset("mnist").images
    app = create_app(backend.settings.model_copy(update={"max_body_bytes": 2**23}))
    outputs = [{"name": "logits", "parameters": {"binary_data": True}}]
    answer = app.test_client().post(INFER, **asked_in_bytes(pictures, outputs=outputs))
    _, found = outputs_of(answer)
    wanted = expected(model[1], pictures)["logits"]
    np.testing.assert_allclose(found["logits"], wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_packed_bodies(client, model, pictures, encoding, pack):
    sent = asked_in_bytes(pictures)
    headers = {**sent["headers"], "Content-Encoding": encoding}
    answer = client.post(INFER, data=pack(sent["data"]), headers=headers)
    check_outputs(answer, expected(model[1], pictures))
    for data, status in (
        (b"", 400),
        (sent["data"], 400),
        (pack(sent["data"])[:-1], 400),
        (pack(sent["data"]) + b"x", 400),
        (pack(bytes(2**20 + 1)), 413),
    ):
        check_problem(client.post(INFER, data=data, headers=headers), status)


def test_what_is_packed_otherwise_is_415(client, model, pictures):
    headers = {"Content-Encoding": "br"}
    body = check_problem(client.post(INFER, data=b"", headers=headers), 415)
    assert "gzip" in body["error"]


@pytest.mark.parametrize("place", ["/data", "/parameters/data", "/inputs/0/parameters/data"])
def test_a_list_of_another_place_is_not_taken_for_the_tensor(client, model, place):
    levels = [0] * 784
    body = changed(place, levels)
    del body["inputs"][0]["data"]
    assert pointers(check_problem(client.post(INFER, json=body), 422)) == ["/inputs/0/data"]
    with_both = changed(place, levels)
    assert client.post(INFER, json=with_both).status_code == 200


@pytest.mark.parametrize("gap", [10, 70_000])
def test_a_comma_without_a_number_is_no_json(client, model, gap):
    head = b'{"inputs": [{"name": "images", "datatype": "UINT8", "shape": [1, 28, 28], "data": ['
    data = head + b"1," * 784 + b" " * gap + b"]}]}"
    assert b"JSON" in client.post(INFER, data=data).data


def changed(path, value):
    """A request for one picture in which one value is another."""
    body = asked(np.zeros((1, 28, 28), np.uint8))
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
        ("/inputs/0/datatype", "FP32"),
        ("/inputs/0/shape/0", 0),
        ("/inputs/0/shape/0", 10_001),
        ("/inputs/0/shape/0", -1),
        ("/inputs/0/shape/0", 1.5),
        ("/inputs/0/shape/0", True),
        ("/inputs/0/shape/1", 27),
        ("/inputs/0/data", None),
        ("/inputs/0/data", "0" * 784),
        ("/inputs/0/data", []),
        ("/inputs/0/data", [0] * 783),
        ("/inputs/0/data", [0] * 785),
        ("/inputs/0/data", [[[0] * 28] * 28] * 2),
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
def test_each_value_that_is_wrong_is_named(client, model, path, value):
    body = check_problem(client.post(INFER, json=changed(path, value)), 422)
    assert pointers(body) == [path]
    (fault,) = body["errors"]
    assert body["error"] == f"{body['detail']} {path}: {fault['detail']}."


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ([[[0] * 28] * 27], "/inputs/0/data/0"),
        ([[[0] * 28] * 27 + [[0] * 27]], "/inputs/0/data/0/27"),
        ([[[0] * 28] * 27 + [[0] * 27 + [256]]], "/inputs/0/data/0/27/27"),
        ([[[0] * 28] * 27 + [0]], "/inputs/0/data/0/27"),
    ],
)
def test_wrong_values_in_nested_data_are_named(client, model, data, pointer):
    body = check_problem(client.post(INFER, json=changed("/inputs/0/data", data)), 422)
    assert pointers(body) == [pointer]


@pytest.mark.parametrize(
    ("output", "pointer"),
    [
        ({"name": "classes"}, "/outputs/0/name"),
        ({**LOGITS, "parameters": {"classification": 3}}, "/outputs/0/parameters/classification"),
        ({**LOGITS, "parameters": {"binary_data": 1}}, "/outputs/0/parameters/binary_data"),
    ],
)
def test_outputs_that_there_are_not(client, model, pictures, output, pointer):
    body = check_problem(client.post(INFER, json=asked(pictures, outputs=[output])), 422)
    assert pointers(body) == [pointer]


def test_what_is_not_known_is_passed_over(client, model, pictures):
    body = asked(
        pictures,
        model_name="other",
        parameters={"priority": 1},
        outputs=[{**LOGITS, "parameters": {"content_type": "np"}}],
    )
    assert list(outputs_of(client.post(INFER, json=body))[1]) == ["logits"]


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"size": 1}, "/inputs/0/parameters/binary_data_size"),
        ({"size": -1}, "/inputs/0/parameters/binary_data_size"),
        ({"tail": bytes(783)}, "/inputs/0/parameters/binary_data_size"),
        ({"tail": bytes(785)}, "/inputs/0/parameters/binary_data_size"),
        ({"tail": b"", "size": 784}, "/inputs/0/parameters/binary_data_size"),
    ],
)
def test_a_wrong_number_of_bytes_is_named(client, model, options, pointer):
    sent = asked_in_bytes(np.zeros((1, 28, 28), np.uint8), **options)
    assert pointers(check_problem(client.post(INFER, **sent), 422)) == [pointer]


def test_bytes_that_nothing_tells_of_and_data_beside_them(client, model, pictures):
    head = json.dumps(asked(pictures)).encode()
    headers = {HEAD_LENGTH: str(len(head))}
    body = check_problem(client.post(INFER, data=head + b"x", headers=headers), 422)
    assert pointers(body) == ["/inputs/0/parameters/binary_data_size"]
    both = changed("/inputs/0/parameters/binary_data_size", 784)
    assert pointers(check_problem(client.post(INFER, json=both), 422)) == ["/inputs/0/data"]


@pytest.mark.parametrize("length", ["0", "-1", "many", "1e3", "9" * 30])
def test_a_wrong_length_of_the_json_is_named(client, model, pictures, length):
    sent = asked_in_bytes(pictures)
    answer = client.post(INFER, data=sent["data"], headers={HEAD_LENGTH: length})
    assert pointers(check_problem(answer, 422)) == [f"/{HEAD_LENGTH}"]


def test_json_that_is_cut_is_400(client, model, pictures):
    sent = asked_in_bytes(pictures)
    length = int(sent["headers"][HEAD_LENGTH])
    for wrong in (1, length - 1, length + 1):
        answer = client.post(INFER, data=sent["data"], headers={HEAD_LENGTH: str(wrong)})
        assert "not JSON" in check_problem(answer, 400)["error"]


def test_inferences_count_as_predictions_where_these_are_limited(backend, model, pictures):
    app = create_app(backend.settings.model_copy(update={"predict_limit": "2/minute"}))
    client = app.test_client()
    assert client.post(INFER, json=asked(pictures)).headers["RateLimit-Remaining"] == "1"
    client.post("/predict", json={"images": pictures.tolist()})
    assert "wait" in check_problem(client.post(INFER, json=asked(pictures)), 429)["error"]
    assert client.get("/v2/models/latest").status_code == 200
