"""The worker processes share new connections evenly."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.processes import stack_in, wait_until

ANSWER = b"HTTP/1.1 200"
LISTENING = "0A"  # a state in /proc/net/tcp
TOO_MANY_FILES = """
import asyncio, logging, os, resource, socket
from service.server.listener import RETRY_S, Loop, take_place

class Greeting(asyncio.Protocol):
    def connection_made(self, transport):
        transport.write(b"hello")

async def main():
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", 0))
    await loop.create_server(Greeting, sock=listening)
    client = socket.create_connection(listening.getsockname())
    client.setblocking(False)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, most))
    failed = asyncio.Event()
    logging.getLogger("service.server.listener").addFilter(lambda record: failed.set() or True)
    began = loop.time()
    await failed.wait()
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    received = await loop.sock_recv(client, 9)
    print(received.decode(), round(loop.time() - began, 3) >= RETRY_S)  # its unit is 1 ms

take_place()
with asyncio.Runner(loop_factory=Loop) as runner:
    runner.run(main())
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A running API of two processes, without Redis."""
    with stack_in(tmp_path_factory.mktemp("listener"), STEPBOX_PROCESSES="2") as stack:
        server = stack.start_service()
        wait_until(lambda: len(server.children()) == 2)
        yield stack, server


def count_connections(pid, port):
    """Count the connections to a port that a process has accepted and not closed."""
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    sockets = {
        f"socket:[{inode}]"
        for _, local, _, state, *_, inode in (line.split()[:10] for line in lines)
        if local.endswith(f":{port:04X}") and state != LISTENING
    }
    files = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            files.add(str(file.readlink()))
    return len(sockets & files)


@contextmanager
def clients(port, number):
    """Connect all clients at the same time, send a request on each, and keep them connected."""
    with ExitStack() as opened:
        connections = [opened.enter_context(socket.socket()) for _ in range(number)]
        for connection in connections:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        time.sleep(0.1)
        for connection in connections:
            connection.settimeout(60)
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for connection in connections:
            assert connection.recv(65536).startswith(ANSWER)
        yield


def differences(stack, processes):
    """Yield how many more connections one of two processes gets, for several sets of clients."""

    def counts():
        return [count_connections(pid, stack.port) for pid in processes]

    def counts_of_clients():
        wait_until(lambda: not any(counts()), what="the old connections to be closed")
        with clients(stack.port, 16):
            return counts()

    wait_until(lambda: all(counts_of_clients()), what="both processes to serve")
    for _ in range(9):
        first, second = counts_of_clients()
        assert first + second == 16
        yield abs(first - second)


def test_simultaneous_clients_are_spread_over_all_processes(service):
    stack, server = service
    assert statistics.median(differences(stack, server.children())) <= 2


def test_a_replacement_process_gets_its_share(service):
    stack, server = service
    with clients(stack.port, 16):
        first, kept = server.children()
        os.kill(first, signal.SIGKILL)
        (replacement,) = wait_until(lambda: {*server.children()} - {first, kept})
    assert statistics.median(differences(stack, [kept, replacement])) <= 2


def test_a_connection_waits_until_a_file_can_be_opened():
    done = subprocess.run(
        [sys.executable, "-c", TOO_MANY_FILES], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["hello", "True"]
    assert "cannot accept connections: Too many open files" in done.stderr
