"""Every job and epoch is counted exactly once, by the script that makes the transition."""

import time

import pytest

from jobs.watch import Death
from stepbox.training.presets import RECIPES
from stepbox.training.report import HistoryEntry

OWNER = {"pid": 1}
NO_RECOVERIES = {"process": 0, "memory": 0, "stop": 0, "store": 0, "lease": 0}


def submit(jobs, recipe="mnist-numpy", **options):
    return jobs.submit(RECIPES[recipe], samples=60000, queue_limit=100, **options)


def epoch(number, seconds):
    figures = {"epoch": number, "test_loss": 1.0, "test_accuracy": 0.5, "seconds": seconds}
    return dict.fromkeys(HistoryEntry.model_fields) | figures


def test_all_counters_start_at_zero(jobs):
    measures = jobs.measure()
    assert measures.jobs == {
        "queued": 0, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    assert (measures.submitted, measures.oldest_age_s, measures.workers) == (0, 0, 0)
    assert measures.recoveries == NO_RECOVERIES
    assert measures.epochs == {}


def test_jobs_are_counted_by_status_and_a_repeated_finish_counts_once(jobs):
    ids = [submit(jobs).id for _ in range(5)]
    jobs.cancel(ids[0])
    for status in ("succeeded", "failed"):
        claim = jobs.claim(OWNER, "w")
        assert jobs.finish(claim, status) == jobs.finish(claim, status) == "finished"
    jobs.claim(OWNER, "w")
    measures = jobs.measure()
    assert measures.jobs == dict.fromkeys(measures.jobs, 1)
    assert measures.submitted == 5


def test_the_age_of_the_oldest_queued_job_is_measured(jobs):
    oldest = submit(jobs)
    time.sleep(0.2)
    submit(jobs)
    age = jobs.measure().oldest_age_s
    assert 0.2 <= age <= time.time() - oldest.created_at.timestamp()


def test_no_age_is_negative(jobs):
    """A job may have been created in the future, if the clock was set back since."""
    jobs.redis.hincrbyfloat(f"job:{submit(jobs).id}", "created_at", 1000)
    assert jobs.measure().oldest_age_s == 0


def test_each_trained_epoch_counts_once_and_epoch_0_does_not_count(jobs):
    submit(jobs)
    claim = jobs.claim(OWNER, "w")
    for number, seconds in ((0, 0.0), (1, 0.2), (1, 99), (2, 2.5), (2, 2.5), (3, 5000)):
        jobs.report(claim, epoch=epoch(number, seconds))
    jobs.finish(claim, "succeeded")
    submit(jobs, "fashion-mnist-torch")
    jobs.report(jobs.claim(OWNER, "w"), epoch=epoch(1, 4))

    measures = jobs.measure()
    numpy, torch = measures.epochs["numpy"], measures.epochs["torch"]
    assert numpy.seconds == pytest.approx(5002.7)
    assert numpy.samples == 3 * 60000
    assert numpy.pace == pytest.approx(60000 / 5000)
    assert dict(numpy.buckets) == {
        "0.1": 0, "0.3": 1, "1": 1, "3": 2, "10": 2, "30": 2, "100": 2, "300": 2, "1000": 2,
        "+Inf": 3,
    }  # fmt: skip
    assert [bound for bound, _ in numpy.buckets][-2:] == ["1000", "+Inf"]
    assert (torch.seconds, torch.samples, torch.pace) == (4, 60000, 15000)


def test_a_recovered_job_counts_once_under_its_cause(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    for _ in range(3):
        jobs.reap("w", {}, [(id, claim.fence)])
    assert jobs.measure().recoveries == {**NO_RECOVERIES, "process": 1}

    claim = jobs.claim(OWNER, "w")
    for _ in range(3):
        jobs.reap("w", {}, [Death(id, claim.fence, "lease", "0")])
    measures = jobs.measure()
    assert measures.recoveries == {**NO_RECOVERIES, "process": 1, "lease": 1}
    assert measures.workers == 1


def test_a_cancelled_job_of_a_dead_worker_counts_as_no_recovery(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.cancel(id)
    jobs.reap("w", {}, [(id, claim.fence)])
    measures = jobs.measure()
    assert measures.recoveries == NO_RECOVERIES
    assert measures.jobs["cancelled"] == 1
