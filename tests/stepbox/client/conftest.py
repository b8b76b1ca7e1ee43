import socket
from contextlib import suppress

import pytest

from stepbox.client import Client
from tests.browser.relay import Relay
from tests.processes import stack_in
from tests.receivers import receiving

# Points of the plane: a training of a fraction of a second.
MOONS = {"recipe": "playground", "dataset": {"generate": "moons"}, "epochs": 1}
IRIS = "length,width,label\n" + "".join(
    f"{index % 7},{index % 5},{'ab'[index % 2]}\n" for index in range(40)
)


class LossyRelay(Relay):
    """A relay that loses the next answers: it closes the connections instead."""

    to_lose = 0

    def _pass_on(self, source, sink):
        with suppress(OSError):
            from_server = source.getpeername()[1] == self._target
            while data := source.recv(65536):
                if from_server and self.to_lose:
                    self.to_lose -= 1  # the server has done what it was asked
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def server(tmp_path_factory, receiver):
    """Run an installation for the module: Redis, one worker and the API."""
    folder = tmp_path_factory.mktemp("client")
    with stack_in(folder, STEPBOX_WEBHOOK_ALLOW=receiver.address) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        stack.wait_for_worker()
        yield stack


@pytest.fixture(scope="module")
def client(server):
    with Client(server.url, token="") as client:
        yield client


@pytest.fixture(scope="module")
def moons(client):
    """Train a model of points; return the job."""
    return client.train(**MOONS).wait()


@pytest.fixture(scope="module")
def digits(client):
    """Train a model of digits with few neurons; return the job."""
    return client.train("mnist-numpy", epochs=1, hidden_sizes=[4]).wait()
