"""Quick predictions, made without Flask, get the same responses as from Flask's view."""

import io
import json
import os
import signal
import socket
import time
from http.client import parse_headers

import numpy as np
import pytest
import requests
from PIL import Image

from service.app import create_app
from service.settings import ServiceSettings
from tests.problems import check_problem
from tests.processes import stack_in, wait_until
from tests.service.conftest import publish

READ, WRITE = "r" * 16, "w" * 16


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A running API with one model, without Redis."""
    with stack_in(tmp_path_factory.mktemp("front")) as stack:
        settings = ServiceSettings(
            models_dir=stack.models_dir, data_dir=stack.environment["STEPBOX_DATA_DIR"]
        )
        publish(create_app(settings).extensions["stepbox"])
        stack.start_service()
        yield stack


def encode(image, form="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


RNG = np.random.default_rng(5)
IMAGES = RNG.integers(0, 256, (3, 28, 28), dtype=np.uint8)
PNG = encode(Image.fromarray(IMAGES[0]))
KIND = {"Content-Type": "image/png"}
LEVELS = IMAGES.tolist()

REQUESTS = {
    "png": ("", "image/png", PNG),
    "png, explained": ("?explain=true", "image/png", PNG),
    "png, the best three": ("?top=3&invert=never", "image/png", PNG),
    "png, as mnist": ("?fit=mnist&model=latest-mnist", "image/png", PNG),
    "a large png": ("", "image/png", encode(Image.new("L", (900, 700), 40))),
    "a coloured png": ("", "image/png", encode(Image.new("RGB", (28, 28), (200, 20, 90)))),
    "jpeg": ("", "image/jpeg", encode(Image.fromarray(IMAGES[1]), "JPEG")),
    "integer pixels": ("", "application/json", json.dumps({"images": LEVELS}).encode()),
    "fractional pixels": (
        "",
        "application/json",
        json.dumps({"images": [(IMAGES[0] / 2).tolist()]}).encode(),
    ),
    "json with a charset": (
        "",
        "application/json; charset=utf-8",
        json.dumps({"images": LEVELS}, indent=1).encode(),
    ),
    "npy": ("", "application/x-npy", npy(IMAGES)),
    "an unknown model": ("?model=none", "image/png", PNG),
    "an unknown option": ("?modle=latest", "image/png", PNG),
    "an option twice": ("?fit=none&fit=none", "image/png", PNG),
    "an invalid option": ("?top=11", "image/png", PNG),
    "no image": ("", "image/png", b"no image"),
    "an empty body": ("", "image/png", b""),
    "invalid json": ("", "application/json", b'{"images": ['),
    "a name twice": ("", "application/json", b'{"images": [], "images": []}'),
    "an invalid pixel": ("", "application/json", json.dumps({"images": [[[256]]]}).encode()),
    "true as a pixel": (
        "",
        "application/json",
        json.dumps({"images": LEVELS}).replace(f"{LEVELS[0][0][0]},", "true,", 1).encode(),
    ),
    "false as a pixel": (
        "",
        "application/json",
        json.dumps({"images": LEVELS}).replace(f"{LEVELS[0][0][0]},", "false,", 1).encode(),
    ),
    "no array": ("", "application/x-npy", b"no array"),
    "another content type": ("", "text/plain", b"a seven"),
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("accept", ["*/*", "application/x-npy"])
def test_quick_predictions_and_the_view_respond_with_the_same_bytes(service, name, accept):
    query, kind, body = REQUESTS[name]
    url = f"{service.url}/predict{query}"
    headers = {"Content-Type": kind, "Accept": accept, "X-Request-Id": "r-1"}
    # A body without a length always goes to Flask's view.
    quick = requests.post(url, data=body, headers=headers, timeout=10)
    through_flask = requests.post(url, data=iter([body]), headers=headers, timeout=10)
    assert quick.status_code == through_flask.status_code
    assert quick.content == through_flask.content
    for answer in (quick, through_flask):
        answer.headers.pop("Date")
    assert dict(quick.headers) == dict(through_flask.headers)


def test_livez_gets_the_answer_of_its_view(service, client):
    headers = {"X-Request-Id": "r-1"}
    answer = requests.get(f"{service.url}/livez", headers=headers, timeout=10)
    through_flask = client.get("/livez", headers=headers)
    assert answer.content == through_flask.data
    expected = {name.lower(): value for name, value in through_flask.headers.items()}
    sent = {name.lower(): value for name, value in answer.headers.items()}
    assert sent.pop("date")
    assert expected.pop("vary")  # such a small response is never gzipped
    assert sent == expected


POST = (
    b"POST /predict HTTP/1.%d\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    b"%bContent-Length: %d\r\n\r\n"
)
REQUEST = POST % (1, b"", len(PNG)) + PNG
GET = b"GET /models HTTP/1.1\r\nHost: localhost\r\n\r\n"


def answers(connection, count):
    """Read responses from a connection."""
    file = connection.makefile("rb")
    for _ in range(count):
        while (status := int(file.readline().split()[1])) == 100:  # "Continue"
            file.readline()
        headers = parse_headers(file)
        body = file.read(int(headers["Content-Length"]))
        yield status, body, headers["Connection"]


@pytest.mark.parametrize(
    "pieces",
    [
        [REQUEST],
        [REQUEST[:30], REQUEST[30:]],
        [REQUEST[: -len(PNG)], PNG[:90], PNG[90:]],
        [POST % (1, b"Expect: 100-continue\r\n", len(PNG)), PNG],
        [REQUEST.replace(b"/predict ", b"/predict?model=latest#part ")],
    ],
)
def test_a_prediction_may_arrive_in_pieces(service, pieces):
    expected = requests.post(f"{service.url}/predict", PNG, headers=KIND, timeout=9).content
    with socket.create_connection(("127.0.0.1", service.port), 9) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.05)  # so that the server reads it separately
        assert list(answers(connection, 1)) == [(200, expected, None)]


def test_pipelined_requests_are_answered_in_order(service):
    expected = requests.post(f"{service.url}/predict", PNG, headers=KIND, timeout=9).content
    models = requests.get(f"{service.url}/models", timeout=9).content
    odd = REQUEST.replace(b"/predict", b"/predict?modle=x")
    with socket.create_connection(("127.0.0.1", service.port), 9) as connection:
        connection.sendall(REQUEST + REQUEST + GET + REQUEST + odd + REQUEST)
        first, second, third, fourth, fifth, sixth = answers(connection, 6)
        assert first == second == fourth == sixth == (200, expected, None)
        assert third == (200, models, None)
        assert fifth[0] == 422


@pytest.mark.parametrize(
    ("version", "header"),
    [(0, b""), (0, b"Connection: keep-alive\r\n"), (1, b"Connection: close\r\n")],
)
def test_the_connection_closes_after_its_last_request(service, version, header):
    expected = requests.post(f"{service.url}/predict", PNG, headers=KIND, timeout=9).content
    with socket.create_connection(("127.0.0.1", service.port), 9) as connection:
        connection.sendall(POST % (version, header, len(PNG)) + PNG)
        assert list(answers(connection, 1)) == [(200, expected, "close")]
        assert connection.recv(1) == b""


def test_a_duplicate_header_means_the_same_to_quick_predictions_and_the_view(service):
    expected = requests.post(f"{service.url}/predict", PNG, headers=KIND, timeout=9).content
    with socket.create_connection(("127.0.0.1", service.port), 9) as connection:
        connection.sendall(POST % (1, b"Content-Type: application/x-npy\r\n", len(PNG)) + PNG)
        assert list(answers(connection, 1)) == [(200, expected, None)]


@pytest.mark.parametrize("cut", [0, 10])
def test_a_long_head_within_the_limit_is_accepted_even_in_pieces(service, cut):
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 4000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", service.port), 9) as connection:
        connection.sendall(request[:cut])
        time.sleep(0.05)
        connection.sendall(request[cut:])
        ((status, _, _),) = answers(connection, 1)
        assert status == 200


@pytest.mark.parametrize("value", [0, 0.5])
def test_pixels_nested_too_deeply_are_rejected(service, value):
    body = {"images": [[[[value] * 2] * 28] * 28]}
    answer = requests.post(f"{service.url}/predict", json=body, timeout=9)
    assert answer.status_code == 422


def test_a_small_body_over_the_limit_is_rejected(own_stack):
    own_stack.environment["STEPBOX_MAX_BODY_BYTES"] = "500"
    own_stack.start_service()
    answer = requests.post(f"{own_stack.url}/predict", PNG, headers=KIND, timeout=9)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("path", "status"), [("/predict", 405), ("/analysis/box", 413), ("/nowhere", 413)]
)
def test_a_wrong_method_has_the_body_limit_of_its_path(service, path, status):
    answer = requests.put(service.url + path, bytes(2**20), timeout=9)
    assert answer.status_code == status


def test_equal_heads_with_other_bodies_get_their_own_answers(service):
    first, second = (npy(IMAGES[one : one + 1]) for one in (0, 1))
    kind = {"Content-Type": "application/x-npy"}
    with requests.Session() as session:
        url = f"{service.url}/predict"
        bodies = [
            session.post(url, body, headers=kind, timeout=9).content
            for body in (first, second, first)
        ]
    assert bodies[0] == bodies[2] != bodies[1]


def test_a_shutdown_waits_for_a_prediction_that_has_partly_arrived(own_stack):
    own_stack.environment["STEPBOX_PROCESSES"] = "1"
    started = own_stack.start_service()
    with socket.create_connection(("127.0.0.1", own_stack.port), 9) as connection:
        connection.sendall(REQUEST[:-50])
        assert requests.get(f"{own_stack.url}/livez", timeout=9).ok  # the first part is read now
        os.kill(started.pid, signal.SIGTERM)
        wait_until(lambda: "Shutting down" in started.log.read_text())
        connection.sendall(REQUEST[-50:])
        ((status, _, last),) = answers(connection, 1)
        assert (status, last) == (409, "close")  # there is no model yet
    assert started.stop() == 0


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Host": "localhost", "Origin": "http://localhost"}, 200),
    ],
)
def test_quick_predictions_and_the_view_check_host_and_origin(service, header, status):
    for data in (PNG, iter([PNG])):
        answer = requests.post(f"{service.url}/predict", data, headers=KIND | header, timeout=9)
        assert answer.status_code == status


def test_livez_checks_the_host_too(service):
    answer = requests.get(f"{service.url}/livez", headers={"Host": "evil.example"}, timeout=9)
    check_problem(answer, 421)


def test_the_probabilities_are_sent_as_an_array_on_request(service):
    headers = {"Content-Type": "application/x-npy", "Accept": "application/x-npy"}
    answer = requests.post(f"{service.url}/predict", data=npy(IMAGES), headers=headers, timeout=9)
    array = np.load(io.BytesIO(answer.content), allow_pickle=False)
    headers["Accept"] = "application/json"
    answer = requests.post(f"{service.url}/predict", data=npy(IMAGES), headers=headers, timeout=9)
    assert array.tolist() == [one["probabilities"] for one in answer.json()["predictions"]]


def test_top_returns_only_the_most_probable_classes(service):
    url, headers = f"{service.url}/predict", {"Content-Type": "image/png"}
    (whole,) = requests.post(url, PNG, headers=headers, timeout=9).json()["predictions"]
    (best,) = requests.post(f"{url}?top=3", PNG, headers=headers, timeout=9).json()["predictions"]
    order = np.argsort(whole["probabilities"])[::-1][:3]
    assert [entry["index"] for entry in best["top"]] == order.tolist()
    assert [one["probability"] for one in best["top"]] == [whole["probabilities"][i] for i in order]
    assert (best["index"], best["label"]) == (whole["index"], whole["label"])
    assert "probabilities" not in best


def test_quick_predictions_and_the_view_need_a_token(own_stack):
    own_stack.environment["STEPBOX_TOKENS"] = f"read:{READ},write:{WRITE}"
    own_stack.start_service()
    url = f"{own_stack.url}/predict"
    for data in (PNG, iter([PNG])):
        answer = requests.post(url, data=data, headers=KIND, timeout=9)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    token = {"Authorization": f"Bearer {READ}"}
    for data in (PNG, iter([PNG])):
        answer = requests.post(url, data=data, headers=KIND | token, timeout=9)
        assert answer.status_code == 409  # passed the access check: there is no model yet
    for token in ({}, {"Authorization": f"Bearer {READ[:-1]}x"}):  # remembers no other request's
        assert requests.post(url, data=PNG, headers=KIND | token, timeout=9).status_code == 401
