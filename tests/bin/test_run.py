"""bin/run: three processes under one manager, and their end."""

import os
import re
import signal
import socket

import pytest
import requests

from tests.processes import Process, Stack, wait_until

pytestmark = pytest.mark.server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_starts_all_three_says_what_to_try_and_stops_them(tmp_path, number):
    stack = Stack(tmp_path)
    log = tmp_path / "run.log"
    process = Process(["bin/run"], stack.environment, log)
    try:
        wait_until(
            lambda: f"Stepbox is ready at {stack.url}" in log.read_text() or not process.running(),
            seconds=60,
            what="the API to be ready",
        )
        assert requests.get(f"{stack.url}/readyz", timeout=10).status_code == 200, log.read_text()
    finally:
        status = process.stop(number)
    output = log.read_text()
    assert status == 0, output
    assert len(re.findall(rf"^  +curl -s {stack.url}/", output, re.MULTILINE)) == 4
    stopped = re.findall(r"^(\w+) +\| stopped \(status=(-?\d+)\)", output, re.MULTILINE)
    assert stopped == [("service", "0"), ("worker", "0"), ("redis", "0")], output
    assert_all_ended(output)


def test_stops_the_others_where_one_cannot_start(tmp_path):
    stack = Stack(tmp_path)
    log = tmp_path / "run.log"
    with socket.create_server(("127.0.0.1", stack.redis_port)):
        process = Process(["bin/run"], stack.environment, log)
        wait_until(lambda: not process.running(), seconds=60, what="everything to end")
    output = log.read_text()
    assert process.stop() == 1, output
    assert "redis ended with status 1: stopping" in output
    assert_all_ended(output)


def assert_all_ended(output):
    groups = dict(re.findall(r"^(\w+) +\| started \(pid=(\d+)\)", output, re.MULTILINE))
    assert set(groups) == {"redis", "worker", "service"}
    for group in groups.values():  # the worker's child may end a moment after the worker
        wait_until(lambda group=int(group): not exists(group), what=f"group {group} to end")


def exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
