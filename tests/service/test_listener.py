"""How the processes of the API share the connections that come."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.processes import stack_in, wait_until

ANSWER = b"HTTP/1.1 200"
TOO_MANY_FILES = """
import asyncio, os, resource, socket
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
    began = loop.time()
    await asyncio.sleep(RETRY_S / 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print((await loop.sock_recv(client, 9)).decode(), loop.time() - began >= RETRY_S)

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


def files(pid):
    """Count what a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def steady(processes):
    """Wait until no process opens or closes anything for half a second; returns the counts."""
    counts = []

    def same_as_before():
        counts.append(tuple(files(pid) for pid in processes))
        return len(counts) >= 10 and len({*counts[-10:]}) == 1

    wait_until(same_as_before, what="the processes to open and close nothing")
    return counts[-1]


@contextmanager
def clients(port, number):
    """Let clients come all at once, then answer each, and keep their connections open."""
    with ExitStack() as opened:
        connections = [opened.enter_context(socket.socket()) for _ in range(number)]
        for connection in connections:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        time.sleep(0.1)
        for connection in connections:
            connection.settimeout(10)
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for connection in connections:
            assert connection.recv(65536).startswith(ANSWER)
        yield


def gaps(stack, processes):
    """Tell by how many the two processes' connections differ, time after time."""
    steady(processes)  # what went before is over, and a new process is set up
    with clients(stack.port, 16):
        pass  # what is opened once is open then
    before = steady(processes)
    for _ in range(9):
        with clients(stack.port, 16):
            got = [files(pid) - old for pid, old in zip(processes, before, strict=True)]
            assert sum(got) == 16
            yield abs(got[0] - got[1])
        wait_until(lambda: tuple(files(pid) for pid in processes) == before)


def test_clients_that_come_together_get_all_processes(service):
    stack, server = service
    assert statistics.median(gaps(stack, server.children())) <= 2


def test_a_process_that_takes_the_place_of_another_gets_its_share(service):
    stack, server = service
    with clients(stack.port, 16):
        first, kept = server.children()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(server.children()) == 2 and first not in server.children())
    new = next(pid for pid in server.children() if pid != kept)
    assert statistics.median(gaps(stack, [kept, new])) <= 2


def test_a_connection_waits_until_a_file_can_be_opened():
    done = subprocess.run(
        [sys.executable, "-c", TOO_MANY_FILES], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["hello", "True"]
    assert "cannot accept connections: Too many open files" in done.stderr
