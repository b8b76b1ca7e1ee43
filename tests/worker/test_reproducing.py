"""A job trains the recipe of a model again, and compares the weights. All processes are real."""

import json
import os
import signal
from pathlib import Path

import pytest
import requests

from stepbox.store.models import ModelStore
from tests.faults.test_import_recovery import hold, release, wait_for_hold
from tests.faults.test_recovery import owner_of, start_holding_worker
from tests.problems import check_problem
from tests.processes import wait_until

SMALL = {"hidden_sizes": [], "epochs": 1}


@pytest.fixture
def running(own_stack, jobs):
    own_stack.start_worker()
    own_stack.start_service()
    return own_stack


def folder_of(stack, model):
    return Path(stack.environment["STEPBOX_MODELS_DIR"]) / model


def train(stack, **changes):
    return stack.wait_for(stack.train(**SMALL | changes)["id"])["model"]


def reproduce(stack, model):
    answer = requests.post(f"{stack.url}/models/{model}/reproduce", timeout=60)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/jobs/{answer.json()['id']}"
    return answer.json()


def change_card(stack, model, change):
    path = folder_of(stack, model) / "card.json"
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(card))


def test_the_same_recipe_makes_the_same_weights_and_no_second_model(running):
    first = train(running)
    job = running.wait_for(reproduce(running, first)["id"])
    assert (job["status"], job["model"], job["reproduces"]) == ("succeeded", None, first)
    sha256 = requests.get(f"{running.url}/models/{first}", timeout=60).json()["weights"]["sha256"]
    assert job["reproduction"] == {"same": True, "sha256": sha256, "differs": []}
    assert [entry["epoch"] for entry in job["history"]] == [0, 1]
    listed = requests.get(f"{running.url}/models", timeout=60).json()["models"]
    assert [card["id"] for card in listed] == [first]
    assert ModelStore(Path(running.environment["STEPBOX_MODELS_DIR"])).ids() == [first]

    def age(card):  # as a version without these fields has written it, on another computer
        del card["versions"]["llvmlite"], card["versions"]["libc"]
        card["versions"]["numpy"] = "1.0"
        card["computer"]["processor"] = "an abacus"
        card["recipe"]["seed"] += 1  # so that the weights differ

    change_card(running, first, age)
    second = running.wait_for(reproduce(running, first)["id"])["reproduction"]
    assert second["same"] is False
    assert second["sha256"] != sha256
    differs = {one["what"]: one for one in second["differs"]}
    assert differs.keys() == {"llvmlite", "libc", "numpy", "processor"}
    assert {one["before"] for one in differs.values()} == {"unknown", "1.0", "an abacus"}
    assert all(one["now"] not in ("", "unknown") for one in differs.values())


def test_a_killed_reproduction_goes_on_and_makes_the_same_weights(own_stack, jobs):
    worker = start_holding_worker(own_stack)
    own_stack.start_service()
    model = train(own_stack, epochs=3)
    hold(own_stack, "epoch-2")
    id = reproduce(own_stack, model)["id"]
    wait_for_hold(own_stack, "epoch-2")
    wait_until(lambda: len(own_stack.job(id)["history"]) == 2, what="epoch 1 to be stored")
    checkpoint = jobs.checkpoint(id)
    os.kill(owner_of(jobs, id)["pid"], signal.SIGKILL)
    release(own_stack, "epoch-2")
    job = own_stack.wait_for(id)
    assert job["reproduction"]["same"] is True
    assert job["attempts"] == 2
    assert f"going on from {checkpoint}" in worker.log.read_text()


def test_a_training_that_continued_a_model_needs_it(running):
    start = train(running)
    model = train(running, from_model=start)
    assert running.wait_for(reproduce(running, model)["id"])["reproduction"]["same"] is True
    requests.delete(f"{running.url}/models/{start}", timeout=60)
    answer = requests.post(f"{running.url}/models/{model}/reproduce", timeout=60)
    assert start in check_problem(answer, 409)["detail"]


def test_a_data_set_that_has_changed_or_is_gone(running):
    model = train(running)

    def change(card):
        card["dataset"]["classes"][0] = "none"
        card["dataset"]["id"], card["dataset"]["checksums"] = "d-0123456789ab", {}

    change_card(running, model, change)
    answer = requests.post(f"{running.url}/models/{model}/reproduce", timeout=60)
    assert "is not the one that model" in check_problem(answer, 409)["detail"]

    def remove(card):
        card["recipe"]["dataset"] = "d-0123456789ab"

    change_card(running, model, remove)
    answer = requests.post(f"{running.url}/models/{model}/reproduce", timeout=60)
    assert "has been deleted" in check_problem(answer, 409)["detail"]
