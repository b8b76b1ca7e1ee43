"""Sweeps over HTTP, against a real Redis."""

import json

import pytest

from jobs.sweeps import Sweeps
from stepbox.data.builtin import MNIST
from stepbox.training.space import VARIED
from tests.jobs.test_job_store import OWNER
from tests.jobs.test_routing import beat
from tests.jobs.test_sweeps import add_trial, park, run_trial
from tests.problems import check_problem

MANY = {"low": 0, "high": 10**9, "step": 10**9}
HUGE = 10**400
SPACE = {"learning_rate": {"low": 0.1, "high": 0.3}}
BODY = {"recipe": "mnist-numpy", "epochs": 1, "space": SPACE, "trials": 3}


@pytest.fixture
def app(app_with_jobs):
    return app_with_jobs


@pytest.fixture
def sweeps(jobs):
    beat(jobs, "w")
    return Sweeps(jobs)


def start(client, **fields):
    answer = client.post("/sweeps", json=BODY | fields)
    assert answer.status_code == 202, answer.text
    return answer.json["id"]


def errors(answer):
    return {one["pointer"]: one["detail"] for one in check_problem(answer, 422)["errors"]}


def test_a_sweep_is_accepted_with_all_its_fields(client, jobs):
    answer = client.post("/sweeps", json=BODY | {"title": "Rates", "priority": 5, "pruner": "asha"})
    assert answer.status_code == 202
    sweep = answer.json
    assert answer.headers["Location"] == sweep["links"]["self"] == f"/sweeps/{sweep['id']}"
    assert sweep["search"] == {
        "space": {"learning_rate": {"low": 0.1, "high": 0.3, "log": False, "step": None}},
        "trials": 3,
        "parallel": 1,
        "sampler": "tpe",
        "pruner": "asha",
        "metric": "validation_loss",
        "final": True,
    }
    assert (sweep["recipe"]["validation"], sweep["recipe"]["epochs"]) == (0.1, 1)
    assert (sweep["title"], sweep["priority"], sweep["trials"]) == ("Rates", 5, [])
    assert client.get(f"/sweeps/{sweep['id']}").json == sweep
    assert client.get("/sweeps").json == {"sweeps": [sweep | {"trials": None}], "next": None}
    job = client.get(f"/jobs/{sweep['id']}").json
    assert (job["kind"], job["search"], job["waiting_for"]["code"]) == (
        *("sweep", sweep["search"], "no-worker"),
    )


@pytest.mark.parametrize(
    ("fields", "pointer", "words"),
    [
        ({"space": {}}, "/space", "names no field to vary"),
        (
            {"space": {"dataset": {"choices": ["a", "b"]}}},
            "/space/dataset",
            f"cannot vary: the fields that can vary are {', '.join(VARIED)}",
        ),
        (
            {"space": {"learning_rte": {"low": 0.1}, "epochs": {"low": 1}}},
            "/space/learning_rte",
            "is no field of a recipe: the fields that can vary are learning_rate, ",
        ),
        ({"space": {"epochs": {"lo": 1}}}, "/space/epochs/lo", "Unknown name 'lo'"),
        ({"space": {"learning_rate": {"low": 0.1}}}, "/space/learning_rate/high", "required"),
        ({"space": {"learning_rate": 3}}, "/space/learning_rate", "an object with low and high"),
        (
            {"space": {"learning_rate": [0.1, 0.2]}},
            "/space/learning_rate",
            'must be an object with low and high, or with choices, such as {"choices": [0.1, 0.2]}',
        ),
        (
            {"space": {"activation": ["relu", "tanh"]}},
            "/space/activation",
            'must be an object with choices, such as {"choices": ["relu", "tanh"]}',
        ),
        (
            {"space": {"learning_rate": {"low": 0, "high": 1}}},
            "/space/learning_rate/low",
            "0: Enter a number above 0, up to 10",
        ),
        (
            {"space": {"learning_rate": {"low": 1, "high": 100}}},
            "/space/learning_rate/high",
            "100: Enter a number above 0, up to 10",
        ),
        (
            {"space": {"learning_rate": {"choices": [1, "x"]}}},
            "/space/learning_rate/choices/1",
            '"x": Enter a number above 0, up to 10',
        ),
        (
            {"space": {"activation": {"choices": ["relu", "x"]}}},
            "/space/activation/choices/1",
            '"x": Choose sigmoid, tanh, relu or gelu',
        ),
        (
            {"space": {"hidden_sizes": {"choices": [[1], [0]]}}},
            "/space/hidden_sizes/choices/1",
            "[0]: Enter a whole number from 1 to 1,024",
        ),
        ({"sampler": "grid"}, "/space/learning_rate/step", "needed for a grid"),
        (
            {"space": {"hidden_sizes": {"count": MANY, "size": {"low": 8, "high": 16}}}},
            *("/space/hidden_sizes", "at most 8"),
        ),
        ({"space": {"epochs": {"low": 1, "high": HUGE}}}, "/space/epochs/high", "9.00719925474e15"),
        ({"space": {"epochs": {"low": -HUGE, "high": 1}}}, "/space/epochs/low", "9.00719925474e15"),
        (
            {"space": {"epochs": {"low": 1, "high": 2, "step": HUGE}}},
            "/space/epochs/step",
            "9.00719",
        ),
        ({"trials": 501}, "/trials", "500"),
        ({"parallel": 0}, "/parallel", "64"),
        ({"validation": 0}, "/validation", "0.5"),
        ({"metric": "test_loss"}, "/metric", "validation_loss"),
        ({"epochs": 1000, "trials": 51}, "/trials", "50,000"),
        ({"dataset": "nothing"}, "/dataset", "nothing"),
        ({"hidden_sizes": [0]}, "/hidden_sizes/0", "1"),
    ],
)
def test_what_is_wrong_is_named(client, jobs, fields, pointer, words):
    assert words in errors(client.post("/sweeps", json=BODY | fields))[pointer]
    assert client.get("/jobs").json["jobs"] == []


def test_a_rejected_sweep_stores_no_data_set(client, jobs):
    described = {"recipe": "playground", "dataset": {"generate": "moons"}}
    wrong = {"space": {"learning_rate": {"low": 1, "high": 20}}}
    before = client.get("/datasets").json
    assert "/space/learning_rate/high" in errors(client.post("/sweeps", json=described | wrong))
    assert client.get("/datasets").json == before
    assert client.post("/sweeps", json=described | {"space": SPACE}).status_code == 202


def test_the_same_key_returns_the_same_sweep(client, jobs):
    headers = {"Idempotency-Key": "k"}
    first, second = (client.post("/sweeps", json=BODY, headers=headers).json for _ in range(2))
    assert first["id"] == second["id"]
    other = client.post("/sweeps", json=BODY | {"seed": 3}, headers=headers)
    assert "/Idempotency-Key" in errors(other)


def test_a_sweep_shows_its_trials_and_streams_their_events(client, jobs, sweeps):
    id = start(client)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    assert park(sweeps, claim) == "parked"
    job = run_trial(jobs, losses=(0.25,))
    sweep = client.get(f"/sweeps/{id}").json
    trial = {
        "number": 0,
        "job": job,
        "params": {"learning_rate": 0.2},
        "state": "complete",
        "values": [0.25],
        "value": 0.25,
        "final": False,
        "model": None,
    }
    assert (sweep["status"], sweep["trials"], sweep["best"]) == ("running", [trial], trial)
    assert sweep["progress"]["trials_ended"] == 1
    assert client.get(f"/jobs/{job}").json["sweep"] == id
    assert "a trial of a sweep" in check_problem(client.delete(f"/jobs/{job}"), 409)["detail"]
    assert client.post(f"/sweeps/{id}/cancel").json["status"] == "cancelled"
    events = client.get(f"/sweeps/{id}/events").text.split("\n\n")
    kinds = [event.partition("event: ")[2].partition("\n")[0] for event in events]
    assert kinds == ["status", "status", "trial", "value", "trial", "status", ""]
    data = events[4].partition("data: ")[2]
    assert json.loads(data) == trial
    last = events[4].partition("id: ")[2].partition("\n")[0]
    rest = client.get(f"/sweeps/{id}/events", headers={"Last-Event-ID": last})
    assert rest.text == events[5] + "\n\n"


def test_the_winner_of_a_cancelled_sweep_can_be_trained(client, jobs, sweeps):
    id = start(client, title="Rates")
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    run_trial(jobs)
    running = check_problem(client.post(f"/sweeps/{id}/winner"), 409)["detail"]
    assert "has not ended" in running
    client.post(f"/sweeps/{id}/cancel")
    jobs.finish(claim, "cancelled")
    check_problem(client.post(f"/sweeps/{id}/cancel"), 409)
    answer = client.post(f"/sweeps/{id}/winner")
    assert answer.status_code == 202
    job = answer.json
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert (job["final"], job["title"], job["recipe"]["validation"]) == (True, "Rates", 0)
    assert job["progress"]["samples_total"] == MNIST.train.samples
    assert client.post(f"/sweeps/{id}/winner").json["id"] == job["id"]
    assert client.get(f"/sweeps/{id}").json["winner"]["job"] == job["id"]


def test_pages_of_sweeps(client, jobs):
    ids = [start(client) for _ in range(3)]
    page = client.get("/sweeps?limit=2").json
    assert [one["id"] for one in page["sweeps"]] == ids[:0:-1]
    rest = client.get(f"/sweeps?limit=2&after={page['next']}").json
    assert ([one["id"] for one in rest["sweeps"]], rest["next"]) == (ids[:1], None)
    check_problem(client.get("/sweeps?after=x"), 422)


def test_other_jobs_are_no_sweeps(client, jobs):
    id = client.post("/train", json={}).json["id"]
    for method, path in (("get", ""), ("get", "/events"), ("post", "/cancel"), ("post", "/winner")):
        check_problem(getattr(client, method)(f"/sweeps/{id}{path}"), 404)
    assert client.get("/sweeps").json == {"sweeps": [], "next": None}
