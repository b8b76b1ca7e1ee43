"""Predictions of data sets over HTTP, with a worker."""

import csv
import hashlib
import io
from types import SimpleNamespace

import pyarrow.parquet
import pytest

from service.app import create_app
from service.settings import ServiceSettings
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
    assert (job["kind"], job["recipe"], job["upload"], job["history"]) == (
        "predict",
        None,
        None,
        [],
    )
    assert job["prediction"] == {"model": model, "dataset": "mnist", "split": "train"}
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
