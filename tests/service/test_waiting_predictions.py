"""Predictions of data sets over HTTP, while no worker runs them."""

import pytest

from tests.datasets import add_dataset
from tests.jobs.test_job_store import OWNER
from tests.problems import check_problem
from tests.service.conftest import publish, publish_on


@pytest.fixture
def app(app_with_jobs):
    return app_with_jobs


@pytest.fixture
def waiting(client, backend):
    """Submit a prediction; return its id."""
    model, _ = publish(backend)
    answer = client.post("/predictions", json={"model": model, "dataset": "mnist"})
    assert answer.status_code == 202, answer.text
    return answer.json["id"]


def test_what_is_no_finished_prediction_has_no_result(client, jobs, waiting):
    check_problem(client.get("/predictions/0123456789abcdef"), 404)
    training = client.post("/train", json={"recipe": "mnist-numpy"}).json["id"]
    check_problem(client.get(f"/predictions/{training}"), 404)
    paths = [f"/predictions/{waiting}{path}" for path in ("", "/result", "/result?format=csv")]
    for path in paths:
        assert "queued" in check_problem(client.get(path), 409)["detail"]
    client.post(f"/jobs/{waiting}/cancel")
    for path in paths:
        assert "cancelled" in check_problem(client.get(path), 409)["detail"]


def test_a_waiting_prediction_is_not_deleted(client, waiting):
    check_problem(client.delete(f"/jobs/{waiting}"), 409)
    client.post(f"/jobs/{waiting}/cancel")
    assert client.delete(f"/jobs/{waiting}").status_code == 204


def test_workers_of_earlier_versions_do_not_claim_it(client, jobs, waiting):
    old = {"name": "old", "schema": 2, "classes": ["v1", "v2.cpu"]}
    jobs.reap("old", old, [])
    assert jobs.claim(OWNER, "old") is None
    job = client.get(f"/jobs/{waiting}").json
    assert job["waiting_for"]["code"] == "worker-too-old"
    jobs.reap("new", {"name": "new", "schema": 3, "classes": ["v1", "v3"]}, [])
    claim = jobs.claim(OWNER, "new")
    assert (claim.job, claim.kind, claim.result) == (waiting, "predict", None)
    assert claim.prediction.dataset == "mnist"


def test_a_data_set_is_kept_for_a_waiting_prediction(client, backend):
    spec, splits = add_dataset(backend.datasets, "kept", (3,))
    model, _ = publish_on(backend, spec, splits)
    id = client.post("/predictions", json={"model": model, "dataset": "kept"}).json["id"]
    client.delete(f"/models/{model}")
    problem = check_problem(client.delete(f"/datasets/{spec.id}"), 409)
    assert (problem["jobs"], problem["models"]) == ([id], [])
