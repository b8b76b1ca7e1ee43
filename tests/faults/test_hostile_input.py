"""Hostile requests get a proper response, and the memory of the API stays bounded."""

import gzip
import io
import json
import socket
import struct
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import parse_headers
from pathlib import Path
from select import select

import numpy as np
import pytest
import requests
from PIL import Image

from service.api.inference.schemas import HEAD_LENGTH
from service.backend import Backend
from service.settings import ServiceSettings
from tests.faults.worst_bodies import worst_bodies
from tests.problems import check_error, check_problem, check_refusal
from tests.processes import stack_in
from tests.service.conftest import publish

MOST_MEMORY = 400 * 2**20  # bytes; peak of one process
MOST_OF_A_REQUEST = 200 * 2**20  # bytes; peak that one request adds
MOST_BODY = 32 * 2**20


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Run the API with a model, without Redis and without a worker."""
    with stack_in(tmp_path_factory.mktemp("hostile"), STEPBOX_PROCESSES="1") as stack:
        process = stack.start_service()
        settings = ServiceSettings(
            models_dir=stack.models_dir, data_dir=stack.environment["STEPBOX_DATA_DIR"]
        )
        publish(Backend(settings))
        yield stack, process


@pytest.fixture(scope="module", autouse=True)
def memory_stays_bounded(service):
    yield
    _, process = service
    (worker,) = process.children()
    assert memory_of(worker, "VmHWM") < MOST_MEMORY


def memory_of(pid, name):
    """Read the memory of a process in bytes: VmRSS is the current value, VmHWM the peak."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def reset_peak(pid):
    """Check the peak memory of a process, then reset the counter of the peak."""
    assert memory_of(pid, "VmHWM") < MOST_MEMORY
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def post(service, data, kind, path="/predict", **options):
    return requests.post(
        service[0].url + path, data=data, headers={"Content-Type": kind}, timeout=60, **options
    )


def image_file(mode="L", size=(28, 28), form="PNG", **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, form, **options)
    return buffer.getvalue()


def png_that_claims(width, height):
    """Return a small PNG file whose header claims this size."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def npy(shape, data, descr="|u1", fortran=False):
    header = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def tensor(n, data):
    """Return a request of the Open Inference Protocol with this text as data."""
    head = (
        f'{{"inputs": [{{"name": "images", "datatype": "UINT8", "shape": [{n}, 28, 28], "data": ['
    )
    return head.encode() + data + b"0]}]}"


def rotated():
    exif = Image.Exif()
    exif[0x0112] = 6
    return image_file(size=(40, 20), form="JPEG", exif=exif.tobytes())


def animated():
    frames = [Image.new("L", (28, 28), grey) for grey in (0, 255)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "status", "word"),
    [
        (png_that_claims(50_000, 50_000), 422, "pixels"),
        (image_file(size=(10_001, 10_000)), 422, "pixels"),  # would take 100 MB when decoded
        (image_file(size=(6000, 5000)), 422, "pixels"),
        (png_that_claims(28, 28), 200, None),
        (png_that_claims(1000, 1000), 422, "damaged"),
        (png_that_claims(0, 28), 422, ""),
        (image_file()[:-30], 422, "damaged"),
        (b"\x89PNG\r\n\x1a\n", 422, ""),
        (b"GIF89a", 422, ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "is not an image"),
        (b"%PDF-1.4", 422, "is not an image"),
        (image_file() + b"PK\x03\x04<script>alert(1)</script>", 200, None),
        (animated(), 200, None),
        (image_file("CMYK", form="JPEG"), 200, None),
        (image_file("I;16"), 200, None),
        (image_file("1", form="TIFF"), 200, None),
        (image_file("RGBA", (500, 3)), 200, None),
        (image_file(size=(1, 25_000)), 200, None),
        (rotated(), 200, None),
    ],
)
def test_hostile_image_files_are_predicted_or_rejected(service, data, status, word):
    answer = post(service, data, "image/png")
    if status == 200:
        (prediction,) = answer.json()["predictions"]
        assert abs(sum(prediction["probabilities"]) - 1) < 1e-6
    else:
        (fault,) = check_problem(answer, status)["errors"]
        assert word in fault["detail"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b'{"images": [[[1e400]]]}', 422),
        (b'{"images": NaN}', 422),
        (b"[" * 100_000 + b"]" * 100_000, 400),
        (b'{"images":' * 50_000 + b"1" + b"}" * 50_000, 413),
        (b'{"images": [], "images": []}', 400),
        (b'{"images": "\xff"}', 400),
        (b'{"images": [' + b"0," * 15_000_000 + b"0]}", 422),
        (b'{"images": [' + b"[]," * 5_000_000 + b"[]]}", 422),
        (b" " * 50_000_000, 413),
    ],
    ids=["1e400", "NaN", "nested", "nested objects", "twice", "no UTF-8", "flat", "empty", "50 MB"],
)
def test_hostile_json_bodies_are_rejected(service, data, status):
    check_problem(post(service, data, "application/json"), status)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (npy((1, 28, 28), bytes(784)), 200),
        (npy((1, 28, 28), bytes(784), fortran=True), 200),
        (npy((10**9, 28, 28), bytes(784)), 422),
        (npy((2**62, 28, 28), bytes(784)), 422),
        (npy((-1, 28, 28), bytes(784)), 422),
        (npy((1, 28, 28), bytes(784 * 8), "|O"), 422),
        (npy((1, 28, 28), bytes(784 * 16), "<c16"), 422),
        (npy((1, 28, 28), bytes(784), [("a", "u1")]), 422),
        (npy("__import__('os').getpid()", bytes(784)), 422),
        (b"\x93NUMPY\x03\x00" + b"\xff" * 200, 422),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"{" * 10_000, 422),
        (b"", 422),
    ],
)
def test_hostile_npy_files_are_predicted_or_rejected(service, data, status):
    answer = post(service, data, "application/x-npy")
    if status == 200:
        assert answer.status_code == 200, answer.text
    else:
        check_problem(answer, status)


@pytest.mark.parametrize(
    ("data", "headers", "status"),
    [
        (gzip.compress(bytes(2**30), 1), {"Content-Encoding": "gzip"}, 413),
        (gzip.compress(b"[" * 2**24), {"Content-Encoding": "gzip"}, 413),
        (tensor(1, b"-1," * 10_000_000), {}, 422),
        (tensor(1, b"[]," * 5_000_000), {}, 422),
        (tensor(10_000, b"0," * 7_839_999), {}, 200),
        (tensor(10_000, b"-1," * 7_839_999), {}, 422),
        (tensor(10**18, b""), {}, 422),
        (tensor(1, b"")[:-1] + b" " * 2**24, {HEAD_LENGTH: str(2**63)}, 422),
    ],
    ids=["1 GiB packed", "nested", "flat", "empty", "10,000", "10,000 wrong", "10^18", "length"],
)
def test_hostile_tensor_requests_are_predicted_or_rejected(service, data, headers, status):
    url = f"{service[0].url}/v2/models/latest/infer"
    answer = requests.post(url, data=data, headers=headers, timeout=60)
    if status == 200:
        assert len(answer.json()["outputs"][0]["data"]) == 100_000
    else:
        assert len(check_error(answer, status)) < 10_000


def test_no_body_of_any_operation_takes_much_memory(service):
    stack, process = service
    (worker,) = process.children()
    seen = Counter()
    for worst in worst_bodies(MOST_BODY, ["texts"]):
        kind = {"Content-Type": "application/json"}
        held = memory_of(worker, "VmRSS")
        reset_peak(worker)
        answer = requests.request(
            worst.method, stack.url + worst.path, data=worst.body, headers=kind, timeout=60
        )
        taken = memory_of(worker, "VmHWM") - held
        assert taken < MOST_OF_A_REQUEST, (worst.path, worst.what, taken)
        check_refusal(answer, answer.status_code, worst.path)
        assert answer.status_code in (400, 409, 413, 415, 422)
        seen[worst.path] += 1
    assert len(seen) >= 10


def test_hostile_multipart_bodies_are_predicted_or_rejected(service):
    url = f"{service[0].url}/predict"
    thousand = [("image", (f"{i}.png", image_file())) for i in range(1000)]
    answer = requests.post(url, files=thousand, timeout=60)
    assert len(answer.json()["predictions"]) == 1000
    too_many = [("image", (f"{i}.png", b"x")) for i in range(10_001)]
    check_problem(requests.post(url, files=too_many, timeout=60), 413)
    strange_name = [("image", ("../../etc/passwd\0.png", image_file()))]
    assert requests.post(url, files=strange_name, timeout=60).status_code == 200
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        check_problem(post(service, b"--y\r\n\r\nno", kind), 400)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", {431}),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {414}),
        (b"\r\n" * 10_000, {431}),
        (
            b"POST /train HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\n"
            b"Upgrade: h2c\r\nContent-Length: 39\r\n\r\n"
            b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
            {415},
        ),
        (b"GET /livez HTTP/9.9\r\nHost: localhost\r\n\r\n", {400, 505}),
        (b"nonsense\r\n\r\n", {400}),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n", {400}),
        (b"POST /train HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", {400}),
        (b"GET /jobs?limit=%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {422}),
        (
            b"GET /models/%2e%2e%2f%2e%2e HTTP/1.1\r\nHost: localhost\r\n"
            b"Connection: close\r\n\r\n",
            {404},
        ),
        (b"GET /models/%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {404}),
        (b"DELETE /models/.staged HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {404}),
        (
            b"GET /static/..%2fapp.py HTTP/1.1\r\nHost: localhost\r\n"
            b"Connection: close\r\n\r\n",
            {404},
        ),
    ],
)  # fmt: skip
def test_malformed_requests_are_rejected(service, request_bytes, status):
    with socket.create_connection(("127.0.0.1", service[0].port), 10) as connection:
        connection.sendall(request_bytes)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert int(head.split()[1]) in status
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] in status


def post_both(stack, small, files):
    """Send an image and a form on one connection; return the number of predictions of each."""
    url = f"{stack.url}/predict"
    first = requests.Request("POST", url, {"Content-Type": "image/png"}, data=small)
    second = requests.Request("POST", url, files=files)
    with socket.create_connection(("127.0.0.1", stack.port), 120) as connection:
        for one in (first.prepare(), second.prepare()):
            head = "".join(f"{name}: {value}\r\n" for name, value in one.headers.items())
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\n" + head.encode() + b"\r\n"
            )
            connection.sendall(one.body)
        file = connection.makefile("rb")
        counts = []
        for _ in range(2):
            assert b" 200 " in file.readline()
            length = int(parse_headers(file)["Content-Length"])
            counts.append(len(json.loads(file.read(length))["predictions"]))
    return tuple(counts)


def test_a_form_with_250_megapixels_is_predicted_beside_other_requests(service):
    largest = [("image", ("large.png", image_file(size=(5000, 5000))))] * 10
    check_problem(requests.post(f"{service[0].url}/predict", files=largest * 2, timeout=60), 422)
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(post_both, service[0], image_file(), largest)
        array = np.zeros((1000, 28, 28), np.uint8)
        answer = post(service, npy(array.shape, array.tobytes()), "application/x-npy")
        assert len(answer.json()["predictions"]) == 1000
        assert slow.result() == (1, 10)


CHUNKED = (
    b"POST /train HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


@pytest.mark.parametrize(
    ("beginning", "status"),
    [
        (b"GET /", 414),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", 431),
        (CHUNKED + b"1;x=", 431),
        (CHUNKED + b"0\r\nX: ", 431),
    ],
)
def test_headers_and_chunks_that_do_not_end_are_rejected(service, beginning, status):
    with socket.create_connection(("127.0.0.1", service[0].port), 10) as connection:
        connection.sendall(beginning)
        for _ in range(100):
            if select([connection], [], [], 0.01)[0]:
                break
            with suppress(ConnectionError):  # it has just been closed, after the answer
                connection.sendall(b"a" * 1000)
        assert int(connection.recv(65536).split()[1]) == status


def test_a_client_that_sends_half_of_its_body_blocks_no_other(service):
    with socket.create_connection(("127.0.0.1", service[0].port), 10) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 1000000\r\n\r\nhalf"
        )
        assert requests.get(f"{service[0].url}/livez", timeout=5).status_code == 200
    array = np.zeros((1, 28, 28), np.uint8)
    answer = post(service, npy(array.shape, array.tobytes()), "application/x-npy")
    assert answer.status_code == 200
