"""Deleting data sets: what refers to them, and what works without them."""

import pytest

from stepbox.data.builtin import DATASETS
from stepbox.errors import DatasetError
from tests.datasets import add_dataset
from tests.problems import check_problem
from tests.service.conftest import publish_on
from worker.owner import this_process
from worker.run import run_next_job
from worker.stores import Stores


@pytest.fixture
def app(app_with_jobs):
    return app_with_jobs


def train_on(client, spec):
    answer = client.post("/train", json={"recipe": "mnist-numpy", "dataset": spec.id, "epochs": 1})
    assert answer.status_code == 202, answer.text
    return answer.json["id"]


def test_a_data_set_that_nothing_needs_is_deleted(client, backend):
    spec, _ = add_dataset(backend.datasets, "tiny", (8, 8))
    folder = backend.settings.datasets_dir / spec.id
    assert folder.is_dir()
    answer = client.delete(f"/datasets/{spec.id}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    check_problem(client.delete(f"/datasets/{spec.id}"), 404)
    check_problem(client.get("/datasets/tiny"), 404)
    assert len(client.get("/datasets").json["datasets"]) == len(DATASETS)


def test_only_the_id_of_an_upload_can_be_deleted(client, backend):
    spec, _ = add_dataset(backend.datasets, "tiny", (8, 8))
    detail = check_problem(client.delete("/datasets/tiny?force=true"), 409)["detail"]
    assert spec.id in detail
    for reference in ("mnist", DATASETS["mnist"].id):
        answer = client.delete(f"/datasets/{reference}?force=true")
        assert "built in" in check_problem(answer, 409)["detail"]
    check_problem(client.delete("/datasets/d-000000000000"), 404)
    check_problem(client.delete(f"/datasets/{spec.id}?force=perhaps"), 422)
    assert client.get("/datasets/tiny").status_code == 200


def test_jobs_and_models_keep_their_data_set(client, backend, jobs):
    spec, splits = add_dataset(backend.datasets, "tiny", (8, 8))
    other, _ = add_dataset(backend.datasets, "other", (8, 8), seed=1)
    waiting = [train_on(client, spec) for _ in range(21)]
    jobs.claim(this_process(), "w")  # a running job refers to it, too
    train_on(client, other)
    model, _ = publish_on(backend, spec, splits)
    problem = check_problem(client.delete(f"/datasets/{spec.id}"), 409)
    assert (problem["job_count"], problem["model_count"]) == (21, 1)
    assert problem["models"] == [model]
    assert len(problem["jobs"]) == 20
    assert set(problem["jobs"]) < set(waiting)
    assert "21 unfinished jobs, 1 model and 0 gates refer to the data set tiny" in problem["detail"]
    assert client.get("/datasets/tiny").status_code == 200
    for job in waiting:
        client.post(f"/jobs/{job}/cancel")
    client.delete(f"/models/{model}")
    problem = check_problem(client.delete(f"/datasets/{spec.id}"), 409)  # for the running job
    assert (problem["job_count"], problem["model_count"]) == (1, 0)
    assert "1 unfinished job, 0 models and" in problem["detail"]
    assert client.delete(f"/datasets/{spec.id}?force=true").status_code == 204


def test_a_gate_keeps_its_data_set(client, backend):
    spec, splits = add_dataset(backend.datasets, "tiny", (8, 8))
    other, _ = add_dataset(backend.datasets, "other", (8, 8), seed=1)
    model, _ = publish_on(backend, spec, splits)
    body = {"model": model, "gate": {"min_accuracy": 0, "dataset": other.id}}
    for name in ("best", "second"):
        assert client.put(f"/aliases/{name}", json=body).status_code == 200
    assert client.put("/aliases/none", json={"model": model}).status_code == 200
    problem = check_problem(client.delete(f"/datasets/{other.id}"), 409)
    assert (problem["model_count"], problem["alias_count"]) == (0, 2)
    assert problem["aliases"] == ["best", "second"]
    assert client.delete(f"/datasets/{other.id}?force=true").status_code == 204
    answer = check_problem(client.put("/aliases/best", json={"model": model}), 422)
    detail = answer["errors"][0]["detail"]
    assert detail.startswith("the gate of 'best' names a data set that does not exist: there is no")


def test_a_model_outlives_its_data_set(client, backend):
    spec, splits = add_dataset(backend.datasets, "tiny", (8, 8))
    model, _ = publish_on(backend, spec, splits)
    other, _ = publish_on(backend, spec, splits, seed=5)
    for path in (f"/models/{model}/mistakes", f"/models/{model}/confusion/0/1"):
        assert client.get(path).status_code == 200  # and its predictions are cached
    assert client.delete(f"/datasets/{spec.id}?force=true").status_code == 204
    card = client.get(f"/models/{model}").json
    assert card["dataset"]["name"] == "tiny"
    assert card["dataset"]["test"]["samples"] == 12
    for path in (
        f"/models/{model}/mistakes",
        f"/models/{other}/mistakes",
        f"/models/{model}/confusion/0/1",
        f"/models/{model}/feature-maps",
        f"/models/{model}/feature-maps/0.png",
        f"/models/{model}/attribution",
    ):
        detail = check_problem(client.get(path), 409)["detail"]
        assert f"the data set tiny ({spec.id}) has been deleted" in detail
    for path, body in (
        ("/analysis/projection", {"model": other}),
        ("/analysis/gradient-check", {"model": other}),
    ):
        assert "deleted" in check_problem(client.post(path, json=body), 409)["detail"]
    for path in ("histograms", "first-layer", "first-layer.png", "weights", "layers"):
        with client.get(f"/models/{model}/{path}") as answer:
            assert answer.status_code == 200
    add_dataset(backend.datasets, "tiny", (8, 8))  # the same content is the same data set
    assert client.get(f"/models/{model}/mistakes").status_code == 200


def test_a_queued_job_without_its_data_set_fails_and_says_why(client, backend):
    spec, _ = add_dataset(backend.datasets, "tiny", (8, 8))
    job = train_on(client, spec)
    assert client.delete(f"/datasets/{spec.id}?force=true").status_code == 204
    run_next_job(Stores.of(backend.settings), "worker")
    job = client.get(f"/jobs/{job}").json
    assert job["status"] == "failed"
    assert job["error"]["detail"] == f"there is no data set {spec.id!r}; it may have been deleted"


def test_a_queued_job_with_a_damaged_data_set_fails_and_says_why(client, backend):
    spec, _ = add_dataset(backend.datasets, "tiny", (8, 8))
    job = train_on(client, spec)
    [path] = (backend.settings.datasets_dir / spec.id).glob("*/test-labels.npy")
    path.write_bytes(b"")
    with pytest.raises(DatasetError):
        backend.datasets.load(spec.id, "test")
    run_next_job(Stores.of(backend.settings), "worker")
    assert "test-labels.npy cannot be read" in client.get(f"/jobs/{job}").json["error"]["detail"]


def test_without_redis_a_data_set_is_not_deleted(client, backend, redis_process):
    spec, _ = add_dataset(backend.datasets, "tiny", (8, 8))
    redis_process.kill_group()
    check_problem(client.delete(f"/datasets/{spec.id}"), 503)
    assert client.delete(f"/datasets/{spec.id}?force=true").status_code == 204
