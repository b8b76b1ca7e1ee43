"""A draining worker takes no job, and gives back the one that it runs."""

import pytest

from jobs.watch import Death
from stepbox.errors import ConflictError, NotFoundError
from tests.jobs.test_job_store import OWNER, PROGRESS, entry, submit
from tests.jobs.test_measures import NO_RECOVERIES

OLD = {"name": "w", "device": {"name": "cpu", "detail": ""}, "versions": {}, "stalled": None}
ABOUT = OLD | {"schema": 2}


def beat(jobs, name="w", dead=()):
    return jobs.reap(name, {**ABOUT, "name": name}, dead)


def draining(jobs):
    return {one["name"]: one["draining"] for one in jobs.workers()}


def test_a_draining_worker_gives_its_job_back_and_takes_none(jobs):
    first, second = submit(jobs).id, submit(jobs).id
    beat(jobs)
    claim = jobs.claim(OWNER, "w")
    assert jobs.report(claim, PROGRESS, entry(1), "e1-s0-f1") == "go on"
    assert jobs.drain("w") == {**ABOUT, "draining": True}

    job = jobs.get(first)
    assert (job.status, job.queue_position, job.attempts) == ("queued", 0, 1)
    assert jobs.report(claim, PROGRESS, entry(2), "e2-s0-f1") == "lost"
    assert jobs.finish(claim, "succeeded") == "lost"
    measures = jobs.measure()
    assert measures.recoveries == NO_RECOVERIES | {"stop": 1}
    assert (measures.workers, measures.draining) == (1, 1)
    assert jobs.redis.hget(f"job:{first}", "deaths") is None
    assert jobs.claim(OWNER, "w") is None
    assert beat(jobs).draining

    other = jobs.claim(OWNER, "v")
    assert (other.job, other.checkpoint) == (first, "e1-s0-f1")
    assert jobs.claim(OWNER, "v").job == second


def test_only_the_named_worker_gives_its_job_back(jobs):
    ids = [submit(jobs).id for _ in range(2)]
    for name in ("w", "v"):
        beat(jobs, name)
        jobs.claim(OWNER, name)
    jobs.drain("v")
    assert [jobs.get(id).status for id in ids] == ["running", "queued"]
    assert draining(jobs) == {"w": False, "v": True}


def test_a_draining_worker_still_requeues_lost_jobs(jobs):
    id = submit(jobs).id
    beat(jobs)
    jobs.claim(OWNER, "v")
    jobs.drain("w")
    assert jobs.claim(OWNER, "w", [Death(id, "1")]) is None
    assert jobs.get(id).status == "queued"


@pytest.mark.parametrize("decide", [False, True])
def test_a_cancelled_job_ends_and_a_decided_one_is_published_by_another_worker(jobs, decide):
    id = submit(jobs).id
    beat(jobs)
    claim = jobs.claim(OWNER, "w")
    if decide:
        jobs.decide(claim, "m-1", peak_memory=1, better_than_guessing=None)
    jobs.cancel(id)
    jobs.drain("w")
    assert jobs.get(id).status == ("queued" if decide else "cancelled")
    if decide:
        assert jobs.claim(OWNER, "v").result == "m-1"


@pytest.mark.parametrize("again", ["resumed", "started"])
def test_a_worker_takes_jobs_again_when_it_is_resumed_or_started(jobs, again):
    submit(jobs)
    beat(jobs)
    jobs.drain("w")
    jobs.drain("w")  # a repeated request changes nothing
    assert draining(jobs) == {"w": True}
    if again == "resumed":
        assert jobs.drain("w", draining=False) == {**ABOUT, "draining": False}
    else:
        jobs.begin("w")
    assert draining(jobs) == {"w": False}
    assert not beat(jobs).draining
    assert jobs.claim(OWNER, "w")


def test_a_worker_of_version_0_2_0_cannot_drain(jobs):
    id = submit(jobs).id
    jobs.reap("w", OLD, [])
    jobs.claim(OWNER, "w")
    with pytest.raises(ConflictError, match="the worker 'w' is too old to drain"):
        jobs.drain("w")
    assert draining(jobs) == {"w": False}
    assert jobs.get(id).status == "running"


@pytest.mark.parametrize("flag", [True, False])
def test_only_a_worker_that_is_alive_can_drain(jobs, flag):
    beat(jobs, "v")
    with pytest.raises(NotFoundError, match="no worker named 'w' is alive"):
        jobs.drain("w", draining=flag)
    assert not jobs.redis.exists("workers:draining")


def test_a_drain_survives_a_restart_of_redis(own_stack, redis_process, jobs):
    beat(jobs)
    jobs.drain("w")
    redis_process.kill_group()
    own_stack.start_redis()
    beat(jobs)  # the last one may be too old by now
    assert draining(jobs) == {"w": True}
