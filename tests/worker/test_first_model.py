"""A new installation trains a first model by itself."""

import pytest

from jobs.settings import Settings
from stepbox.training.presets import RECIPES
from tests.processes import wait_until
from worker.first_model import submit_first_job
from worker.stores import Stores


@pytest.fixture
def stores(jobs):
    return Stores.of(Settings())


def test_only_one_of_many_workers_submits_the_first_job(jobs, stores):
    for _ in range(3):
        submit_first_job(stores, "mnist-numpy")
    (job,), _ = jobs.page()
    assert job.recipe == RECIPES["mnist-numpy"]
    jobs.cancel(job.id)
    jobs.delete(job.id)
    submit_first_job(stores, "mnist-numpy")
    assert jobs.page() == ([], None)  # people have deleted everything


def test_none_submits_nothing(jobs, stores):
    submit_first_job(stores, "none")
    assert jobs.page() == ([], None)


def test_a_worker_trains_the_first_model(own_stack, jobs):
    own_stack.environment["STEPBOX_FIRST_MODEL"] = "mnist-numpy"
    for name in ("one", "two"):
        own_stack.start_worker(name)
    wait_until(
        lambda: [job for job in jobs.page()[0] if job.status == "succeeded"],
        seconds=120,
        what="the first model",
    )
    assert len(jobs.page()[0]) == 1


def test_an_installation_with_models_trains_none(jobs, stores, monkeypatch):
    monkeypatch.setattr(stores.models, "any", lambda: True)
    submit_first_job(stores, "mnist-numpy")
    assert jobs.page() == ([], None)
