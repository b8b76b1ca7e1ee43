"""A few workers watch the leases of all jobs, and each worker the processes beside it."""

import time

import pytest

from tests.jobs.test_turns import submit
from worker.leases import Leases
from worker.owner import this_process


def keep_places(jobs):
    """Let all watchers keep their places, however slow the disk is.

    A heartbeat counts if it is less than 2 s old, or less than 2 s in the future.
    """
    if names := jobs.redis.zrange("workers:watching", 0, -1):
        jobs.redis.zadd("workers:watching", dict.fromkeys(names, time.time() + 1.5), xx=True)


def watches(jobs, worker, machine):
    """Tell whether a worker watches; all others keep their places."""
    keep_places(jobs)
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


def pass_time(jobs, seconds):
    """Let the places of the watchers become older."""
    for name in jobs.redis.zrange("workers:watching", 0, -1):
        jobs.redis.zincrby("workers:watching", -seconds, name)


def round_of(jobs, leases, worker, machine):
    """Do what the reaper of a worker does about leases in one round."""
    dead = leases.expired(jobs.beats()) if leases.watched else []
    leases.watch(has_place=jobs.reap(worker, {}, dead, machine).watching)
    return dead


def test_the_job_of_a_lost_machine_is_found_if_all_watchers_are_lost_with_it(jobs):
    submit(jobs)
    claim = jobs.claim(this_process(), "a0")
    for machine in "ab":
        for number in range(4):
            assert watches(jobs, f"{machine}{number}", machine)
    leases = Leases()
    for _ in range(2):  # one round each second
        keep_places(jobs)
        assert round_of(jobs, leases, "c", "c") == []
    lost = jobs.redis.zrange("workers:watching", 0, -1)
    jobs.redis.zadd("workers:watching", dict.fromkeys(lost, time.time() - 2), xx=True)
    for _ in range(12):  # the first is up to 3 s after the machines are lost, so it takes 14 s
        assert jobs.get(claim.job).status == "running"
        round_of(jobs, leases, "c", "c")
    assert jobs.get(claim.job).status == "queued"


def test_lost_jobs_are_found_even_if_no_worker_keeps_its_place(jobs):
    """Each round of the workers takes 4 s."""
    submit(jobs)
    claim = jobs.claim(this_process(), "gone")
    workers = {f"w{number}": Leases() for number in range(40)}
    for _ in range(20):
        for number, (worker, leases) in enumerate(workers.items()):
            pass_time(jobs, 4 / len(workers))
            round_of(jobs, leases, worker, f"{number % 10}")
    assert jobs.get(claim.job).status == "queued"


def test_the_jobs_beside_a_process_are_found_and_those_of_version_0_2_0(jobs):
    here = this_process()
    elsewhere = {**here, "pid_namespace": "elsewhere"}
    for _ in range(3):
        submit(jobs)
    mine, old, _ = (jobs.claim(owner, "w") for owner in (here, here, elsewhere))
    jobs.redis.zadd("jobs:leases", {old.job: 0})
    assert {job for job, _, _ in jobs.owners(beside=here)} == {mine.job, old.job}
    assert len(jobs.owners()) == 3


def runs(jobs, worker):
    return jobs.reap(worker, {}, []).runs_last_claim


def test_a_worker_knows_whether_it_runs_its_last_claim(jobs):
    submit(jobs)
    assert not runs(jobs, "w")
    claim = jobs.claim(this_process(), "w")
    assert runs(jobs, "w")
    assert not runs(jobs, "other")
    jobs.finish(claim, "succeeded")
    assert not runs(jobs, "w")


@pytest.mark.parametrize("clock_s", [-61, 3600])
def test_a_worker_that_was_not_seen_for_long_still_runs_its_claim(jobs, clock_s):
    """Redis was away, or its clock was set."""
    submit(jobs)
    claim = jobs.claim(this_process(), "late")
    assert runs(jobs, "late")
    jobs.redis.zadd("workers:seen", {"late": time.time() + clock_s})
    assert not runs(jobs, "other")
    assert runs(jobs, "late")
    jobs.redis.zadd("workers:seen", {"late": time.time() + clock_s})
    jobs.reap("other", {}, [(claim.job, claim.fence, "process", "")])
    runs(jobs, "other")
    for key in ("workers", "workers:claimed"):
        assert jobs.redis.hkeys(key) == ["other"]  # the other one is forgotten
