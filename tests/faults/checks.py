"""Check a job after faults."""

import json

import requests

from jobs.events import read_events


def check_undisturbed(stack, jobs, job, sha256, losses):
    """Check that a job has succeeded with the same result as without faults.

    Its weights equal those of an undisturbed run, it was completed once, and its events contain
    every epoch exactly once and in order.
    """
    assert job["status"] == "succeeded", job["error"]
    assert [entry["epoch"] for entry in job["history"]] == list(range(len(losses)))
    assert [entry["test_loss"] for entry in job["history"]] == losses
    card = requests.get(f"{stack.url}/models/{job['model']}", timeout=10).json()
    assert card["weights"]["sha256"] == sha256

    events = read_events(jobs, job["id"])
    epochs = [json.loads(event.data)["epoch"] for event in events if event.type == "epoch"]
    assert epochs == list(range(len(losses)))
    states = [json.loads(event.data)["status"] for event in events if event.type == "status"]
    assert states.count("succeeded") == 1
    assert states[-1] == "succeeded"
    models = requests.get(f"{stack.url}/models?limit=1000", timeout=10).json()["models"]
    assert [one["job"] for one in models].count(job["id"]) == 1
