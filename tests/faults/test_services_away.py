"""What a user sees while Redis or the worker is unavailable."""

import os
import signal
import time
from pathlib import Path

import pytest
import requests

from service.backend import Backend
from service.settings import ServiceSettings
from stepbox.store.models import ModelStore
from tests.faults.test_import_recovery import HOLDING, hold, release, wait_for_hold
from tests.faults.test_recovery import WITHOUT_CAPABILITIES
from tests.problems import check_problem
from tests.service.conftest import publish


def predict(stack):
    png = requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=10).content
    return requests.post(
        f"{stack.url}/predict", data=png, headers={"Content-Type": "image/png"}, timeout=10
    )


def test_jobs_continue_after_redis_is_killed_and_restarted(own_stack):
    redis = own_stack.start_redis()
    own_stack.environment["HOLD_DIR"] = str(own_stack.folder)
    hold(own_stack, "epoch-2")
    own_stack.start_worker(application=HOLDING)
    own_stack.start_service()
    own_stack.wait_for(own_stack.train(epochs=1, hidden_sizes=[4])["id"])
    running = own_stack.train(epochs=10, hidden_sizes=[8])["id"]
    waiting = own_stack.train(epochs=1, hidden_sizes=[4])["id"]
    wait_for_hold(own_stack, "epoch-2")
    redis.stop(signal.SIGKILL)
    release(own_stack, "epoch-2")

    for method, path in (
        ("get", "/jobs"),
        ("get", f"/jobs/{running}"),
        ("get", f"/jobs/{running}/events"),
        ("post", f"/jobs/{running}/cancel"),
        ("post", "/train"),
        ("get", "/readyz"),
    ):
        started = time.monotonic()
        answer = requests.request(method, own_stack.url + path, json={}, timeout=10)
        check_problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() - started < 5  # the API does not wait until Redis is back
    assert predict(own_stack).status_code == 200
    assert requests.get(f"{own_stack.url}/models", timeout=10).status_code == 200

    own_stack.start_redis()
    for id in (running, waiting):
        job = own_stack.wait_for(id)
        assert (job["status"], job["attempts"]) == ("succeeded", 1)
        assert [entry["epoch"] for entry in job["history"]] == list(
            range(job["recipe"]["epochs"] + 1)
        )


def test_a_redis_that_hangs_counts_as_unavailable(own_stack):
    redis = own_stack.start_redis()
    own_stack.start_service()
    job = own_stack.train(epochs=1, hidden_sizes=[2])
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        for path in ("/jobs", f"/jobs/{job['id']}/events"):
            answer = requests.get(own_stack.url + path, timeout=8)
            check_problem(answer, 503)
        # Each answer that waited for Redis would take 3 s; one that is late for another reason may.
        answers = [requests.get(f"{own_stack.url}/models", timeout=10) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert min(answer.elapsed.total_seconds() for answer in answers) < 2
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    assert own_stack.job(job["id"])["status"] == "queued"


def test_a_job_waits_until_a_worker_starts(own_stack):
    own_stack.start_redis()
    own_stack.start_service()
    ready = requests.get(f"{own_stack.url}/readyz", timeout=10)
    assert "worker" in check_problem(ready, 503)["detail"]
    others = requests.get(f"{own_stack.url}/readyz?exclude=worker", timeout=10)
    assert others.status_code == 200
    assert "worker" not in [check["name"] for check in others.json()["checks"]]
    wrong = requests.get(f"{own_stack.url}/readyz?exclude=mnist", timeout=10)
    assert check_problem(wrong, 422)["errors"][0]["detail"] == "Choose queue or worker"
    job = own_stack.train(epochs=1, hidden_sizes=[2])
    cancelled = own_stack.train(epochs=1, hidden_sizes=[2])["id"]
    answer = requests.post(f"{own_stack.url}/jobs/{cancelled}/cancel", timeout=10)
    assert answer.json()["status"] == "cancelled"
    own_stack.start_worker()
    assert own_stack.wait_for(job["id"])["status"] == "succeeded"
    assert own_stack.job(cancelled)["attempts"] == 0


@pytest.mark.container
def test_with_a_read_only_store_changes_are_rejected_and_predictions_work(own_stack):
    settings = ServiceSettings(
        models_dir=own_stack.models_dir, data_dir=Path(own_stack.environment["STEPBOX_DATA_DIR"])
    )
    named, other = (publish(Backend(settings))[0] for _ in range(2))
    ModelStore(own_stack.models_dir).set_alias("best", named)
    own_stack.start_redis()
    own_stack.models_dir.chmod(0o555)
    try:
        able = os.access(own_stack.models_dir, os.W_OK)  # root with capabilities can write anyway
        own_stack.start_service(*(WITHOUT_CAPABILITIES if able else ()))
        for method, path, body in (
            ("put", "/aliases/best", {"model": other}),
            ("delete", "/aliases/best", None),
            ("delete", f"/models/{other}", None),
        ):
            answer = requests.request(method, own_stack.url + path, json=body, timeout=10)
            assert "cannot be written: Permission denied" in check_problem(answer, 503)["detail"]
            assert int(answer.headers["Retry-After"]) > 0
        assert predict(own_stack).json()["model"] == other
    finally:
        own_stack.models_dir.chmod(0o755)
    aliases = requests.get(f"{own_stack.url}/aliases", timeout=10).json()["aliases"]
    assert aliases == {"best": named}
