"""The endpoints that drain and resume a worker."""

import pytest

from service.api.workers import NEWER_FIELDS
from tests.jobs.test_draining import ABOUT, OLD
from tests.problems import check_problem


@pytest.mark.parametrize("name", ["celery@host", "celery%40host", "w%2E1", "%F0%9F%98%80", "a b"])
def test_a_worker_is_named_in_the_path(app_with_jobs, jobs, name):
    client = app_with_jobs.test_client()
    decoded = {"celery%40host": "celery@host", "w%2E1": "w.1", "%F0%9F%98%80": "\U0001f600"}
    expected = decoded.get(name, name)

    def beat():
        """Send a heartbeat: the worker counts as alive only for some seconds after it."""
        jobs.reap(expected, {**ABOUT, "name": expected}, [])

    for action, draining in (("drain", True), ("resume", False)):
        beat()
        answer = client.post(f"/workers/{name}/{action}")
        assert answer.status_code == 202
        described = {**ABOUT, "name": expected, "draining": draining}
        assert answer.json == NEWER_FIELDS | described
        beat()
        (listed,) = client.get("/system").json["workers"]
        assert listed == answer.json


@pytest.mark.parametrize("action", ["drain", "resume"])
@pytest.mark.parametrize("name", ["worker", "worker%40nowhere", "%00", "%F0%9F%98%80", "a%2Fb"])
def test_a_worker_that_is_not_alive_is_not_found(app_with_jobs, action, name):
    check_problem(app_with_jobs.test_client().post(f"/workers/{name}/{action}"), 404)


def test_a_worker_of_version_0_2_0_cannot_drain(app_with_jobs, jobs):
    jobs.reap("w", OLD, [])
    problem = check_problem(app_with_jobs.test_client().post("/workers/w/drain"), 409)
    assert "too old to drain" in problem["detail"]


def test_without_redis_no_worker_can_drain(client):
    check_problem(client.post("/workers/worker/drain"), 503)
