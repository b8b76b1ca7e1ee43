"""What is logged of a job, without servers."""

import json

import pytest

from stepbox.client.answers import JobRecord
from stepbox.mlflow.content import MOST_TEXT, content_of

PAGE = "http://127.0.0.1:8000/ui/jobs/6d1f0a5b8c3e4f27"
RECIPE = {"name": "playground", "dataset": "moons", "hidden_sizes": [8, 8], "layers": None}


def entry(epoch, seconds):
    return {"epoch": epoch, "seconds": seconds, "test_loss": 1 / (1 + epoch), "train_loss": None}


def record(**members):
    values = {
        "id": "6d1f0a5b8c3e4f27",
        "kind": "train",
        "status": "succeeded",
        "recipe": RECIPE,
        "history": [entry(0, 0.0), entry(1, 1.5), entry(2, 2.0)],
        "title": None,
        "notes": "",
        "tags": [],
        "model": None,
        "sweep": None,
        "error": None,
        "submitted_by": None,
        "created_at": "2026-11-30T12:00:00Z",
        "started_at": "2026-11-30T12:00:10Z",
        "finished_at": "2026-11-30T12:00:13Z",
    }
    return JobRecord(values | members)


def test_the_time_of_an_epoch_follows_from_how_long_the_epochs_took():
    found = content_of(record(), PAGE)
    assert [(point.key, point.step) for point in found.history if point.key != "seconds"] == [
        ("test_loss", 0),
        ("test_loss", 1),
        ("test_loss", 2),
    ]
    times = [point.time - found.start for point in found.history if point.key == "test_loss"]
    assert times == [0, 1500, 3000]  # the last one not after the end of the job
    assert found.end - found.start == 3000


def test_a_job_that_was_cancelled_in_the_queue():
    found = content_of(record(status="cancelled", started_at=None, history=[]), PAGE)
    assert (found.status, found.start) == ("KILLED", found.end)
    assert not found.history


def test_parameters_are_text():
    layers = [{"type": "dense", "neurons": 8}] * 400
    found = content_of(record(recipe=RECIPE | {"layers": layers, "seed": {"a": 1}}), PAGE)
    assert found.params["hidden_sizes"] == "[8, 8]"
    assert found.params["name"] == "playground"
    assert found.params["seed.a"] == "1"
    assert len(found.params["layers"]) == MOST_TEXT
    assert found.params["layers"].endswith("…")
    assert found.documents["job.json"]["recipe"]["layers"] == layers
    json.dumps(found.documents)


@pytest.mark.parametrize(
    ("members", "name"),
    [
        ({}, "playground 6d1f0a"),
        ({"title": "Mine"}, "Mine"),
        ({"kind": "sweep"}, "playground sweep 6d1f0a"),
        ({"sweep": "1" * 16, "trial": 3, "final": False}, "playground trial 3 6d1f0a"),
        ({"sweep": "1" * 16, "trial": None, "final": True}, "playground winner 6d1f0a"),
    ],
)
def test_names(members, name):
    search = {"search": {"space": {}, "trials": 3}, "pruned": False}
    assert content_of(record(**search | members), PAGE).name == name


def test_why_a_job_failed():
    error = {"title": "Internal Server Error", "detail": "The loss is no longer finite."}
    found = content_of(record(status="failed", error=error), PAGE)
    assert found.status == "FAILED"
    assert found.tags["stepbox.error"] == "The loss is no longer finite."
    assert found.tags["mlflow.source.name"] == PAGE
