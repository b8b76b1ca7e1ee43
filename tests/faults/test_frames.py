"""A training whose process is killed sends the same frames as one that nobody disturbs."""

import os
import signal

from tests.faults.test_recovery import history_length, owner_of
from tests.frames import frames_of
from tests.processes import wait_until

# It trains for some seconds, which leaves time for faults.
FIELDS = {
    "recipe": "playground",
    "dataset": {"generate": "spiral", "samples": 3000},
    "hidden_sizes": [16, 16, 16, 16],
    "batch_size": 1,
    "epochs": 60,
}


def test_a_killed_training_sends_each_frame_once_and_the_same(own_stack, jobs):
    own_stack.start_worker()
    own_stack.start_service()
    undisturbed = own_stack.train(**FIELDS)["id"]
    assert own_stack.wait_for(undisturbed)["status"] == "succeeded"
    id = own_stack.train(**FIELDS)["id"]
    for killed in range(2):
        wait_until(lambda seen=2 + 8 * killed: history_length(own_stack, id) >= seen)
        os.kill(owner_of(jobs, id)["pid"], signal.SIGKILL)
        wait_until(
            lambda attempts=killed + 2: own_stack.job(id)["attempts"] == attempts, seconds=20
        )
    assert own_stack.wait_for(id)["status"] == "succeeded"
    assert own_stack.job(id)["attempts"] == 3

    frames = frames_of(own_stack, id)
    assert len(frames) == 50
    assert frames == frames_of(own_stack, undisturbed)
