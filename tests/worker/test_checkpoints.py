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
