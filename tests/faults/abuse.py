"""Attack the API with abusive requests, and measure what other clients notice.

`python -m tests.faults.abuse` starts the API and Redis for each kind of abuse in turn. It prints

- the number of bytes that the abuse sent, and its duration;
- the peak memory of all processes of the API;
- the longest time that another client waited for `/livez`, `/jobs` and a prediction.

The exit status is 1 if the memory or a wait exceeds its limit below, or if a request of the other
client failed.
"""

import argparse
import io
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import requests
from PIL import Image

from service.backend import Backend
from service.settings import ServiceSettings
from stepbox.data.builtin import DATASETS
from stepbox.nn.network import Network, dense_layers
from stepbox.store.card import CardDraft
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.presets import RECIPES
from tests.faults.worst_bodies import worst_bodies
from tests.processes import Process, Stack, stack_in
from tests.service.conftest import publish, untrained

MOST_MEMORY = 1.5e9  # bytes; limit for all processes of the API together
LONGEST_WAIT_S = 2.0  # limit for a small request of another client
HEAD = "{} HTTP/1.1\r\nHost: localhost\r\n"


class Others:
    """Another client, which keeps sending small requests, and measures the memory of the API."""

    def __init__(self, stack: Stack, service: Process) -> None:
        self.waits: dict[str, float] = {}
        self.memory = 0
        self.failures: list[str] = []
        self._stack, self._service = stack, service
        self._image = requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=10).content
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=[name])
            for name in ("/livez", "/jobs", "/predict")
        ]
        self._threads.append(threading.Thread(target=self._weigh))

    def __enter__(self) -> "Others":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, path: str) -> None:
        while not self._over.wait(0.05):
            began = time.perf_counter()
            try:
                if path == "/predict":
                    kind = {"Content-Type": "image/png"}
                    url = f"{self._stack.url}{path}"
                    answer = requests.post(url, data=self._image, headers=kind, timeout=60)
                else:
                    answer = requests.get(f"{self._stack.url}{path}", timeout=60)
                if not answer.ok:
                    self.failures.append(f"{path}: {answer.status_code}")
            except requests.RequestException as error:
                self.failures.append(f"{path}: {error!r}")
            waited = time.perf_counter() - began
            self.waits[path] = max(self.waits.get(path, 0), waited)

    def _weigh(self) -> None:
        while not self._over.wait(0.05):
            self.memory = max(self.memory, memory_of(self._service))


def memory_of(service: Process) -> int:
    """Return the memory of all processes of the API in bytes; shared memory counts once."""
    total = 0
    for pid in (service.pid, *service.children()):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def largest_model(stack: Stack, recipe: str = "mnist-numpy") -> str:
    """Publish a model of the maximum size, 65 MB; return its id."""
    layers = (1024,) * 8
    network = Network.initial(dense_layers((784, *layers, 10), "relu"), 1)
    _, evaluation = untrained(recipe)
    draft = CardDraft(
        id=new_model_id(),
        job="0123456789abcdef",
        recipe=RECIPES[recipe].model_copy(update={"hidden_sizes": layers, "activation": "relu"}),
        dataset=DATASETS[RECIPES[recipe].dataset],
        history=[],
        evaluation=evaluation,
        device="cpu",
    )
    store = ModelStore(stack.models_dir)
    store.stage(draft.id, draft, network, network)
    store.publish(draft.id, draft.id)
    return draft.id


def post(path: str, kind: str, body: bytes) -> bytes:
    """Return the bytes of a POST request."""
    head = HEAD.format(f"POST {path}") + f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n").encode() + body


def get(path: str) -> bytes:
    """Return the bytes of a GET request."""
    return (HEAD.format(f"GET {path}") + "\r\n").encode()


def send_at_once(stack: Stack, bodies: Iterable[bytes]) -> int:
    """Send all requests at once, each on its own connection, and read the responses."""
    all_bodies = list(bodies)

    def send(data: bytes) -> int:
        with socket.create_connection(("127.0.0.1", stack.port), 120) as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(2**20):
                    pass
            except OSError:  # the API rejected the request before its end
                pass
        return len(data)

    with ThreadPoolExecutor(len(all_bodies)) as threads:
        return sum(threads.map(send, all_bodies))


def hold(stack: Stack, count: int, beginning: bytes, seconds: float, drip: bytes = b"") -> int:
    """Hold connections open: send ``beginning``, then ``drip`` every second; read nothing.

    Returns the number of bytes sent.
    """
    sent = 0
    with ExitStack() as open_ones:
        connections = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", stack.port), 30)
            open_ones.enter_context(connection)
            connection.sendall(beginning)
            connections.append(connection)
            sent += len(beginning)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(1)
            for connection in list(connections):
                try:
                    connection.sendall(drip)
                    sent += len(drip)
                except OSError:
                    connections.remove(connection)
    return sent


def slow_bodies(stack: Stack) -> int:
    """Hold 1,000 connections that send one byte of a body per second."""
    head = HEAD.format("POST /predict") + "Content-Type: image/png\r\nContent-Length: 1000000\r\n"
    return hold(stack, 1000, (head + "\r\n").encode(), 15, b"x")


def slow_heads(stack: Stack) -> int:
    """Hold 1,000 connections that send one byte of a header per second."""
    return hold(stack, 1000, b"GET /livez HTTP/1.1\r\nX: ", 15, b"x")


def slow_readers(stack: Stack) -> int:
    """Hold 200 connections that request 65 MB of weights and read nothing."""
    return hold(stack, 200, get(f"/models/{largest_model(stack)}/weights"), 15)


def pipeline(stack: Stack) -> int:
    """Send 32 MB of `GET /livez` requests on one connection, and read nothing."""
    data = get("/livez") * (32 * 2**20 // len(get("/livez")))
    with suppress(OSError), socket.create_connection(("127.0.0.1", stack.port), 15) as connection:
        connection.sendall(data)
    return len(data)


def empty_objects(stack: Stack) -> int:
    """Send eight bodies with 32 MB of `{}` at once, to `/predict` and `/train`."""
    body = b'{"images": [' + b"{}," * (32 * 2**20 // 3 - 10) + b"{}]}"
    paths = ["/predict", "/train"] * 4
    return send_at_once(stack, [post(path, "application/json", body) for path in paths])


def wrong_items(stack: Stack) -> int:
    """Send recipes with 40,000 invalid items or unknown names, and some smaller than 64 KiB."""
    items = b'{"hidden_sizes": [' + b"{}," * 40_000 + b"{}]}"
    fitting = b'{"hidden_sizes": [' + b"{}," * 21_000 + b"{}]}"
    names = json.dumps(dict.fromkeys(map(str, range(40_000)), 0)).encode()
    some = json.dumps(dict.fromkeys(map(str, range(6_000)), 0)).encode()
    bodies = [items, fitting, names, some] * 2
    return send_at_once(stack, [post("/train", "application/json", body) for body in bodies])


def largest_bodies(stack: Stack) -> int:
    """Send each operation the bodies that are the most expensive to parse, one after another."""
    sent = 0
    for worst in worst_bodies(32 * 2**20):
        headers = {"Content-Type": "application/json"}
        url = stack.url + worst.path
        requests.request(worst.method, url, data=worst.body, headers=headers, timeout=60)
        sent += len(worst.body)
    return sent


def json_images(count: int = 10_000) -> bytes:
    """Return a JSON body with images of 4 kB each."""
    row = json.dumps([200] * 28).encode()
    image = b"[" + b", ".join([row] * 28) + b"]"
    return b'{"images": [' + b", ".join([image] * count) + b"]}"


def ordinary_json(stack: Stack) -> int:
    """Send eight valid JSON bodies of 33 MB at once."""
    return send_at_once(stack, [post("/predict", "application/json", json_images(8_200))] * 8)


def encoded(side: int, form: str, mode: str = "L") -> bytes:
    """Encode a square black image."""
    buffer = io.BytesIO()
    Image.new(mode, (side, side)).save(buffer, form)
    return buffer.getvalue()


def form_of(files: list[bytes]) -> bytes:
    """Return a multipart request with these image files."""
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n%b\r\n' % file
        for file in files
    ]
    return post("/predict", "multipart/form-data; boundary=x", b"".join([*parts, b"--x--\r\n"]))


def image_bombs(stack: Stack) -> int:
    """Send 60 images of 25 megapixels in one form and disconnect, eight times."""
    data = form_of([encoded(5000, "WEBP")] * 60)
    for _ in range(8):
        with socket.create_connection(("127.0.0.1", stack.port), 30) as connection:
            connection.sendall(data)
    time.sleep(2)
    return 8 * len(data)


def large_images(stack: Stack) -> int:
    """Send 200 images of 25 megapixels at once, each about 44 kB."""
    return send_at_once(stack, [post("/predict", "image/webp", encoded(5000, "WEBP"))] * 200)


def cold_model(stack: Stack) -> int:
    """Request the card of a 65-MB model in 64 requests at once, then its histograms in 16."""
    model = largest_model(stack)
    sent = send_at_once(stack, [get(f"/models/{model}")] * 64)
    return sent + send_at_once(stack, [get(f"/models/{model}/histograms")] * 16)


def large_mix(stack: Stack) -> int:
    """Send 100 valid requests at once: ten each of ten expensive kinds."""
    model = largest_model(stack)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((10_000, 28, 28), np.uint8))
    rows = np.column_stack([np.ones(5_000), np.arange(5_000.0)]).tolist()
    regression = {"X": rows, "y": [row[1] for row in rows], "loss": "l1"}
    boxes = {"function": "sin(3*x)", "bound": 3, "boxes": 100_000, "include_network": True}
    kinds = [
        post("/predict", "application/json", json_images(8_200)),
        post("/predict", "application/x-npy", buffer.getvalue()),
        post(f"/predict?model={model}", "application/x-npy", buffer.getvalue()),
        post("/predict", "image/png", encoded(5000, "PNG", "RGBA")),
        form_of([encoded(5000, "JPEG")] * 10),
        post("/analysis/regression", "application/json", json.dumps(regression).encode()),
        post("/analysis/box-approximation", "application/json", json.dumps(boxes).encode()),
        post("/analysis/gradient-check", "application/json", f'{{"model": "{model}"}}'.encode()),
        get(f"/models/{model}/histograms"),
        get(f"/models/{model}/first-layer"),
    ]
    return send_at_once(stack, kinds * 10)


ABUSES: list[Callable[[Stack], int]] = [
    slow_bodies,
    slow_heads,
    slow_readers,
    pipeline,
    empty_objects,
    wrong_items,
    largest_bodies,
    ordinary_json,
    image_bombs,
    large_images,
    cold_model,
    large_mix,
]


def run(abuse: Callable[[Stack], int], folder: Path) -> bool:
    """Run one abuse against a new stack, print the figures, and tell whether it passed."""
    with stack_in(folder) as stack:
        stack.start_redis()
        service = stack.start_service()
        settings = ServiceSettings(
            models_dir=stack.models_dir, data_dir=Path(stack.environment["STEPBOX_DATA_DIR"])
        )
        publish(Backend(settings))
        with Others(stack, service) as others:
            began = time.perf_counter()
            sent = abuse(stack)
            seconds = time.perf_counter() - began
    waits = " ".join(f"{others.waits.get(p, 0):8.2f}" for p in ("/livez", "/jobs", "/predict"))
    print(
        f"{abuse.__name__:15} {sent / 1e6:9.2f} {seconds:8.1f} {others.memory / 1e6:8.0f} {waits}"
        f"  {'; '.join(sorted(set(others.failures)))}",
        flush=True,
    )
    longest = max(others.waits.values())
    return others.memory <= MOST_MEMORY and longest <= LONGEST_WAIT_S and not others.failures


def main() -> int:
    """Run the abuses and print a table; return 1 if one of them did not pass."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [abuse.__name__ for abuse in ABUSES]
    parser.add_argument("abuses", nargs="*", default=names, help=", ".join(names))
    chosen = parser.parse_args().abuses
    print(
        f"{'abuse':15} {'MB sent':>9} {'seconds':>8} {'peak MB':>8} "
        "longest wait in s: /livez, /jobs, /predict"
    )
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        for abuse in ABUSES:
            if abuse.__name__ in chosen:
                kept &= run(abuse, Path(folder) / abuse.__name__)
    return int(not kept)


if __name__ == "__main__":
    sys.exit(main())
