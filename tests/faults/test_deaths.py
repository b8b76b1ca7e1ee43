"""A job that kills its workers, with real ones."""

import os
import signal

from tests.faults.test_recovery import owner_of
from tests.processes import wait_until

MOST = 9
KILLS = 3  # real ones; those before stand in the record


def test_a_job_that_dies_in_its_first_epoch_fails_and_lets_the_others_by(own_stack, jobs):
    worker = own_stack.start_worker()
    own_stack.start_service()
    deadly = own_stack.train(epochs=1, hidden_sizes=[64, 64])["id"]  # takes seconds
    other = own_stack.train(epochs=1, hidden_sizes=[2])["id"]
    jobs.redis.hset(f"job:{deadly}", "deaths", MOST - KILLS)
    for fence in range(1, KILLS + 1):
        wait_until(
            lambda name=f"e0-s0-f{fence}": jobs.redis.hget(f"job:{deadly}", "checkpoint") == name,
            what=f"attempt {fence} to store where it starts",
        )
        os.kill(owner_of(jobs, deadly)["pid"], signal.SIGKILL)
    job = own_stack.wait_for(deadly)
    assert (job["status"], job["attempts"]) == ("failed", KILLS)
    assert "died 9 times without reaching a new checkpoint" in job["error"]["detail"]
    assert f"job {deadly}: the process of attempt {KILLS} is dead" in worker.log.read_text()
    assert own_stack.job(other)["attempts"] == 1
    assert own_stack.job(other)["finished_at"] < job["finished_at"]
