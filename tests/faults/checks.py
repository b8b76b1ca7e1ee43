"""Check a job after faults."""

import json

import requests

from jobs.events import read_events


def all_over(jobs):
    """Tell whether no job waits in the queue and no worker has one, at one moment.

    Then a sweep that still waits for a trial would wait forever.
    """
    with jobs.redis.pipeline() as pipeline:
        pipeline.zcard("jobs:status:queued")
        pipeline.zcard("jobs:leases")
        return not any(pipeline.execute())


def check_undisturbed(stack, jobs, job, reference):
    """Check that a job has succeeded with the same result as a `Reference`, without faults.

    Its weights, steps and losses equal those of an undisturbed run, it was completed once, and its
    events contain every epoch and every loss exactly once and in order.
    """
    expected = reference.card
    numbers = [entry.epoch for entry in expected.history]
    losses = [entry.model_dump() for entry in expected.losses]
    assert job["status"] == "succeeded", job["error"]
    assert [entry["epoch"] for entry in job["history"]] == numbers
    for name in ("train_loss", "test_loss"):
        assert [entry[name] for entry in job["history"]] == [
            getattr(entry, name) for entry in expected.history
        ]
    assert job["losses"] == losses
    card = requests.get(f"{stack.url}/models/{job['model']}", timeout=10).json()
    assert card["weights"]["sha256"] == reference.weights
    assert card["steps"]["sha256"] == reference.steps
    assert card["losses"] == losses

    events = read_events(jobs, job["id"])
    epochs = [json.loads(event.data)["epoch"] for event in events if event.type == "epoch"]
    assert epochs == numbers
    assert [json.loads(event.data) for event in events if event.type == "loss"] == losses
    states = [json.loads(event.data)["status"] for event in events if event.type == "status"]
    assert states.count("succeeded") == 1
    assert states[-1] == "succeeded"
    models = requests.get(f"{stack.url}/models?limit=1000", timeout=10).json()["models"]
    assert [one["job"] for one in models].count(job["id"]) == 1
