"""A few workers watch the leases of all jobs, and each worker the processes beside it."""

import time

import pytest

from tests.jobs.test_turns import submit
from worker.owner import this_process


def watches(jobs, worker, machine):
    """Tell whether a worker watches; all others keep their places, however slow the disk is."""
    others = jobs.redis.zrange("workers:watching", 0, -1)
    if others:
        jobs.redis.zadd("workers:watching", dict.fromkeys(others, time.time()), xx=True)
    return jobs.reap(worker, {}, [], machine).watching


def test_a_few_workers_of_several_machines_watch(jobs):
    assert [watches(jobs, f"a{n}", "a") for n in range(6)] == [True] * 4 + [False] * 2
    assert [watches(jobs, f"b{n}", "b") for n in range(3)] == [True] * 3
    assert [watches(jobs, "c", "c"), watches(jobs, "d", "d")] == [True, False]
    assert watches(jobs, "a0", "a")  # as long as it sends heartbeats


@pytest.mark.parametrize("clock_s", [-5, 3600])
def test_a_watcher_without_a_heartbeat_loses_its_place(jobs, clock_s):
    """A heartbeat of the future is one from before the clock of Redis was set back."""
    for number in range(4):
        watches(jobs, f"a{number}", "a")
    assert not watches(jobs, "late", "a")
    jobs.redis.zadd("workers:watching", {"a a2": time.time() + clock_s})
    assert jobs.reap("late", {}, [], "a").watching
    assert not watches(jobs, "a2", "a")


def test_the_jobs_beside_a_process_are_found_and_those_of_version_0_2_0(jobs):
    here = this_process()
    elsewhere = {**here, "pid_namespace": "elsewhere"}
    for _ in range(3):
        submit(jobs)
    mine, old, _ = (jobs.claim(owner, "w") for owner in (here, here, elsewhere))
    jobs.redis.zadd("jobs:leases", {old.job: 0})
    assert {job for job, _, _ in jobs.owners(beside=here)} == {mine.job, old.job}
    assert len(jobs.owners()) == 3


def test_a_worker_knows_whether_it_runs_its_last_claim(jobs):
    submit(jobs)
    assert jobs.reap("w", {}, []).running == 0
    claim = jobs.claim(this_process(), "w")
    assert (jobs.reap("w", {}, []).running, jobs.reap("other", {}, []).running) == (1, 0)
    jobs.finish(claim, "succeeded")
    assert jobs.reap("w", {}, []).running == 0
