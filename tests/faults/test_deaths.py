"""A job that kills its worker processes fails, and does not block other jobs."""

import os
import signal

from tests.faults.test_recovery import owner_of
from tests.processes import wait_until

MOST = 9
KILLS = 3  # by this test, which writes the other deaths into the record


def test_a_job_that_dies_in_its_first_epoch_fails_after_other_jobs_have_run(own_stack, jobs):
    worker = own_stack.start_worker()
    own_stack.start_service()
    # An epoch takes minutes, so each process dies in the first one, however late it is killed.
    deadly = own_stack.train(epochs=1, hidden_sizes=[1024, 1024], batch_size=1)["id"]
    other = own_stack.train(epochs=1, hidden_sizes=[2])["id"]
    jobs.redis.hset(f"job:{deadly}", "deaths", MOST - KILLS)
    for fence in range(1, KILLS + 1):
        wait_until(
            lambda name=f"e0-s0-f{fence}": jobs.redis.hget(f"job:{deadly}", "checkpoint") == name,
            what=f"the first checkpoint of attempt {fence}",
        )
        os.kill(owner_of(jobs, deadly)["pid"], signal.SIGKILL)
    job = own_stack.wait_for(deadly)
    assert (job["status"], job["attempts"]) == ("failed", KILLS)
    assert "died 9 times without reaching a new checkpoint" in job["error"]["detail"]
    assert f"job {deadly}: the process of attempt {KILLS} is dead" in worker.log.read_text()
    assert own_stack.job(other)["attempts"] == 1
    assert own_stack.job(other)["finished_at"] < job["finished_at"]
