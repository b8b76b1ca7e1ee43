import signal
import threading
import time

import pytest

from stepbox.training.presets import RECIPES
from tests.jobs.test_job_store import PROGRESS, entry, loss
from tests.processes import PATIENCE_S, wait_until
from worker import reporter as reporting
from worker.reporter import JobCancelledError, LeaseLostError, Reporter


@pytest.fixture
def claim(jobs):
    jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=10)
    return jobs.claim({"pid": 1}, "w")


def test_all_epochs_are_stored_in_order_and_the_latest_progress(jobs, claim):
    with Reporter(jobs, claim) as reporter:
        for epoch in range(4):
            reporter.progress({**PROGRESS, "samples": 1000 * epoch})
            reporter.point(entry(epoch), None)
        reporter.flush()
        job = jobs.get(claim.job)
    assert [one.epoch for one in job.history] == [0, 1, 2, 3]
    assert job.progress.samples == 3000


def test_many_progress_reports_make_few_events(jobs, claim, monkeypatch):
    monkeypatch.setattr(reporting, "PERIOD_S", 3600)
    with Reporter(jobs, claim) as reporter:
        for samples in range(1000):
            reporter.progress({**PROGRESS, "samples": samples})
    types = [fields["type"] for _, fields in jobs.redis.xrange(f"events:{claim.job}")]
    assert types.count("progress") == 1
    assert jobs.get(claim.job).progress.samples == 999


def test_all_losses_are_stored_before_a_later_checkpoint(jobs, claim):
    with Reporter(jobs, claim) as reporter:
        for number in range(1, 301):
            reporter.loss(loss(1000 * number))
            if number % 100 == 0:
                reporter.point(entry(number // 100), f"e{number // 100}-s0-f1")
        reporter.flush()
        assert [one.samples for one in jobs.get(claim.job).losses] == list(
            range(1000, 301000, 1000)
        )
    data = [(f["type"], f["data"]) for _, f in jobs.redis.xrange(f"events:{claim.job}")[2:]]
    for epoch in (1, 2, 3):
        place = next(i for i, (kind, text) in enumerate(data) if text.startswith(f"[{epoch},"))
        seen = [text for kind, text in data[:place] if kind == "loss"]
        assert len(seen) >= 100 * epoch


def test_losses_are_stored_at_the_end_without_a_point(jobs, claim):
    with Reporter(jobs, claim) as reporter:
        reporter.loss(loss(1000))
    assert [one.model_dump() for one in jobs.get(claim.job).losses] == [loss(1000)]


def test_a_cancel_stops_the_training(jobs, claim):
    with Reporter(jobs, claim) as reporter:
        jobs.cancel(claim.job)
        with pytest.raises(JobCancelledError):
            wait_until(reporter.check)


def test_a_lost_lease_stops_the_training(jobs, claim):
    with Reporter(jobs, claim) as reporter:
        jobs.reap("w", {}, [(claim.job, claim.fence)])

        def report():
            reporter.point(entry(0), None)  # raises it if the thread already knows
            reporter.flush()

        with pytest.raises(LeaseLostError):
            report()
    assert jobs.get(claim.job).history == []


def test_the_training_continues_while_redis_is_down(jobs, claim, redis_process, own_stack):
    with Reporter(jobs, claim) as reporter:
        redis_process.stop(signal.SIGKILL)
        started = time.monotonic()
        for epoch in range(3):
            reporter.point(entry(epoch), None)
        assert time.monotonic() - started < 20  # none of the calls waits for Redis
        flushed = threading.Thread(target=reporter.flush)
        flushed.start()
        flushed.join(1.5)
        assert flushed.is_alive()
        own_stack.start_redis()
        flushed.join(PATIENCE_S)
        assert not flushed.is_alive()
    assert [one.epoch for one in jobs.get(claim.job).history] == [0, 1, 2]
