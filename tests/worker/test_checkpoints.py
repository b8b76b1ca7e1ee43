import dataclasses
import logging

import numpy as np
import pytest

from stepbox.data.builtin import load_dataset
from stepbox.store.checkpoints import CheckpointStore
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES
from worker.checkpoints import Checkpoints
from worker.reporter import Reporter

RECIPE = RECIPES["mnist-numpy"]


@pytest.mark.parametrize("renamed", [False, True])
def test_a_training_starts_again_if_a_checkpoint_has_arrays_of_another_version(
    jobs, tmp_path, caplog, renamed
):
    store = CheckpointStore(tmp_path)
    before, after = (make_trainer(RECIPE, load_dataset("mnist", "train")[:30]) for _ in range(2))
    list(before.train_epoch())
    state = before.state()
    if renamed:
        state["weights in another order"] = state.pop("parameters")
    jobs.submit(RECIPE, samples=30, queue_limit=10)
    claim = jobs.claim({"pid": 1}, "w")
    claim = dataclasses.replace(claim, checkpoint=store.save(claim.job, 1, state))
    with caplog.at_level(logging.WARNING), Reporter(jobs, claim) as reporter:
        Checkpoints(store, claim, reporter).restore(after)
    assert after.epochs_done == (0 if renamed else 1)
    assert ("starting again" in caplog.text) == renamed
    equal = np.array_equal(after.arrays()["parameters"], before.arrays()["parameters"])
    assert equal != renamed


@pytest.mark.parametrize("lost", [None, "part", "parts"])
def test_the_record_of_the_steps_goes_on_with_the_training(jobs, tmp_path, caplog, lost):
    data = load_dataset("mnist", "train")[:1500]
    store = CheckpointStore(tmp_path)
    whole, resumed = (make_trainer(RECIPE, data) for _ in range(2))
    jobs.submit(RECIPE, samples=1500, queue_limit=10)
    claim = jobs.claim({"pid": 1}, "w")
    with Reporter(jobs, claim) as reporter:
        checkpoints = Checkpoints(store, claim, reporter)
        checkpoints.save(whole)
        for _ in whole.train_epoch():
            checkpoints.save(whole)
        name = checkpoints.save(whole)
        list(whole.train_epoch())
        parts = sorted(part for part in store._objects.names(claim.job) if "steps" in part)
        assert parts == ["steps-1-1000-f1", "steps-1001-1500-f1"]
        if lost == "part":
            store._objects.delete(f"{claim.job}/{parts[0]}")
        elif lost == "parts":  # a checkpoint of an earlier version does not name any
            state = store.load(claim.job, name)
            del state["parts of the record"]
            store.save(claim.job, 1, state)
        claim = dataclasses.replace(claim, checkpoint=name)
        with caplog.at_level(logging.WARNING):
            again = Checkpoints(store, claim, reporter)
            again.restore(resumed)
        assert ("starting again" in caplog.text) == (lost == "part")
        assert (resumed.recorder is None) == (lost == "parts")
        assert resumed.epochs_done == (0 if lost == "part" else 1)
        while resumed.epochs_done < 2:
            list(resumed.train_epoch())
        again.save(resumed)
    if resumed.recorder is not None:
        expected = whole.recorder.record().arrays()
        found = resumed.recorder.record().arrays()
        assert found.keys() == expected.keys()
        for key, array in expected.items():
            np.testing.assert_array_equal(found[key], array)


def test_the_record_goes_on_from_the_last_batch_of_an_epoch(jobs, tmp_path):
    """The last batch is smaller, and the epoch is not counted yet."""
    data = load_dataset("mnist", "train")[:1500]
    recipe = RECIPE.changed(batch_size=7)
    store = CheckpointStore(tmp_path)
    whole, resumed = (make_trainer(recipe, data) for _ in range(2))
    jobs.submit(recipe, samples=1500, queue_limit=10)
    claim = jobs.claim({"pid": 1}, "w")
    with Reporter(jobs, claim) as reporter:
        checkpoints = Checkpoints(store, claim, reporter)
        for samples, _ in whole.train_epoch():
            if samples == 1500:
                name = checkpoints.save(whole)
        claim = dataclasses.replace(claim, checkpoint=name)
        Checkpoints(store, claim, reporter).restore(resumed)
    list(resumed.train_epoch())
    for trainer in (whole, resumed):
        list(trainer.train_epoch())
    found = resumed.recorder.record().arrays()
    for key, array in whole.recorder.record().arrays().items():
        np.testing.assert_array_equal(found[key], array)
