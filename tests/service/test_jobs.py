"""Jobs over HTTP, against a real Redis."""

import json

import pytest
import requests

from tests.jobs.test_job_store import OWNER, PROGRESS, entry, submit
from tests.problems import check_problem


@pytest.fixture
def app(app_with_jobs):
    return app_with_jobs


def test_only_finished_jobs_can_be_deleted(client, jobs):
    id = submit(jobs).id
    assert "queued" in check_problem(client.delete(f"/jobs/{id}"), 409)["detail"]
    claim = jobs.claim(OWNER, "w")
    assert "running" in check_problem(client.delete(f"/jobs/{id}"), 409)["detail"]
    jobs.finish(claim, "failed")
    answer = client.delete(f"/jobs/{id}")
    assert (answer.status_code, answer.data) == (204, b"")
    for method, path in (
        ("delete", ""),
        ("get", ""),
        ("get", "/events"),
        ("post", "/cancel"),
    ):
        check_problem(getattr(client, method)(f"/jobs/{id}{path}"), 404)
    assert client.get("/jobs").json == {"jobs": [], "next": None}


def test_the_event_streams_of_a_deleted_job_end(own_stack, jobs):
    own_stack.environment["STEPBOX_PROCESSES"] = "1"
    own_stack.start_service()
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    for epoch in (0, 1):
        jobs.report(claim, PROGRESS, entry(epoch))
    jobs.reap("w", {}, [(id, claim.fence)])
    claim = jobs.claim(OWNER, "w")
    with requests.get(f"{own_stack.url}/jobs/{id}/events", stream=True, timeout=20) as answer:
        lines = answer.iter_lines(decode_unicode=True)
        lengths = []
        while len(lengths) < 4:
            kind, _, value = next(lines).partition(": ")
            if kind == "data" and "history" in value:
                lengths.append(len(json.loads(value)["history"]))
        assert lengths == [0, 0, 2, 2]
        with (
            jobs.redis.pipeline() as pipeline
        ):  # atomically, so that no follower sees the last status
            jobs._scripts["finish"](args=[id, claim.fence, "succeeded", ""], client=pipeline)
            jobs._scripts["delete"](args=[id], client=pipeline)
            assert pipeline.execute() == ["finished", "deleted"]
        assert not [line for line in lines if line.startswith("event")]
    answer = requests.get(f"{own_stack.url}/jobs/{id}/events", timeout=20)
    check_problem(answer, 404)
