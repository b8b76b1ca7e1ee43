"""An installation whose store is a bucket: one worker, and the API on two machines."""

import hashlib
import signal
from contextlib import contextmanager

import numpy as np
import pytest
import requests

from jobs.connection import connect
from jobs.store import JobStore
from stepbox.store.card import CARD
from tests.buckets import BUCKET, bucket_server
from tests.faults.reference import reference
from tests.problems import check_problem
from tests.processes import stack_in, wait_until

PREFIX = "lab"
SMALL = {"epochs": 1, "hidden_sizes": [4]}


@contextmanager
def installation(folder):
    """Provide a server of S3 and an installation that uses it."""
    with bucket_server("rclone", folder / "s3") as server:
        settings = {
            "STEPBOX_STORE": f"s3://{BUCKET}/{PREFIX}",
            "STEPBOX_CACHE_DIR": str(folder / "cache"),
            **server.environment,
        }
        with stack_in(folder / "first", **settings) as stack:
            yield server, stack


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return the server of S3, an installation, and the API of a second machine."""
    folder = tmp_path_factory.mktemp("lab")
    with installation(folder) as (server, stack):
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        shared = {
            name: value
            for name, value in stack.environment.items()
            if name.startswith(("AWS_", "STEPBOX_REDIS_", "STEPBOX_STORE"))
        }
        with stack_in(
            folder / "second", **shared, STEPBOX_CACHE_DIR=str(folder / "cache-2")
        ) as other:
            other.start_service()
            yield server, stack, other


@pytest.fixture(scope="module")
def model(lab):
    _, stack, _ = lab
    job = stack.wait_for(stack.train(**SMALL, seed=3)["id"])
    assert job["status"] == "succeeded", job["error"]
    return job["model"]


@pytest.fixture
def away(tmp_path):
    """Return a server of S3 and an installation, for tests that stop the server."""
    with installation(tmp_path) as lab:
        yield lab


def predict(stack, model):
    digit = requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=10).content
    url = f"{stack.url}/predict?model={model}"
    return requests.post(url, data=digit, headers={"Content-Type": "image/png"}, timeout=20)


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_training_keeps_its_files_in_the_bucket_only(lab, model):
    server, stack, other = lab
    assert server.keys(f"{PREFIX}/models") == [
        f"{model}/{name}"
        for name in (
            f"{CARD}/000000000000",
            "initial.safetensors",
            "steps.safetensors",
            "weights.safetensors",
        )
    ]
    wait_until(lambda: not server.keys(f"{PREFIX}/checkpoints"), what="no checkpoint to be left")
    assert files(stack.models_dir) == files(stack.folder / "datasets") == []
    expected = reference(**SMALL, seed=3)
    for one in (stack, other):
        card = requests.get(f"{one.url}/models/{model}", timeout=10).json()
        assert card["weights"]["sha256"] == expected.weights
    assert predict(stack, model).json() == predict(other, model).json()


def test_a_prediction_keeps_its_files_in_the_bucket_only(lab, model):
    server, stack, other = lab
    body = {"model": model, "dataset": "mnist"}
    id = requests.post(f"{stack.url}/predictions", json=body, timeout=60).json()["id"]
    job = other.wait_for(id)
    assert job["status"] == "succeeded", job["error"]
    files = ("prediction.json", "result.csv", "result.parquet")
    place = f"{PREFIX}/datasets/.predictions/{id}"
    keys = ["prediction.json", *(f"{id}-1/{name}" for name in files)]
    assert sorted(server.keys(place)) == sorted(keys)
    wait_until(lambda: not server.keys(f"{PREFIX}/checkpoints"), what="no checkpoint to be left")
    for one in (stack, other):
        found = requests.get(one.url + job["links"]["result"], timeout=60).json()
        assert found["evaluation"]["accuracy"] == job_accuracy(one, model)
        for name in ("csv", "parquet"):
            answer = requests.get(one.url + found["links"][name], timeout=60)
            digest = hashlib.sha256(answer.content).hexdigest()
            assert digest == found["files"][name]["sha256"]
    assert requests.delete(f"{other.url}/jobs/{id}", timeout=60).status_code == 204
    assert server.keys(place) == []
    assert requests.get(stack.url + job["links"]["result"], timeout=60).status_code == 404


def job_accuracy(stack, model):
    card = requests.get(f"{stack.url}/models/{model}", timeout=60).json()
    return card["evaluation"]["accuracy"]


def test_a_new_model_is_known_on_every_machine_when_its_job_has_succeeded(lab, model):
    _, stack, other = lab
    for seed in (4, 5):
        id = stack.train(**SMALL, seed=seed)["id"]
        job = other.wait_for(id)
        for one in (other, stack):
            assert predict(one, job["model"]).status_code == 200
            wait_until(
                lambda one=one, id=job["model"]: predict(one, "latest").json()["model"] == id,
                what="the latest model to be the new one",
            )


def test_aliases_labels_and_deletions_reach_the_other_machine(lab, model):
    server, stack, other = lab
    job = stack.wait_for(stack.train(**SMALL, seed=6)["id"])
    url = f"/models/{job['model']}"
    answer = requests.put(f"{stack.url}/aliases/good", json={"model": job["model"]}, timeout=10)
    assert answer.status_code in (200, 201)
    wait_until(
        lambda: requests.get(f"{other.url}/aliases", timeout=10).json()["aliases"],
        what="the alias to be known",
    )
    assert predict(other, "good").json()["model"] == job["model"]
    for number in range(3):  # in turns, on both
        one = (stack, other)[number % 2]
        answer = requests.patch(one.url + url, json={"title": f"title {number}"}, timeout=10)
        assert answer.json()["title"] == f"title {number}"
    for one in (stack, other):
        wait_until(
            lambda one=one: requests.get(one.url + url, timeout=10).json()["title"] == "title 2",
            what="the title to be the last one",
        )
    check_problem(requests.delete(other.url + url, timeout=10), 409)  # it has an alias
    requests.delete(f"{other.url}/aliases/good", timeout=10)
    assert requests.delete(other.url + url, timeout=10).status_code == 204
    wait_until(
        lambda: requests.get(stack.url + url, timeout=10).status_code == 404,
        what="the model to be gone",
    )
    assert not [key for key in server.keys(f"{PREFIX}/models") if key.startswith(job["model"])]


def test_an_uploaded_data_set_is_imported_and_trained_on(lab):
    server, stack, other = lab
    random = np.random.default_rng(1)
    points = random.normal(size=(200, 2))
    rows = ["x,y,label", *(f"{x},{y},{'right' if x > 0 else 'left'}" for x, y in points)]
    answer = requests.post(
        f"{stack.url}/datasets?name=halves",
        data="\n".join(rows).encode(),
        headers={"Content-Type": "text/csv"},
        timeout=10,
    )
    assert answer.status_code == 202, answer.text
    job = stack.wait_for(answer.json()["id"])
    assert job["status"] == "succeeded", job["error"]
    for one in (stack, other):
        found = requests.get(f"{one.url}/datasets/{job['dataset']}", timeout=10).json()
        assert found["train"]["samples"] + found["test"]["samples"] == 200
        sample = requests.get(f"{one.url}/datasets/halves/test", timeout=10)
        assert sample.status_code == 200, sample.text
    wait_until(
        lambda: not [k for k in server.keys(f"{PREFIX}/datasets") if k.startswith(".uploads")],
        what="the upload to be removed",
    )
    body = {"dataset": "halves", "epochs": 3, "hidden_sizes": [4]}
    trained = stack.wait_for(stack.train(**body)["id"])
    assert trained["status"] == "succeeded", trained["error"]
    url = f"{other.url}/datasets/{job['dataset']}?force=true"
    assert requests.delete(url, timeout=10).status_code == 204
    wait_until(
        lambda: requests.get(f"{stack.url}/datasets/halves", timeout=10).status_code == 404,
        what="the data set to be gone",
    )


def test_models_in_memory_answer_while_the_bucket_is_away(away):
    server, stack = away
    stack.start_redis()
    worker = stack.start_worker()
    stack.environment["STEPBOX_PROCESSES"] = "1"
    stack.start_service()
    known, other = (
        stack.wait_for(stack.train(**SMALL, seed=seed)["id"])["model"] for seed in (2, 1)
    )
    requests.put(f"{stack.url}/aliases/good", json={"model": known}, timeout=10)
    before = [predict(stack, name).json() for name in (known, "good")]
    worker.stop()
    server.process.stop(signal.SIGKILL)
    for number in range(20):
        assert predict(stack, (known, "good")[number % 2]).json() == before[number % 2]
    answer = predict(stack, other)
    assert "answer" in check_problem(answer, 503)["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    assert predict(stack, known).json() == before[0]
    answer = requests.patch(f"{stack.url}/models/{known}", json={"title": "new"}, timeout=20)
    check_problem(answer, 503)
    server.start()
    wait_until(lambda: predict(stack, other).status_code == 200, what="the other model to answer")
    answer = requests.patch(f"{stack.url}/models/{known}", json={"title": "new"}, timeout=20)
    assert answer.json()["title"] == "new"


def test_what_changes_in_the_bucket_is_found_without_redis(away):
    server, stack = away
    redis = stack.start_redis()
    stack.start_worker()
    stack.start_service()
    model = stack.wait_for(stack.train(**SMALL)["id"])["model"]
    assert predict(stack, model).status_code == 200
    redis.stop(signal.SIGKILL)
    for key in server.keys(f"{PREFIX}/models"):
        server.client().delete_object(Bucket=BUCKET, Key=f"{PREFIX}/models/{key}")
    wait_until(lambda: predict(stack, model).status_code == 404, what="the model to be gone")


def test_a_job_goes_on_when_the_bucket_is_back(away, tmp_path):
    """A worker that cannot reach the bucket gives its job back, and claims none."""
    server, stack = away
    hold = tmp_path / "hold"
    hold.mkdir()
    stack.environment["HOLD_DIR"] = str(hold)
    stack.start_redis()
    stack.start_worker(application="tests.worker.impatient")
    stack.start_service()
    (hold / "epoch-2").touch()
    body = {"epochs": 4, "hidden_sizes": [4], "seed": 7}
    id = stack.train(**body)["id"]
    wait_until((hold / "epoch-2.reached").exists, what="the training to reach epoch 2")
    server.process.stop(signal.SIGKILL)
    (hold / "epoch-2").unlink()
    given_back = stack.wait_for(id, "queued")

    # GET /system needs the bucket for the size of the data sets, so ask Redis itself.
    with connect(stack.settings()) as client:
        wait_until(
            lambda: [
                one for one in JobStore(client).workers() if "store" in (one["stalled"] or "")
            ],
            what="the worker to say that it waits for the store",
        )
    waiting = stack.job(id)
    assert (waiting["status"], waiting["attempts"]) == ("queued", given_back["attempts"])
    server.start()
    job = stack.wait_for(id)
    assert job["status"] == "succeeded", job["error"]
    assert job["attempts"] > given_back["attempts"]
    card = requests.get(f"{stack.url}/models/{job['model']}", timeout=10).json()
    assert card["weights"]["sha256"] == reference(**body).weights


@pytest.mark.parametrize("program", ["service", "worker"])
def test_a_wrong_access_key_or_bucket_is_named_at_startup(away, program):
    _, stack = away
    stack.start_redis()
    right = dict(stack.environment)
    for change, why in (
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "answers 403 Forbidden (SignatureDoesNotMatch)"),
        ({"STEPBOX_STORE": "s3://nothing/lab"}, "answers 404 Not Found (NoSuchBucket)"),
    ):
        stack.environment = right | change
        if program == "worker":
            process = stack.start_worker()
        else:
            command = "gunicorn -c service/server/gunicorn_conf.py service.asgi:app"
            process = stack.start("service", *command.split())
        wait_until(lambda process=process: not process.running(), what="the program to end")
        assert f"STEPBOX_STORE: {stack.environment['STEPBOX_STORE']}: the bucket {why}" in (
            process.log.read_text()
        )
