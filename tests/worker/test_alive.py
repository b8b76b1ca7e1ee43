import json
import os
import subprocess
import sys

import pytest

from tests.processes import ROOT, wait_until
from worker.alive import find_fault, write_heartbeat


def check(stack):
    return subprocess.run(
        [sys.executable, "-m", "worker.health"],
        cwd=ROOT, env=stack.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_worker_that_cannot_write_its_heartbeat_keeps_working(own_stack, jobs):
    path = own_stack.folder / "file"
    path.write_text("no folder")
    own_stack.environment["STEPBOX_ALIVE_FILE"] = str(path / "alive")
    worker = own_stack.start_worker()
    wait_until(
        lambda: "cannot write the worker's heartbeat" in worker.log.read_text(),
        what="the worker to say so",
    )
    wait_until(jobs.workers, what="a heartbeat of the worker")
    found = check(own_stack)
    assert found.returncode == 1
    assert f"Not a directory: '{path}/alive'" in found.stdout


def test_a_worker_with_a_recent_heartbeat_is_alive(tmp_path):
    write_heartbeat(tmp_path / "alive", None)
    assert find_fault(tmp_path / "alive") is None
    write_heartbeat(tmp_path / "alive", "took nothing")
    assert find_fault(tmp_path / "alive") == "the worker took nothing"


@pytest.mark.parametrize("age", [16, 1e9])
def test_a_worker_with_an_old_heartbeat_is_not_alive(tmp_path, monkeypatch, age):
    write_heartbeat(tmp_path / "alive", None)
    heartbeat = json.loads((tmp_path / "alive").read_text())
    monkeypatch.setattr("time.monotonic", lambda: heartbeat["monotonic"] + age)
    assert f"last heartbeat was {age:.0f} s ago" in find_fault(tmp_path / "alive")


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "{}"])
def test_a_missing_or_damaged_heartbeat_is_a_fault(tmp_path, text):
    assert "has not written" in find_fault(tmp_path / "alive")
    (tmp_path / "alive").write_text(text)
    assert "cannot be read" in find_fault(tmp_path / "alive")


def test_a_heartbeat_of_another_user_is_a_fault(tmp_path, monkeypatch):
    write_heartbeat(tmp_path / "alive", None)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert "belongs to another user" in find_fault(tmp_path / "alive")
