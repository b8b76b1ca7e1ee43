"""Predictions of data sets and of uploads over HTTP, with a worker."""

import csv
import hashlib
import io
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet
import pytest
import requests

from service.app import create_app
from service.settings import ServiceSettings
from stepbox.predicting import size
from stepbox.training.evaluation import evaluate
from tests.datasets import add_dataset
from tests.problems import check_problem, pointers
from tests.processes import stack_in, wait_until
from tests.service.conftest import DATA, load_builtin, publish, publish_on

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The API with Redis and a worker."""
    with stack_in(tmp_path_factory.mktemp("predictions")) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        app = create_app(ServiceSettings(**dict(stack.settings()) | {"data_dir": DATA}))
        yield SimpleNamespace(app=app, stack=stack, backend=app.extensions["stepbox"])


@pytest.fixture(scope="module")
def model(lab):
    return publish(lab.backend)[0]


@pytest.fixture
def client(lab):
    return lab.app.test_client()


def submit(client, **body):
    answer = client.post("/predictions", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/jobs/{answer.json['id']}"
    return answer.json


def end_of(client, id):
    """Wait until a job has succeeded; return it."""
    job = wait_until(
        lambda: (job := client.get(f"/jobs/{id}").json)["finished_at"] and job, what="the end"
    )
    assert job["status"] == "succeeded", job["error"]
    return job


@pytest.fixture(scope="module")
def predicted(lab, model):
    """A finished prediction of the test set of MNIST; return its job."""
    client = lab.app.test_client()
    return end_of(client, submit(client, model=model, dataset="mnist", title="All")["id"])


def test_a_job_says_what_it_predicts_and_where_the_result_is(lab, client, model):
    job = submit(client, model="latest-mnist", dataset="mnist", split="train", tags=["a"])
    assert (job["kind"], job["recipe"], job["upload"]) == ("predict", None, None)
    assert job["history"] == job["losses"] == []
    task = {"model": model, "dataset": "mnist", "split": "train", "file": None}
    assert job["prediction"] == task
    assert job["progress"]["samples_total"] == 60_000
    assert (job["tags"], job["links"]["result"]) == (["a"], None)
    job = end_of(client, job["id"])
    assert job["links"]["result"] == f"/predictions/{job['id']}"
    assert job["progress"]["fraction"] == 1
    assert (job["model"], job["dataset"]) == (None, None)


def test_a_prediction_has_the_evaluation_and_the_most_uncertain_samples(client, model, predicted):
    answer = client.get(predicted["links"]["result"])
    assert answer.status_code == 200, answer.text
    found = answer.json
    assert (found["id"], found["model"], found["split"]) == (predicted["id"], model, "test")
    assert (found["samples"], len(found["uncertain"])) == (10_000, 100)
    assert found["evaluation"] == client.get(f"/models/{model}").json["evaluation"]
    assert found["links"]["job"] == predicted["links"]["self"]
    entropies = [sample["entropy"] for sample in found["uncertain"]]
    assert entropies == sorted(entropies, reverse=True)


def test_both_files_are_streamed_with_an_etag_and_can_be_resumed(client, predicted):
    links = client.get(predicted["links"]["result"]).json["links"]
    rows = {}
    for name, kind in (("parquet", "application/vnd.apache.parquet"), ("csv", "text/csv")):
        answer = client.get(links[name], buffered=True)
        assert (answer.status_code, answer.mimetype) == (200, kind)
        assert answer.headers["Content-Disposition"] == (
            f"attachment; filename=predictions-{predicted['id']}.{name}"
        )
        etag = f'"{hashlib.sha256(answer.data).hexdigest()}"'
        assert answer.headers["ETag"] == etag
        again = client.get(links[name], headers={"If-None-Match": etag}, buffered=True)
        assert (again.status_code, again.data) == (304, b"")
        part = client.get(links[name], headers={"Range": "bytes=100-199"}, buffered=True)
        assert (part.status_code, part.data) == (206, answer.data[100:200])
        check_problem(
            client.get(links[name], headers={"Range": "bytes=99999999-"}, buffered=True), 416
        )
        rows[name] = answer.data
    table = pyarrow.parquet.read_table(io.BytesIO(rows["parquet"]))
    lines = [*csv.DictReader(io.StringIO(rows["csv"].decode()))]
    assert table.num_rows == len(lines) == 10_000
    assert table["predicted"].to_pylist() == [line["predicted"] for line in lines]
    labels = load_builtin("mnist", "test").labels
    assert [line["label"] for line in lines] == [str(label) for label in labels]
    assert (
        client.get(f"{predicted['links']['result']}/result", buffered=True).data
        == (rows["parquet"])
    )


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"dataset": "mnist"}, "/model"),
        ({"model": "latest"}, "/dataset"),
        ({"model": "no-such", "dataset": "mnist"}, "/model"),
        ({"model": "latest", "dataset": "no-such"}, "/dataset"),
        ({"model": "latest", "dataset": "mnist", "split": "validation"}, "/split"),
        ({"model": "latest", "dataset": "mnist", "sample": 1}, "/sample"),
        ({"model": "latest", "dataset": "mnist", "title": "x" * 1000}, "/title"),
    ],
)
def test_a_wrong_field_is_named(client, model, body, pointer):
    assert pointers(check_problem(client.post("/predictions", json=body), 422)) == [pointer]


def test_the_samples_must_have_the_form_that_the_model_takes(lab, client, model):
    add_dataset(lab.backend.datasets, "small", (8, 8))
    problem = check_problem(
        client.post("/predictions", json={"model": model, "dataset": "small"}), 422
    )
    assert pointers(problem) == ["/dataset"]
    assert "images of 28×28" in problem["errors"][0]["detail"]
    assert "images of 8×8" in problem["errors"][0]["detail"]


def test_the_columns_must_be_those_of_the_model(lab, client):
    spec, splits = add_dataset(lab.backend.datasets, "flowers", (2,), columns=("long", "wide"))
    add_dataset(lab.backend.datasets, "turned", (2,), columns=("wide", "long"), seed=1)
    model, network = publish_on(lab.backend, spec, splits)
    problem = check_problem(
        client.post("/predictions", json={"model": model, "dataset": "turned"}), 422
    )
    assert "long, wide" in problem["errors"][0]["detail"]
    job = end_of(client, submit(client, model=model, dataset="flowers", split="train")["id"])
    assert job["prediction"]["dataset"] == spec.id
    found = client.get(job["links"]["result"]).json
    scale = lab.backend.models.card(model).recipe.pixel_scale
    expected = evaluate(network, splits["train"], scale)
    assert found["evaluation"]["loss"] == expected.loss
    assert found["links"]["dataset"] == f"/datasets/{spec.id}"


def test_a_data_set_with_other_classes_has_no_evaluation(client, model):
    job = end_of(client, submit(client, model=model, dataset="fashion-mnist")["id"])
    found = client.get(job["links"]["result"]).json
    assert found["evaluation"] is None
    assert found["uncertain"][0]["label"] in found["dataset"]["classes"]


def test_the_format_is_named(client, predicted):
    answer = client.get(f"/predictions/{predicted['id']}/result?format=xlsx")
    assert pointers(check_problem(answer, 422)) == ["/format"]


def test_the_same_key_returns_the_same_job(client, model):
    body = {"model": model, "dataset": "mnist"}
    first, second = (
        client.post("/predictions", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    )
    assert first.json["id"] == second.json["id"]
    other = client.post(
        "/predictions", json={**body, "split": "train"}, headers={"Idempotency-Key": "k"}
    )
    check_problem(other, 422)
    end_of(client, first.json["id"])


def test_a_job_is_deleted_with_its_prediction(lab, client, model):
    job = end_of(client, submit(client, model=model, dataset="mnist")["id"])
    assert job["id"] in lab.backend.predictions.jobs()
    assert client.delete(f"/jobs/{job['id']}").status_code == 204
    assert job["id"] not in lab.backend.predictions.jobs()
    check_problem(client.get(f"/predictions/{job['id']}"), 404)
    check_problem(client.get(f"/predictions/{job['id']}/result"), 404)


def upload(lab, content, kind="application/x-npz", **query):
    """Upload samples to predict, to the server itself: it streams them to a file."""
    return requests.post(
        f"{lab.stack.url}/predictions",
        params=query,
        data=content,
        headers={"Content-Type": kind},
        timeout=30,
    )


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_samples_without_labels_are_predicted(lab, client, model, predicted):
    """They have the numbers that they have as a data set."""
    digits = load_builtin("mnist", "test")
    answer = upload(lab, npz(images=digits.samples), model="latest-mnist")
    assert answer.status_code == 202, answer.text
    task = answer.json()["prediction"]
    assert (task["model"], task["dataset"], task["split"]) == (model, None, None)
    assert task["file"]["content_type"] == "application/x-npz"
    id = end_of(client, answer.json()["id"])["id"]
    found = client.get(f"/predictions/{id}").json
    assert (found["samples"], found["evaluation"], found["dataset"]) == (10_000, None, None)
    assert found["links"]["dataset"] is None
    expected = client.get(predicted["links"]["result"]).json["uncertain"]
    assert found["uncertain"] == [{**sample, "label": None} for sample in expected]
    lines = [
        client.get(f"/predictions/{one}/result?format=csv", buffered=True).text.splitlines()
        for one in (id, predicted["id"])
    ]
    rows = [[*csv.DictReader(some)] for some in lines]
    assert [{**row, "label": ""} for row in rows[1]] == rows[0]
    wait_until(lambda: not [*lab.stack.folder.glob("datasets/.uploads/*")], what="no upload left")


def test_samples_with_labels_are_evaluated(lab, client, model, predicted):
    digits = load_builtin("mnist", "test")
    content = npz(images=digits.samples, labels=digits.labels)
    id = end_of(client, upload(lab, content, model=model).json()["id"])["id"]
    found = client.get(f"/predictions/{id}").json
    expected = client.get(predicted["links"]["result"]).json
    for field in ("evaluation", "uncertain", "files"):
        assert found[field] == expected[field]


def test_an_upload_that_does_not_fit_fails_in_words(lab, client, model):
    content = b"long,wide\n1,2\n3,4\n"
    id = upload(lab, content, "text/csv", model=model).json()["id"]
    job = wait_until(lambda: (job := client.get(f"/jobs/{id}").json)["finished_at"] and job)
    assert (job["status"], job["error"]["status"]) == ("failed", 422)
    assert "has vectors, but the model takes images" in job["error"]["detail"]


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ({"model": "no-such"}, 422, "/model"),
        ({"model": "latest", "label": ""}, 422, "/label"),
        ({"model": "latest", "name": "mine"}, 422, "/name"),
    ],
)
def test_a_wrong_parameter_of_an_upload_is_named(lab, model, query, status, pointer):
    answer = upload(lab, npz(x=np.zeros((1, 28, 28))), **query)
    assert pointers(check_problem(answer, status)) == [pointer]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
def test_the_server_reads_json_as_json(lab, client, model, kind):
    content = b'{"model": "latest-mnist", "dataset": "mnist"}'
    answer = upload(lab, content, kind)
    assert answer.status_code == 202, answer.text
    assert answer.json()["prediction"]["dataset"] == "mnist"
    end_of(client, answer.json()["id"])


def test_json_has_no_parameters_and_is_not_compressed(lab, client, model):
    body = {"model": model, "dataset": "mnist"}
    answer = client.post("/predictions?priority=3&model=latest", json=body)
    assert pointers(check_problem(answer, 422)) == ["/model", "/priority"]
    answer = client.post("/predictions", json=body, headers={"Content-Encoding": "gzip"})
    assert pointers(check_problem(answer, 422)) == ["/Content-Encoding"]


def test_json_keeps_its_small_limit(lab, model):
    content = b'{"notes": "' + b"x" * 2**17 + b'"}'
    check_problem(upload(lab, content, "application/json"), 413)
    check_problem(upload(lab, b"[]", "application/json"), 400)
    check_problem(upload(lab, b"", "application/json"), 400)
    assert not [*lab.stack.folder.glob("datasets/.uploads/*")]


def test_a_data_set_cannot_be_uploaded_as_json(lab):
    answer = requests.post(f"{lab.stack.url}/datasets?name=a", json={"a": 1}, timeout=30)
    check_problem(answer, 415)


def test_an_upload_of_an_unknown_format_is_rejected(lab, model):
    check_problem(upload(lab, b"%PDF-1.7", "application/octet-stream"), 422)
    check_problem(upload(lab, b"a letter", "text/plain"), 415)
    # The worker removes the file of the test before after the end of its job.
    wait_until(lambda: not [*lab.stack.folder.glob("datasets/.uploads/*")], what="no upload left")


def test_a_prediction_that_is_too_large_is_rejected(client, model, monkeypatch):
    monkeypatch.setattr(size, "MOST_PROBABILITIES", 599_999)
    body = {"model": model, "dataset": "mnist", "split": "train"}
    problem = check_problem(client.post("/predictions", json=body), 422)
    assert pointers(problem) == ["/dataset"]
    assert "at most 59,999 samples" in problem["errors"][0]["detail"]
