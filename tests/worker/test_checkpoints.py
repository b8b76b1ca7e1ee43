import dataclasses
import logging
import threading

import numpy as np
import pytest

from stepbox.data.builtin import load_dataset
from stepbox.store.checkpoints import CheckpointStore
from stepbox.training.loop import make_trainer
from stepbox.training.presets import RECIPES
from stepbox.training.report import HistoryEntry
from tests.jobs.test_job_store import entry as fields_of_entry
from tests.processes import wait_until
from tests.stepbox.store.memory_store import MemoryStore
from worker.checkpoints import Checkpoints
from worker.reporter import JobCancelledError, Reporter

RECIPE = RECIPES["mnist-numpy"]


def entry(epoch):
    return HistoryEntry.model_validate(fields_of_entry(epoch))


def stored(jobs, reporter, claim):
    """Return the name of the last checkpoint that Redis has."""
    reporter.flush()
    return jobs.checkpoint(claim.job)


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
    with (
        caplog.at_level(logging.WARNING),
        Reporter(jobs, claim) as reporter,
        Checkpoints(store, claim, reporter) as checkpoints,
    ):
        checkpoints.restore(after)
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
        with Checkpoints(store, claim, reporter) as checkpoints:
            checkpoints.save(whole)
            for _ in whole.train_epoch():
                checkpoints.save(whole)
            checkpoints.save(whole)
        name = stored(jobs, reporter, claim)
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
        with Checkpoints(store, claim, reporter) as again:
            with caplog.at_level(logging.WARNING):
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
        with Checkpoints(store, claim, reporter) as checkpoints:
            for samples, _ in whole.train_epoch():
                if samples == 1500:
                    checkpoints.save(whole)
        claim = dataclasses.replace(claim, checkpoint=stored(jobs, reporter, claim))
        with Checkpoints(store, claim, reporter) as again:
            again.restore(resumed)
    list(resumed.train_epoch())
    for trainer in (whole, resumed):
        list(trainer.train_epoch())
    found = resumed.recorder.record().arrays()
    for key, array in whole.recorder.record().arrays().items():
        np.testing.assert_array_equal(found[key], array)


class HeldStore(MemoryStore):
    """A store whose writes wait for an event; it lists the keys that are complete."""

    def __init__(self):
        super().__init__()
        self.go_on = threading.Event()

    def put(self, key, data):
        assert self.go_on.wait(60)
        super().put(key, data)


def test_the_training_goes_on_while_a_checkpoint_is_written(jobs):
    """The checkpoint has the state and the record from before, and Redis learns of it last."""
    trainer = make_trainer(RECIPE, load_dataset("mnist", "train")[:1500])
    objects = HeldStore()
    store = CheckpointStore(objects)
    jobs.submit(RECIPE, samples=1500, queue_limit=10)
    claim = jobs.claim({"pid": 1}, "w")
    epoch = trainer.train_epoch()
    with (
        Reporter(jobs, claim) as reporter,
        Checkpoints(store, claim, reporter) as checkpoints,
    ):
        next(epoch)
        next(epoch)
        before, losses = trainer.arrays(), trainer.recorder.record().losses.copy()
        checkpoints.save(trainer, entry(1))
        list(epoch)  # nothing is written yet
        reporter.flush()
        assert jobs.checkpoint(claim.job) is None
        assert jobs.get(claim.job).history == []
        objects.go_on.set()
        checkpoints.wait()
        name = stored(jobs, reporter, claim)
    assert name == "e0-s1000-f1"
    assert [one.epoch for one in jobs.get(claim.job).history] == [1]
    state = store.load(claim.job, name)
    np.testing.assert_array_equal(state["parameters"], before["parameters"])
    part = store.load_part(claim.job, *state["parts of the record"][0])
    np.testing.assert_array_equal(part["losses"], losses)


class FullStore(MemoryStore):
    """A store that raises an error at each write."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def put(self, key, data):
        raise self.error


def test_a_full_disk_costs_a_checkpoint_and_any_other_error_ends_the_training(jobs, caplog):
    trainer = make_trainer(RECIPE, load_dataset("mnist", "train")[:30])
    list(trainer.train_epoch())
    jobs.submit(RECIPE, samples=30, queue_limit=10)
    claim = jobs.claim({"pid": 1}, "w")
    with Reporter(jobs, claim) as reporter:
        full = CheckpointStore(FullStore(OSError("the disk is full")))
        with Checkpoints(full, claim, reporter) as checkpoints:
            checkpoints.save(trainer, entry(1))
            checkpoints.wait()
        assert "no checkpoint is written: the disk is full" in caplog.text
        assert stored(jobs, reporter, claim) is None
        assert [one.epoch for one in jobs.get(claim.job).history] == [1]
        wrong = CheckpointStore(FullStore(ZeroDivisionError("unexpected")))
        with Checkpoints(wrong, claim, reporter) as checkpoints:
            checkpoints.save(trainer)
            with pytest.raises(ZeroDivisionError):
                checkpoints.save(trainer)


def test_a_cancel_that_the_writing_thread_notices_reaches_the_training(jobs, tmp_path):
    trainer = make_trainer(RECIPE, load_dataset("mnist", "train")[:30])
    jobs.submit(RECIPE, samples=30, queue_limit=10)
    claim = jobs.claim({"pid": 1}, "w")
    with (
        Reporter(jobs, claim) as reporter,
        Checkpoints(CheckpointStore(tmp_path), claim, reporter) as checkpoints,
    ):
        jobs.cancel(claim.job)
        wait_until(lambda: reporter._verdict == "cancel")
        checkpoints.save(trainer)
        with pytest.raises(JobCancelledError):
            checkpoints.wait()
