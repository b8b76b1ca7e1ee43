"""The last checkpoint of a job over HTTP: whether there is one, and whether it is a new one."""

import numpy as np
import pytest

from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.datasets import DatasetStore
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES
from stepbox.training.report import HistoryEntry
from tests.datasets import add_dataset
from tests.jobs.test_imports import submit as submit_import
from tests.jobs.test_job_store import OWNER
from tests.problems import check_problem
from worker.checkpoints import Checkpoints
from worker.reporter import Reporter


@pytest.fixture
def app(app_with_jobs):
    return app_with_jobs


PATHS = ("first-layer", "mistakes")


@pytest.fixture
def training(own_stack, jobs, client, monkeypatch):
    """Claim a job with a small data set; return its id, its checkpoints and its events.

    Each of its epochs has a checkpoint, although they are short.
    """
    monkeypatch.setattr("worker.checkpoints.BETWEEN_EPOCHS_S", 0.0)
    settings = own_stack.settings()
    store = DatasetStore(settings.datasets_dir, settings.data_dir)
    spec, splits = add_dataset(store, "tiny", (8, 8))
    recipe = RECIPES["mnist-numpy"].changed(dataset=spec.id, hidden_sizes=[5])
    id = jobs.submit(recipe, samples=30, queue_limit=9).id
    claim = jobs.claim(OWNER, "w")
    trainer = make_trainer(recipe, splits["train"])
    checkpoints = CheckpointStore(own_stack.models_dir / ".checkpoints")
    with Reporter(jobs, claim) as reporter, Checkpoints(checkpoints, claim, reporter) as saver:

        def epochs():
            for event in train(trainer, splits["test"]):
                if isinstance(event, HistoryEntry):
                    saver.save(trainer, event)
                    saver.wait()
                    reporter.flush()
                    yield event.epoch

        yield id, claim, checkpoints, epochs()


@pytest.mark.parametrize("path", PATHS)
def test_an_unchanged_response_is_not_sent_again(client, training, path):
    id, _, _, epochs = training
    address = f"/jobs/{id}/{path}"
    assert client.get(address).status_code == 204
    next(epochs)
    first = client.get(address)
    same = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    assert first.headers["Cache-Control"] == "no-cache"
    next(epochs)
    later = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200
    assert later.headers["ETag"] != first.headers["ETag"]
    epoch = {"first-layer": "epochs", "mistakes": "epoch"}[path]
    assert (first.json[epoch], later.json[epoch]) == (0, 1)


@pytest.mark.parametrize("path", PATHS)
def test_there_is_nothing_without_a_checkpoint_that_can_be_read(client, jobs, training, path):
    id, claim, checkpoints, epochs = training
    next(epochs)
    state = checkpoints.load(id, jobs.checkpoint(id))
    earlier = {name: array for name, array in state.items() if not name.startswith("live.")}
    for fence, change in enumerate(
        (
            lambda name: checkpoints._objects.delete(f"{id}/{name}"),
            lambda name: checkpoints._objects.put(f"{id}/{name}", b"damaged"),
            lambda name: checkpoints.save(id, int(name.rpartition("f")[2]), earlier),
        ),
        start=7,
    ):
        name = checkpoints.save(id, fence, state)
        jobs.report(claim, checkpoint=name)
        change(name)
        assert client.get(f"/jobs/{id}/{path}").status_code == 204
    jobs.report(claim, checkpoint=checkpoints.save(id, 11, state))
    assert client.get(f"/jobs/{id}/{path}").status_code == 200
    jobs.finish(claim, "failed")
    assert client.get(f"/jobs/{id}/{path}").status_code == 204


@pytest.mark.parametrize("path", PATHS)
def test_what_cannot_be_asked_is_a_problem(client, jobs, training, path):
    check_problem(client.get(f"/jobs/unknown/{path}"), 404)
    imported = submit_import(jobs).id
    detail = check_problem(client.get(f"/jobs/{imported}/{path}"), 404)["detail"]
    assert "is an import, which trains no network" in detail
    problem = check_problem(client.get(f"/jobs/{training[0]}/{path}?limit=0"), 422)
    assert problem["errors"][0]["pointer"] == "/limit"


def test_a_later_attempt_keeps_the_mistakes_until_its_next_evaluation(
    own_stack, jobs, client, training
):
    """A checkpoint in the middle of an epoch has newer weights, and the earlier predictions."""
    id, claim, checkpoints, epochs = training
    assert [next(epochs), next(epochs)] == [0, 1]
    before = client.get(f"/jobs/{id}/mistakes").json
    jobs.reap("w", {}, [(id, claim.fence)])
    again = jobs.claim(OWNER, "w")
    recipe = jobs.get(id).recipe
    settings = own_stack.settings()
    store = DatasetStore(settings.datasets_dir, settings.data_dir)
    trainer = make_trainer(recipe, store.load(recipe.dataset, "train"))
    with Reporter(jobs, again) as reporter, Checkpoints(checkpoints, again, reporter) as saver:
        saver.restore(trainer)
        epoch = trainer.train_epoch()
        next(epoch), next(epoch)
        saver.save(trainer)
        saver.wait()
        reporter.flush()
    assert client.get(f"/jobs/{id}/mistakes").json == before
    found = client.get(f"/jobs/{id}/first-layer").json
    assert (found["epochs"], found["samples"]) == (1, 30)
    weights = np.array([one["weights"] for one in found["neurons"]])
    expected = trainer.network().layers[0].weights.reshape(-1, 8, 8)
    np.testing.assert_allclose(weights, expected, rtol=6e-4)
