"""Data sets of points of the plane: what POST /train and GET /generated make of them."""

import base64

import numpy as np
import pytest

from service.app import create_app
from service.settings import ServiceSettings
from stepbox.data.plane import GeneratedData
from tests.frames import frames_in
from tests.problems import check_problem
from worker.run import run_next_job
from worker.stores import Stores

SPIRAL = {"generate": "spiral", "classes": 3, "samples": 90, "noise": 0.1, "seed": 4}
OWN = [[-0.5, 0.2, 0], [0.5, 0.1, 1], [0.4, -0.3, 1], [0.0, 0.9, 0], [0.1, 0.8, 1], [0.3, 0, 0]]


@pytest.fixture
def app(app_with_jobs):
    return app_with_jobs


def train(client, dataset, **fields):
    answer = client.post("/train", json={"recipe": "playground", "dataset": dataset, **fields})
    assert answer.status_code == 202, answer.text
    return answer.json


def names(client):
    return [one["name"] for one in client.get("/datasets").json["datasets"]]


def points_of(client, id, split):
    vectors = client.get(f"/datasets/{id}/{split}?limit=1000").json["vectors"]
    return [[*one["values"], one["label"]] for one in vectors]


def test_a_generated_data_set_becomes_an_ordinary_one(client):
    job = train(client, SPIRAL)
    id = job["recipe"]["dataset"]

    dataset = client.get(f"/datasets/{id}").json
    assert (dataset["kind"], dataset["shape"], dataset["classes"]) == (
        "vectors",
        [2],
        ["0", "1", "2"],
    )
    assert (dataset["train"]["samples"], dataset["test"]["samples"]) == (60, 30)
    assert dataset["name"] == "spiral-3-90-noise0.1-seed4"
    assert client.get(f"/datasets/{dataset['name']}").json == dataset
    generated = client.get("/generated", query_string=SPIRAL).json
    assert generated["id"] == id
    for split in ("train", "test"):
        assert points_of(client, id, split) == generated[split]


def test_own_points_become_an_ordinary_data_set(client):
    id = train(client, {"points": OWN})["recipe"]["dataset"]
    assert points_of(client, id, "test") == [OWN[2], OWN[5]]
    assert points_of(client, id, "train") == [OWN[0], OWN[1], OWN[3], OWN[4]]


def test_the_same_points_are_stored_once(client):
    named = "spiral-3-90-noise0.1-seed4"
    ids = {train(client, dataset)["recipe"]["dataset"] for dataset in (SPIRAL, SPIRAL, named)}
    assert len(ids) == 1
    assert names(client) == ["mnist", "fashion-mnist", named]


def test_the_named_recipe_has_points_of_its_own(client):
    answer = client.post("/train", json={"recipe": "playground"})
    recipe = next(
        one for one in client.get("/recipes").json["recipes"] if one["name"] == "playground"
    )
    expected = GeneratedData.of_name(recipe["dataset"]).splits()["train"].spec.id
    assert answer.json["recipe"]["dataset"] == expected


@pytest.mark.parametrize(
    ("dataset", "pointer", "words"),
    [
        ({"generate": "moon"}, "/dataset/generate", "moons, circles, xor, spiral or blobs"),
        ({"generate": "xor", "classes": 3}, "/dataset/classes", "Must be 2 in xor"),
        ({"generate": "xor", "samples": 3}, "/dataset/samples", "from 30 to 10,000"),
        ({"generate": "xor", "noise": 2}, "/dataset/noise", "from 0 to 1"),
        ({"points": OWN[:2]}, "/dataset/points", "3 to 1,000"),
        ({"points": [*OWN, [0, 5000, 0]]}, "/dataset/points/6/1", "from -1,000 to 1,000"),
        ({"points": [*OWN, [0, 0, 10]]}, "/dataset/points/6/2", "from 0 to 9"),
        (7, "/dataset", "`generate` or with `points`"),
        ("d-000000000000", "/dataset", "there is no data set"),
    ],
)
def test_a_description_that_is_not_allowed_is_rejected_with_the_range(
    client, dataset, pointer, words
):
    answer = client.post("/train", json={"recipe": "playground", "dataset": dataset})
    errors = check_problem(answer, 422)["errors"]
    assert [one["pointer"] for one in errors] == [pointer]
    assert words in errors[0]["detail"]
    assert names(client) == ["mnist", "fashion-mnist"]


@pytest.mark.parametrize(
    "fields", [{"standardize": False}, {"hidden_sizes": [2000]}, {"from_model": "m-0"}]
)
def test_a_request_that_is_rejected_stores_nothing(client, fields):
    answer = client.post("/train", json={"recipe": "playground", "dataset": SPIRAL, **fields})
    check_problem(answer, 422)
    assert names(client) == ["mnist", "fashion-mnist"]


def test_a_full_queue_or_quota_stores_nothing(jobs, tmp_path):
    settings = {"models_dir": tmp_path / "models", "datasets_dir": tmp_path / "datasets"}
    client = create_app(ServiceSettings(**settings, queue_limit=1)).test_client()
    train(client, "mnist", hidden_sizes=[2])
    answer = client.post("/train", json={"recipe": "playground", "dataset": SPIRAL})
    check_problem(answer, 429)
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "large").write_bytes(bytes(100))
    for quota in (99, 1000):  # each point takes 17 bytes or more
        client = create_app(ServiceSettings(**settings, data_quota=quota)).test_client()
        answer = client.post("/train", json={"recipe": "playground", "dataset": SPIRAL})
        check_problem(answer, 507)
    assert names(client) == ["mnist", "fashion-mnist"]


def test_a_repeated_request_is_answered_although_the_queue_is_full(jobs, tmp_path):
    settings = {"models_dir": tmp_path / "models", "datasets_dir": tmp_path / "datasets"}
    client = create_app(ServiceSettings(**settings, queue_limit=1)).test_client()
    body = {"recipe": "playground", "dataset": SPIRAL}
    answers = [
        client.post("/train", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json["id"] == answers[1].json["id"]


def test_an_upload_cannot_have_the_name_of_a_generated_data_set(client):
    answer = client.post("/datasets?name=moons-2-300-noise0.1-seed0", data=b"a,label\n1,x\n")
    [error] = check_problem(answer, 422)["errors"]
    assert error["pointer"] == "/name"


def test_generated_points_are_checked_like_those_of_a_training(client):
    errors = check_problem(client.get("/generated?generate=spiral&samples=x&noise=-1"), 422)[
        "errors"
    ]
    assert [one["pointer"] for one in errors] == ["/samples", "/noise"]
    check_problem(client.get("/generated"), 422)
    check_problem(client.get("/generated?generate=moons&classes=3"), 422)


def test_a_job_sends_frames_and_its_last_one_has_the_parameters_of_the_model(client, backend):
    fields = {"hidden_sizes": [4, 3], "epochs": 12}
    job = train(client, SPIRAL, **fields)
    id = job["recipe"]["dataset"]
    check_problem(client.delete(f"/datasets/{id}"), 409)
    run_next_job(Stores.of(backend.settings), "worker")

    done = client.get(f"/jobs/{job['id']}").json
    assert done["status"] == "succeeded", done["error"]
    frames = frames_in(client.get(f"/jobs/{job['id']}/events").text)
    steps = [frame["step"] for frame in frames]
    assert steps[:6] == [0, 1, 2, 3, 4, 5]
    assert steps[-1] == 12 * 60 // 5
    _, network = backend.models.load(done["model"])
    parameters = np.concatenate([array.ravel() for array in network.named_arrays().values()])
    found = np.frombuffer(base64.b64decode(frames[-1]["parameters"]), "<f4")
    np.testing.assert_array_equal(found, parameters.astype("<f4"))
    assert frames[-1]["test_loss"] == pytest.approx(done["history"][-1]["test_loss"])
    assert frames[-1]["test_accuracy"] == done["history"][-1]["test_accuracy"]

    values = client.get(f"/datasets/{id}/test?index=0").json["vectors"][0]["values"]
    answer = client.post(f"/predict?model={done['model']}", json={"inputs": [values]})
    assert answer.status_code == 200, answer.text
    assert client.get(f"/models/{done['model']}/steps/144").json["step"] == 144
    check_problem(client.delete(f"/datasets/{id}"), 409)
    assert client.delete(f"/models/{done['model']}").status_code == 204
    assert client.delete(f"/datasets/{id}").status_code == 204
