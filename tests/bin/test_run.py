"""bin/run starts, restarts and stops its three processes."""

import os
import re
import resource
import signal
import socket
import subprocess

import pytest
import requests

from tests.processes import PATIENCE_S, ROOT, wait_until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_starts_all_processes_prints_what_to_try_and_stops_them(own_stack, number):
    process = own_stack.start("run", "bin/run")
    try:
        wait_until(
            lambda: f"ready at {own_stack.url}" in process.log.read_text() or not process.running(),
            what="the API to be ready",
        )
        assert requests.get(f"{own_stack.url}/readyz", timeout=10).status_code == 200
    finally:
        status = process.stop(number)
    assert status == 0
    output = process.log.read_text()
    assert len(re.findall(rf"^  +curl -s {own_stack.url}/", output, re.MULTILINE)) == 4
    stopped = re.findall(r"^(\w+) +\| stopped \(status=(-?\d+)\)", output, re.MULTILINE)
    assert stopped == [("service", "0"), ("worker", "0"), ("redis", "0")]
    assert_all_ended(output)


def test_restarts_a_process_that_ends_later_while_the_others_continue(own_stack):
    process = own_stack.start("run", "bin/run")

    def started(name):
        return re.findall(rf"^{name} +\| started \(pid=(\d+)\)", process.log.read_text(), re.M)

    wait_until(lambda: f"ready at {own_stack.url}" in process.log.read_text())
    # Redis cannot write its file any more and ends, as on a full disk.
    resource.prlimit(int(started("redis")[0]), resource.RLIMIT_FSIZE, (1, 1))
    os.kill(int(started("worker")[0]), signal.SIGKILL)
    wait_until(lambda: refused(own_stack) or len(started("redis")) == 2)
    png = requests.get(f"{own_stack.url}/datasets/mnist/test/0.png", timeout=10)
    assert png.status_code == 200
    wait_until(lambda: requests.get(f"{own_stack.url}/readyz", timeout=10).ok)
    job = own_stack.train(epochs=1, hidden_sizes=[2])
    assert own_stack.wait_for(job["id"])["status"] == "succeeded"
    assert [len(started(name)) for name in ("redis", "worker", "service")] == [2, 2, 1]
    assert process.stop() == 0
    assert_all_ended(process.log.read_text())


def refused(stack):
    """Submit a training, which makes Redis write; tell whether the API answers 503."""
    answer = requests.post(f"{stack.url}/train", json={"epochs": 1}, timeout=10)
    return answer.status_code == 503


def test_stops_the_others_if_one_cannot_start(own_stack):
    own_stack.environment["STEPBOX_OPEN"] = "maybe"
    process = own_stack.start("run", "bin/run")
    wait_until(lambda: not process.running(), what="everything to end")
    output = process.log.read_text()
    assert process.stop() == 1
    assert re.search(r"^service ended with status \d+: stopping$", output, re.MULTILINE)
    assert_all_ended(output)


@pytest.mark.parametrize("name", ["STEPBOX_PORT", "STEPBOX_REDIS_PORT"])
def test_starts_nothing_if_a_port_cannot_be_used(own_stack, name):
    def message_for(port):
        environment = own_stack.environment | {name: port}
        finished = subprocess.run(
            [ROOT / "bin" / "run"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert finished.returncode == 1
        assert finished.stdout == ""
        return finished.stderr

    for port in ("abc", "0", "65536", ""):
        assert message_for(port) == f"{name} must be a port from 1 to 65535, not {port!r}.\n"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        problem = f"Port {port} cannot be used: Address already in use."
        assert message_for(port) == f"{problem} Choose another with {name}.\n"


def assert_all_ended(output):
    groups = dict(re.findall(r"^(\w+) +\| started \(pid=(\d+)\)", output, re.MULTILINE))
    assert set(groups) == {"redis", "worker", "service"}
    for group in groups.values():  # the worker's child may end slightly later than the worker
        wait_until(lambda group=int(group): not exists(group), what=f"group {group} to end")


def exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
