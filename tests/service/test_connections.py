"""Connections over real sockets. The server runs in the event loop of the test."""

import asyncio
import json
from contextlib import asynccontextmanager
from threading import Event

import pytest
import uvicorn
from flask import Flask
from uvicorn.server import ServerState
from werkzeug.exceptions import ClientDisconnected

from jobs.connection import connect, connect_async
from jobs.store import JobStore
from service import errors
from service.access.check import AccessCheck
from service.bodies.bounds import Bound
from service.server import checks
from service.server import memory_budget as budget
from service.server.client_disconnected import raise_if_disconnected
from service.server.connections import ANSWER_S, BODY_S, HEAD_S
from service.server.framing import MOST_HEAD_BYTES
from service.server.front import Front
from service.server.protocol import Protocol
from service.server.streams import Streams
from service.settings import ServiceSettings
from service.webhooks.deliverer import Deliverer
from tests.event_loops import run_scene

CHUNKED = "Transfer-Encoding: chunked"
WAIT_S = 120  # upper bound for waits that are normally short
LARGE = 16 * 2**20


class Served:
    """An application of a few views, and connections to it."""

    def __init__(self, **settings):
        self.go_on, self.begun, self.client_left = Event(), Event(), Event()
        app = Flask("views")
        settings = ServiceSettings(threads=2, **settings)
        check_access = AccessCheck(settings)
        errors.register(app)
        checks.register(app, check_access, settings.max_body_bytes)
        app.add_url_rule("/large-work", "large-work", self.large_work)
        app.add_url_rule("/slow", view_func=self.slow, methods=["GET", "POST"])
        app.add_url_rule("/busy", view_func=self.busy)
        app.add_url_rule("/quick", "quick", lambda: "quick", methods=["GET", "POST"])
        app.add_url_rule("/large", "large", lambda: bytes(LARGE))
        streams = Streams(lambda: connect_async(settings), 1)
        deliverer = Deliverer(settings, lambda: JobStore(connect(settings)))  # never started
        self.front = Front(app, settings, check_access, streams, lambda *head: None, deliverer)
        self.connections, self.writers = [], []

    @Bound(memory_bytes=2**20)
    def large_work(self):
        return self.slow()

    def slow(self):
        self.begun.set()
        assert self.go_on.wait(WAIT_S)
        return "slow"

    def busy(self):
        self.begun.set()
        try:
            while not self.go_on.wait(0.01):
                raise_if_disconnected()
        except ClientDisconnected:
            self.client_left.set()
            raise
        return "busy"

    async def connect(self):
        """Open a connection, and return its reader and writer."""
        reader, writer = await asyncio.open_connection(*self.address)
        self.writers.append(writer)
        return reader, writer

    async def wait_for(self, event):
        """Wait for an event that a thread sets."""
        assert await asyncio.to_thread(event.wait, WAIT_S)

    async def find_connection(self, condition):
        """Wait until a connection of the server meets a condition, and return it."""
        while True:
            for connection in self.connections:
                if condition(connection):
                    return connection
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(**settings):
    """Serve in this event loop."""
    served = Served(**settings)
    config = uvicorn.Config(served.front, http=Protocol, lifespan="off", proxy_headers=False)
    config.load()
    state = ServerState()

    def connection():
        served.connections.append(Protocol(config, state, {}))
        return served.connections[-1]

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    served.address = server.sockets[0].getsockname()[:2]
    try:
        async with asyncio.timeout(WAIT_S):
            yield served
    finally:
        served.go_on.set()
        for writer in served.writers:
            writer.transport.abort()
        while len(served.front.connections):
            await asyncio.sleep(0.01)
        server.close()


async def answer(reader):
    """Read one response, and return its status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split()[1])
    if status == 100:
        return await answer(reader)
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return status, await reader.readexactly(int(length))


def request(path, *headers, method="GET"):
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def window_start(connection):
    """Return the loop's time from which on a connection's current time limit counts."""
    now = asyncio.get_running_loop().time()
    return now - connection.pace.lasts(now)


def run(scene, **settings):
    """Run a scene, the coroutine function of a test, while an application is served."""

    async def play():
        async with serving(**settings) as served:
            await scene(served)

    run_scene(play)


def test_livez_and_slow_bodies_need_no_thread():
    async def scene(served):
        half = request("/quick", "Content-Length: 2", method="POST") + b"h"
        halves = [await served.connect() for _ in range(5)]
        for _, writer in halves:
            writer.write(half)
        reader, writer = await served.connect()
        writer.write(request("/quick"))
        assert await answer(reader) == (200, b"quick")
        both = [await served.connect() for _ in range(2)]
        for _, one in both:
            one.write(request("/slow"))
        writer.write(request("/livez"))
        status, body = await answer(reader)
        assert (status, json.loads(body)) == (200, {"status": "alive"})
        served.go_on.set()
        for one, _ in both:
            assert await answer(one) == (200, b"slow")
        for one, end in halves:
            end.write(b"h")
            assert await answer(one) == (200, b"quick")

    run(scene)


def test_pipelined_requests_are_answered_in_order_and_one_at_a_time():
    async def scene(served):
        reader, writer = await served.connect()
        writer.write(request("/slow") + request("/quick") * 3 + b"nonsense\r\n\r\n")
        await served.wait_for(served.begun)
        (connection,) = served.connections
        assert not connection.pipeline
        served.go_on.set()
        bodies = [await answer(reader) for _ in range(4)]
        assert bodies == [(200, b"slow")] + [(200, b"quick")] * 3
        assert (await answer(reader))[0] == 400
        assert not await reader.read()

    run(scene)


def test_reading_ahead_is_bounded():
    async def scene(served):
        reader, writer = await served.connect()
        count = 100_000
        writer.write(request("/slow") + request("/livez") * count)
        connection = await served.find_connection(lambda one: one.flow and one.flow.read_paused)
        assert len(connection.unread) < 2**20
        assert not connection.pipeline
        served.go_on.set()
        assert await answer(reader) == (200, b"slow")
        for _ in range(1000):
            assert (await answer(reader))[0] == 200
        writer.transport.abort()

    run(scene)


def test_work_stops_if_a_client_disconnects_after_sending_another_request():
    async def scene(served):
        _, writer = await served.connect()
        writer.write(request("/busy"))
        await served.wait_for(served.begun)
        writer.write(request("/quick"))
        await served.find_connection(lambda one: one.unread)
        writer.close()
        await served.wait_for(served.client_left)

    run(scene)


@pytest.mark.parametrize(
    "behind",
    [
        request("/quick", "Transfer-Encoding: gzip"),
        request("/quick", "Connection: Upgrade", "Upgrade: h2c") * 2,
        request("/quick"),
        request("/quick")[:-2],
    ],
)
@pytest.mark.parametrize("trailer", [b"", b"X: y\r\n"])
def test_a_request_after_a_chunked_body_is_parsed_separately_or_not_at_all(behind, trailer):
    async def scene(served):
        reader, writer = await served.connect()
        chunks = b"2\r\nab\r\n0\r\n" + trailer + b"\r\n"
        writer.write(request("/slow", CHUNKED, method="POST") + chunks + behind)
        await served.wait_for(served.begun)
        served.go_on.set()
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(4) == b"slow"
        if b"close" in head.lower():
            assert trailer
            assert not await reader.read()
        elif behind.endswith(b"localhost\r\n"):
            writer.write(b"\r\n")
            assert await answer(reader) == (200, b"quick")
        elif b"gzip" in behind:
            assert (await answer(reader))[0] == 501
        else:
            assert await answer(reader) == (200, b"quick")

    run(scene)


def test_a_head_that_starts_during_a_long_response_has_its_own_time_limit():
    async def scene(served):
        reader, writer = await served.connect()
        writer.write(request("/slow"))
        await served.wait_for(served.begun)
        head = request("/quick")
        writer.write(head[:10])
        connection = await served.find_connection(lambda one: one.unread)
        connection.pace.begin(asyncio.get_running_loop().time() - 2 * HEAD_S)  # long ago
        served.go_on.set()
        assert await answer(reader) == (200, b"slow")
        connection.check_pace(asyncio.get_running_loop().time())
        writer.write(head[10:])
        assert await answer(reader) == (200, b"quick")

    run(scene)


def test_a_client_that_closes_its_sending_half_gets_its_response():
    async def scene(served):
        reader, writer = await served.connect()
        writer.write(request("/slow"))
        writer.write_eof()
        await served.wait_for(served.begun)
        await served.find_connection(lambda one: one.sends_no_more)
        served.go_on.set()
        assert await answer(reader) == (200, b"slow")
        assert not await reader.read()

    run(scene)


def test_work_stops_if_a_client_disconnects():
    async def scene(served):
        _, writer = await served.connect()
        writer.write(request("/busy"))
        await served.wait_for(served.begun)
        writer.close()
        await served.wait_for(served.client_left)

    run(scene)


@pytest.mark.parametrize(
    ("beginning", "seconds"),
    [
        (b"GET /quick HTTP/1.1\r\nX: ", HEAD_S),
        (b"", HEAD_S),
        (request("/quick", "Content-Length: 60000", method="POST") + b"some", BODY_S),
    ],
)
def test_a_request_that_arrives_too_slowly_is_rejected(beginning, seconds):
    async def scene(served):
        reader, writer = await served.connect()
        writer.write(beginning)
        size = len(beginning)
        connection = await served.find_connection(
            lambda one: one.transport and (not size or one.unread or one.body_left)
        )
        began = window_start(connection)
        connection.check_pace(began + seconds - 2)
        assert not connection.transport.is_closing()
        connection.check_pace(began + seconds + 1)
        status, _ = await answer(reader)
        assert status == 408

    run(scene)


def test_an_idle_connection_is_closed_without_a_response():
    async def scene(served):
        reader, writer = await served.connect()
        writer.write(request("/quick"))
        assert await answer(reader) == (200, b"quick")
        (connection,) = served.connections
        began = window_start(connection)
        connection.check_pace(began + connection.timeout_keep_alive - 1)
        assert not connection.transport.is_closing()
        connection.check_pace(began + connection.timeout_keep_alive + 1)
        assert await reader.read() == b""

    run(scene)


def test_a_body_that_arrives_fast_enough_is_accepted():
    async def scene(served):
        reader, writer = await served.connect()
        writer.write(request("/quick", "Content-Length: 30000", method="POST") + bytes(15_000))
        connection = await served.find_connection(lambda one: one.body_left == 15_000)
        connection.check_pace(asyncio.get_running_loop().time() + BODY_S + 1)
        writer.write(bytes(15_000))
        assert await answer(reader) == (200, b"quick")

    run(scene)


@pytest.mark.parametrize("headers", [[], ["Connection: close"]])
def test_a_client_that_receives_too_slowly_is_disconnected(headers):
    async def scene(served):
        _, writer = await served.connect()
        writer.write(request("/large", *headers))
        connection = await served.find_connection(
            lambda one: one.transport and one.transport.get_write_buffer_size()
        )
        now = asyncio.get_running_loop().time()
        while connection.parser is not None:  # at first, the system's buffers accept some bytes
            connection.check_pace(now)
            connection.check_pace(now + ANSWER_S - 1)
            assert not connection.transport.is_closing()
            now += ANSWER_S
            connection.check_pace(now)
            await asyncio.sleep(0)

    run(scene)


@pytest.mark.parametrize("limit", ["connections", "connections_each"])
def test_the_number_of_connections_is_limited(limit):
    async def scene(served):
        first, second = await served.connect(), await served.connect()
        for reader, writer in (first, second):
            writer.write(request("/quick"))
            assert await answer(reader) == (200, b"quick")
        reader, _ = await served.connect()
        assert (await answer(reader))[0] == 503
        first[1].close()
        await served.find_connection(lambda one: one.parser is None)
        await served.find_connection(lambda one: len(served.front.connections) == 1)
        reader, writer = await served.connect()
        writer.write(request("/quick"))
        assert await answer(reader) == (200, b"quick")

    run(scene, **{limit: 2})


def test_a_request_that_gets_no_memory_is_told_to_retry(monkeypatch):
    monkeypatch.setattr(budget, "PATIENCE_S", 0.01)

    async def scene(served):
        (first, one), (second, other) = [await served.connect() for _ in range(2)]
        one.write(request("/large-work"))
        await served.wait_for(served.begun)
        other.write(request("/large-work"))
        status, body = await answer(second)
        assert (status, json.loads(body)["status"]) == (503, 503)
        other.write(request("/quick"))
        assert await answer(second) == (200, b"quick")
        served.go_on.set()
        assert await answer(first) == (200, b"slow")
        other.write(request("/large-work"))
        assert await answer(second) == (200, b"slow")

    run(scene, work_bytes=2**20)


def test_no_work_is_done_for_a_client_that_disconnects_while_waiting_for_memory():
    async def scene(served):
        (first, one), (_, other) = [await served.connect() for _ in range(2)]
        one.write(request("/large-work"))
        await served.wait_for(served.begun)
        served.begun.clear()
        other.write(request("/large-work"))
        waiting = await served.find_connection(lambda c: c.cycle and c.client[1] == _port(other))
        other.transport.abort()
        await served.find_connection(lambda c: c is waiting and c.parser is None)
        served.go_on.set()
        assert await answer(first) == (200, b"slow")
        one.write(request("/quick"))
        assert await answer(first) == (200, b"quick")
        assert not served.begun.is_set()

    run(scene, work_bytes=2**20)


def _port(writer):
    return writer.get_extra_info("sockname")[1]


def test_a_body_that_is_too_large_is_rejected_before_it_is_read():
    async def scene(served):
        reader, writer = await served.connect()
        length = f"Content-Length: {10**9}"
        writer.write(request("/quick", length, "Expect: 100-continue", method="POST"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")

    run(scene)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /quick HTTP/1.1\r\n\r\n", 400),
        (b"GET /quick HTTP/1.0\r\n\r\n", 200),
        (request("/quick", "Host: other"), 400),
        (request("/quick", "Transfer-Encoding: gzip, chunked", method="POST") + b"0\r\n\r\n", 501),
        (request("/quick", CHUNKED, method="POST") + b"0\r\nHost: other\r\n\r\n", 200),
        (request("/quick", CHUNKED, method="POST") + b"2\r\nab\r\nnonsense", 400),
        (request("/quick", CHUNKED, "Content-Length: 2", method="POST") + b"0\r\n\r\n", 400),
        (request("/quick", "Connection: Upgrade", "Upgrade: h2c"), 200),
        (
            request(
                "/quick", "connection: upgrade", "UPGRADE : h2c", "Content-Length: 2", method="POST"
            )
            + b"ab",
            400,  # a space before the colon
        ),
        (
            request("/quick", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                    "Content-Length: 2", method="POST") + b"ab",
            200,
        ),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"X" * (MOST_HEAD_BYTES + 1), 400),
        (b"GET /" + b"x" * (MOST_HEAD_BYTES + 1), 414),
    ],
)  # fmt: skip
def test_malformed_requests_are_rejected_and_unusual_ones_accepted(data, status):
    async def scene(served):
        reader, writer = await served.connect()
        writer.write(data)
        assert (await answer(reader))[0] == status
        if status == 200 and b"1.1" in data:  # the next request begins where this one ends
            writer.write(request("/quick"))
            assert await answer(reader) == (200, b"quick")

    run(scene)
