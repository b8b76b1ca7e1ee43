"""A training whose process is killed sends the same frames as one that nobody disturbs."""

import os
import signal

from tests.faults.test_import_recovery import HOLDING, hold, release, wait_for_hold
from tests.faults.test_recovery import owner_of
from tests.frames import frames_of
from tests.processes import wait_until

FIELDS = {
    "recipe": "playground",
    "dataset": {"generate": "spiral", "samples": 3000},
    "hidden_sizes": [16, 16, 16, 16],
    "batch_size": 1,
    "epochs": 60,
}


def test_a_killed_training_sends_each_frame_once_and_the_same(own_stack, jobs, monkeypatch):
    monkeypatch.setitem(own_stack.environment, "HOLD_DIR", str(own_stack.folder))
    own_stack.start_worker(application=HOLDING)
    own_stack.start_service()
    undisturbed = own_stack.train(**FIELDS)["id"]
    assert own_stack.wait_for(undisturbed)["status"] == "succeeded"
    points = ("epoch-2", "epoch-10")
    for point in points:
        hold(own_stack, point)
    id = own_stack.train(**FIELDS)["id"]
    for attempt, point in enumerate(points, 1):
        wait_for_hold(own_stack, point)
        os.kill(owner_of(jobs, id)["pid"], signal.SIGKILL)
        release(own_stack, point)
        wait_until(lambda attempts=attempt + 1: own_stack.job(id)["attempts"] == attempts)
    assert own_stack.wait_for(id)["status"] == "succeeded"
    assert own_stack.job(id)["attempts"] == 3

    frames = frames_of(own_stack, id)
    assert len(frames) == 50
    assert frames == frames_of(own_stack, undisturbed)
