"""Jobs whose workers die: how often they are retried, where they wait, and why they fail."""

import pytest

from jobs.watch import Death
from stepbox.training.presets import RECIPES
from tests.jobs.test_measures import NO_RECOVERIES

OWNER = {"pid": 1}
MOST = 9


def submit(jobs):
    return jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=100).id


def die(jobs, *checkpoints, cause="process"):
    """Claim the first job, report the checkpoints and die; return the job after that."""
    claim = jobs.claim(OWNER, "w")
    for checkpoint in checkpoints:
        assert jobs.report(claim, checkpoint=f"{checkpoint}-f{claim.fence}") == "go on"
    jobs.reap("w", {}, [Death(claim.job, claim.fence, cause)])
    return jobs.get(claim.job)


@pytest.mark.parametrize(
    "reached",
    [(), ("e0-s0",), ("e0-s0", "e0-s500"), ("e2-s0",), ("e2-s0", "e1-s900"), ("e9-s0", "e10-s0")],
)
def test_a_job_without_progress_fails_after_nine_deaths(jobs, reached):
    """Every attempt uses new checkpoint names, but only the first attempt makes progress."""
    submit(jobs)
    deaths = [die(jobs, *reached) for _ in range(MOST)]
    assert [job.status for job in deaths] == ["queued"] * (MOST - 1) + ["failed"]
    assert (deaths[-1].attempts, jobs.claim(OWNER, "w")) == (MOST, None)
    assert "died 9 times" in deaths[-1].error.detail
    assert "perhaps because memory ran out" in deaths[-1].error.detail


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("e0-s0", "e0-s1000"), ("e0-s9000", "e1-s0"), ("e1-s900", "e1-s1000"), ("e9-s0", "e10-s0"),
    ],
)  # fmt: skip
def test_progress_resets_the_number_of_deaths(jobs, before, after):
    submit(jobs)
    for _ in range(MOST - 1):
        die(jobs, before)
    for _ in range(MOST):
        job = die(jobs, before, after)
    assert (job.status, job.attempts) == ("failed", 2 * MOST - 1)


def test_reaching_an_earlier_checkpoint_again_is_no_progress(jobs):
    """This happens if a checkpoint cannot be read, and the training starts again."""
    submit(jobs)
    die(jobs, "e3-s0")
    for _ in range(MOST - 1):
        job = die(jobs, "e0-s0", "e1-s0", "e2-s0")
    assert (job.status, job.attempts) == ("failed", MOST)


def test_a_job_that_dies_twice_goes_to_the_end_of_the_queue(jobs):
    first, second, third = (submit(jobs) for _ in range(3))

    def queue():
        return jobs.redis.zrange("jobs:queued", 0, -1)

    die(jobs)
    assert queue() == [first, second, third]
    die(jobs)
    assert queue() == [second, third, first]
    fourth = submit(jobs)
    assert queue() == [second, third, first, fourth]
    assert jobs.get(first).queue_position == 2
    assert [job.id for job in jobs.page()[0]] == [fourth, third, second, first]

    for id in (second, third):
        jobs.cancel(id)
    die(jobs, "e1-s0")  # makes progress first, so this counts as its first death
    assert queue() == [first, fourth]


def test_the_oldest_queued_job_need_not_be_the_first(jobs):
    first = submit(jobs)
    submit(jobs)
    die(jobs)
    die(jobs)
    assert jobs.get(first).queue_position == 1
    jobs.redis.hincrbyfloat(f"job:{first}", "created_at", -1000)
    assert jobs.measure().oldest_age_s > 1000


def test_the_shutdown_of_a_worker_is_not_a_death(jobs):
    first, _ = submit(jobs), submit(jobs)
    for _ in range(MOST + 1):
        job = die(jobs, cause="stop")
        assert (job.id, job.queue_position) == (first, 0)
    assert jobs.measure().recoveries == NO_RECOVERIES | {"stop": 10}


def test_a_job_that_the_store_refuses_fails_after_nine_times_and_says_why(jobs):
    first, second = submit(jobs), submit(jobs)
    why = "the bucket answers 403 Forbidden (AccessDenied)"
    for number in range(MOST):
        while (claim := jobs.claim(OWNER, "w")).job == second:
            jobs.finish(claim, "succeeded")
        jobs.give_back(claim, refusal=why)
        jobs.give_back(claim, refusal=why)  # repeated, because the first answer was lost
        assert jobs.get(first).status == ("failed" if number == MOST - 1 else "queued")
    assert jobs.get(second).status == "succeeded"
    assert jobs.get(first).error.detail == (
        f"it failed 9 times without reaching a new checkpoint, the last time because {why}"
    )
    assert jobs.measure().recoveries == NO_RECOVERIES | {"store": MOST - 1}


@pytest.mark.parametrize(("kills", "text"), [(1, "1 time because"), (MOST, "9 times because")])
def test_the_error_says_how_often_memory_ran_out(jobs, kills, text):
    submit(jobs)
    die(jobs, cause="memory")  # does not count, because the job makes progress afterwards
    for number in range(MOST):
        job = die(jobs, "e1-s0", cause="memory" if number < kills else "process")
    assert job.status == "failed"
    assert f"{text} memory ran out: try smaller" in job.error.detail
