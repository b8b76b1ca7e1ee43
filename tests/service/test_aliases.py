"""Aliases with gates: a model that is not good enough does not get the name."""

from datetime import UTC, datetime, timedelta

import pytest

from service.app import create_app
from service.settings import ServiceSettings
from stepbox.training.evaluation import evaluate
from tests.datasets import add_dataset
from tests.problems import check_problem, pointers
from tests.service.conftest import DATA, publish, publish_on


@pytest.fixture
def good(client, convolutions):
    """A model with an accuracy of about a half; return its id and its accuracy."""
    id, _ = convolutions
    return id, client.get(f"/models/{id}").json["evaluation"]["accuracy"]


@pytest.fixture
def bad(client, backend):
    """An untrained model with an accuracy of 0.101."""
    return publish(backend)[0]


@pytest.fixture
def alias(client):
    """Return a function that reads the alias `best`."""
    return lambda: client.get("/aliases/best").json


def put(client, model, **body):
    return client.put("/aliases/best", json={"model": model, **body})


def test_a_gate_refuses_a_model_and_names_each_figure(client, good, bad, alias):
    id, accuracy = good
    assert accuracy > 0.2
    gate = {"min_accuracy": 0.2, "max_calibration_error": 0.5}
    assert put(client, id, gate=gate).json["aliases"] == {"best": id}
    assert alias()["gate"] == {**gate, "dataset": None}
    before = alias()
    error = client.get(f"/models/{bad}").json["evaluation"]["expected_calibration_error"]
    body = check_problem(put(client, bad), 409)
    assert body["type"] == "gate-not-passed"
    assert body["figures"] == [
        {"figure": "accuracy", "value": 0.101, "least": 0.2, "most": None},
    ]
    assert body["detail"] == (
        f"model {bad} does not pass the gate of 'best': on the 10,000 test samples of mnist, its "
        "accuracy is 0.101 and must be at least 0.2"
    )
    strict = {"min_accuracy": 0.2, "max_calibration_error": error / 2}
    body = check_problem(put(client, bad, gate=strict), 409)
    assert [one["figure"] for one in body["figures"]] == ["accuracy", "expected_calibration_error"]
    assert alias() == before
    assert put(client, bad, gate=None).status_code == 200
    assert (alias()["model"], alias()["gate"]) == (bad, None)


def test_a_figure_equal_to_the_gate_passes(client, bad, alias):
    error = client.get(f"/models/{bad}").json["evaluation"]["expected_calibration_error"]
    gate = {"min_accuracy": 0.101, "max_calibration_error": error}
    assert put(client, bad, gate=gate).status_code == 200
    assert alias()["gate"] == {**gate, "dataset": None}


def test_the_history_says_what_was_set_when_and_why(client, good, bad, alias):
    id, accuracy = good
    put(client, id, gate={"min_accuracy": 0.2})
    put(client, bad, gate=None)
    first, second = alias()["history"]
    assert (first["model"], second["model"]) == (id, bad)
    assert first["figures"]["accuracy"] == accuracy
    assert (first["figures"]["dataset"], first["figures"]["samples"]) == ("mnist", 10_000)
    assert first["set_by"] is None
    at = [datetime.fromisoformat(one["set_at"]) for one in (first, second)]
    assert at[0] <= at[1] <= datetime.now(UTC) < at[0] + timedelta(hours=1)


def test_rollbacks_go_back_although_the_gate_was_raised(client, backend, alias):
    ids = [publish(backend, seed=seed)[0] for seed in (1, 2, 3)]
    for id in ids:
        put(client, id)
    put(client, ids[2], gate={"min_accuracy": 0.01})
    back = [client.post("/aliases/best/rollback").json["model"] for _ in range(2)]
    assert back == [ids[1], ids[0]]
    assert alias()["history"][-1]["action"] == "rollback"
    assert alias()["gate"]["min_accuracy"] == 0.01
    check_problem(client.post("/aliases/best/rollback"), 409)
    assert client.delete(f"/models/{ids[1]}").status_code == 204  # only the history names it
    check_problem(client.delete(f"/models/{ids[0]}"), 409)
    assert [one["model"] for one in alias()["history"]].count(ids[1]) == 2


def test_the_gate_of_another_data_set(client, backend, alias):
    spec, splits = add_dataset(backend.datasets, "mine", (4, 5))
    other, others = add_dataset(backend.datasets, "fresh", (4, 5), seed=1, test=2500)
    id, network = publish_on(backend, spec, splits)
    assert put(client, id, gate={"min_accuracy": 0, "dataset": "fresh"}).status_code == 200
    expected = evaluate(network, others["test"], "unit")
    assert alias()["gate"]["dataset"] == other.id
    assert alias()["history"][0]["figures"] == {
        "dataset": other.id,
        "samples": 2500,
        "accuracy": expected.accuracy,
        "expected_calibration_error": pytest.approx(expected.expected_calibration_error),
    }
    gate = {"min_accuracy": expected.accuracy + 0.001, "dataset": other.id}
    body = check_problem(put(client, id, gate=gate), 409)
    assert body["figures"][0]["value"] == expected.accuracy
    assert client.delete(f"/datasets/{other.id}?force=true").status_code == 204
    body = check_problem(put(client, id), 422)
    assert pointers(body) == ["/gate/dataset"]
    assert put(client, id, gate=None).status_code == 200


def test_a_model_is_evaluated_once_for_a_gate(client, backend, monkeypatch):
    spec, splits = add_dataset(backend.datasets, "mine", (4, 5))
    other, _ = add_dataset(backend.datasets, "fresh", (4, 5), seed=1)
    id, _ = publish_on(backend, spec, splits)
    loaded = []
    load = backend.models.load
    monkeypatch.setattr(backend.models, "load", lambda ref: loaded.append(ref) or load(ref))
    assert put(client, id, gate={"min_accuracy": 0}).status_code == 200  # by its card
    assert loaded == []
    for _ in range(2):
        gate = {"min_accuracy": 0, "dataset": other.id}
        assert put(client, id, gate=gate).status_code == 200
    assert loaded == [id]
    history = client.get("/aliases/best").json["history"]
    assert history[1]["figures"] == history[2]["figures"] != history[0]["figures"]


def test_data_sets_that_do_not_fit_are_rejected(client, backend, monkeypatch):
    spec, splits = add_dataset(backend.datasets, "mine", (4, 5))
    id, _ = publish_on(backend, spec, splits)
    for name, shape, options, words in (
        ("larger", (5, 5), {}, "shape [4, 5], but larger has the shape [5, 5]"),
        ("flat", (20,), {}, "kind images, but flat has the kind vectors"),
        ("more", (4, 5), {"classes": 4}, "classes ['class 0',"),
    ):
        add_dataset(backend.datasets, name, shape, **options)
        body = check_problem(put(client, id, gate={"min_accuracy": 0, "dataset": name}), 422)
        assert pointers(body) == ["/gate/dataset"]
        assert words in body["errors"][0]["detail"]
    body = check_problem(put(client, id, gate={"min_accuracy": 0, "dataset": "none"}), 422)
    detail = body["errors"][0]["detail"]
    assert detail.startswith(
        "the gate of 'best' names a data set that does not exist: there is no "
    )
    assert detail.endswith("'none'; there are fashion-mnist, flat, larger, mine, mnist, more")
    add_dataset(backend.datasets, "large", (4, 5), seed=2, test=100)
    monkeypatch.setattr("service.api.gates.MOST_PRODUCTS", 100)
    body = check_problem(put(client, id, gate={"min_accuracy": 0, "dataset": "large"}), 422)
    assert "its 100 test samples take" in body["errors"][0]["detail"]
    assert put(client, id, gate={"min_accuracy": 0, "dataset": "mine"}).status_code == 200
    assert client.get("/aliases/best").json["gate"]["dataset"] == spec.id


@pytest.mark.parametrize(
    ("gate", "pointer"),
    [
        ({}, "/gate"),
        ({"dataset": "mnist"}, "/gate"),
        ({"min_accuracy": 1.5}, "/gate/min_accuracy"),
        ({"min_accuracy": "0.9"}, "/gate/min_accuracy"),
        ({"min_accuracy": True}, "/gate/min_accuracy"),
        ({"max_calibration_error": -1}, "/gate/max_calibration_error"),
        ({"min_accuracy": 0.5, "accuracy": 0.5}, "/gate/accuracy"),
        ({"min_accuracy": 0.5, "dataset": 5}, "/gate/dataset"),
        (0.9, "/gate"),
    ],
)
def test_invalid_gates_are_rejected(client, bad, gate, pointer):
    assert pointers(check_problem(put(client, bad, gate=gate), 422)) == [pointer]
    check_problem(client.get("/aliases/best"), 404)


def test_only_the_id_of_a_model_is_accepted(client, bad):
    wanted = (
        "Enter the id of a model (an alias is not accepted, because it may change meanwhile), "
        "such as m-3f9c02d17ab4"
    )
    for body, words in (
        ({"model": "latest-mnist"}, wanted),
        ({"model": 5}, wanted),
        ({}, f"This field is required. {wanted}"),
    ):
        problem = check_problem(client.put("/aliases/best", json=body), 422)
        assert problem["errors"] == [{"pointer": "/model", "detail": words}]


def test_aliases_that_do_not_exist(client, bad):
    for answer in (client.get("/aliases/best"), client.post("/aliases/best/rollback")):
        check_problem(answer, 404)
    check_problem(client.get("/aliases/latest"), 404)


def test_the_history_names_tokens(tmp_path):
    secret = "a" * 16
    app = create_app(
        ServiceSettings(models_dir=tmp_path / "models", data_dir=DATA, tokens=f"amy=write:{secret}")
    )
    id, _ = publish(app.extensions["stepbox"])
    client = app.test_client()
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.put("/aliases/best", json={"model": id}, headers=headers).status_code == 200
    assert client.get("/aliases/best", headers=headers).json["history"][0]["set_by"] == "amy"
