"""Lists of jobs: by status, from any cursor, and of jobs that earlier versions created."""

import threading
from collections import defaultdict
from typing import get_args

import pytest

from jobs import reader as job_reader
from jobs.record import Status
from jobs.store import JobStore
from stepbox.errors import NotFoundError
from tests.jobs.test_job_store import OWNER, submit

STATUSES = get_args(Status)
ADDED = [f"jobs:status:{status}" for status in STATUSES]  # earlier versions do not have these keys


def walk(jobs, limit=2, **options):
    """List the ids of all pages."""
    ids, after = [], None
    while True:
        page, after = jobs.page(limit=limit, after=after, **options)
        ids += [job.id for job in page]
        if after is None:
            return ids


def by_status(jobs):
    """List the jobs of each status from their records, for comparison with the status lists."""
    found = defaultdict(list)
    for job in jobs.page(limit=1000)[0]:
        found[job.status].append(job.id)
    return {status: found[status] for status in STATUSES}


def lists(jobs):
    return {status: walk(jobs, status=status) for status in STATUSES}


def finish(jobs, status):
    claim = jobs.claim(OWNER, "w")
    jobs.finish(claim, status)
    return claim.job


@pytest.fixture
def some_of_each(jobs):
    """Create jobs of every status in mixed order."""
    for _ in range(4):
        for _ in range(5):
            submit(jobs)
        for status in ("succeeded", "failed", "cancelled"):
            finish(jobs, status)
        jobs.claim(OWNER, "w")
    return by_status(jobs)


def test_every_transition_updates_the_lists(jobs):
    def check():
        assert lists(jobs) == by_status(jobs)
        assert not jobs.redis.exists("jobs:indexed")
        assert jobs._run("index", 10) == 0  # the lists need no rebuild

    submitted = [submit(jobs).id for _ in range(4)]
    check()
    claim = jobs.claim(OWNER, "w")
    check()
    jobs.reap("w", {}, [(claim.job, claim.fence)])
    check()
    jobs.finish(jobs.claim(OWNER, "w"), "succeeded")
    check()
    jobs.cancel(submitted[3])
    check()
    claim = jobs.claim(OWNER, "w")
    jobs.cancel(claim.job)
    check()
    jobs.reap("w", {}, [(claim.job, claim.fence)])
    check()
    for _ in range(9):
        claim = jobs.claim(OWNER, "w")
        jobs.reap("w", {}, [(claim.job, claim.fence)])
    check()
    assert [len(ids) for ids in lists(jobs).values()] == [0, 0, 1, 1, 2]


def test_a_list_can_continue_after_a_job_of_any_status(jobs, some_of_each):
    everything = walk(jobs)
    for place, id in enumerate(everything):
        for status, ids in some_of_each.items():
            page, _ = jobs.page(status=status, limit=100, after=id)
            older = everything[place + 1 :]
            assert [job.id for job in page] == [one for one in ids if one in older]


def test_a_cursor_stays_valid_when_the_jobs_of_its_page_change(jobs, some_of_each):
    page, cursor = jobs.page(status="queued", limit=2)
    for job in page:
        jobs.cancel(job.id)
    rest, _ = jobs.page(status="queued", limit=100, after=cursor)
    assert [job.id for job in rest] == some_of_each["queued"][2:]


def test_a_list_reads_only_the_records_that_it_returns(jobs, some_of_each):
    def records_read():
        return jobs.redis.info("commandstats")["cmdstat_hgetall"]["calls"]

    before = records_read()
    jobs.page(status="failed", limit=3)
    assert records_read() == before + 3 + 2  # and twice the number of queued jobs by class


@pytest.mark.parametrize("after", ["", "nowhere", "-1", "1.5", "١", "1234567890123456"])
def test_an_invalid_cursor_is_rejected(jobs, after):
    submit(jobs)
    for status in (None, "queued"):
        with pytest.raises(NotFoundError, match="given as 'after'"):
            jobs.page(status=status, after=after)


def test_jobs_of_an_earlier_version_are_listed(jobs, some_of_each, monkeypatch):
    monkeypatch.setattr(job_reader, "INDEXED_AT_ONCE", 3)
    jobs.redis.delete(*ADDED)
    assert walk(jobs, status="succeeded") == some_of_each["succeeded"]
    assert lists(jobs) == some_of_each
    assert jobs._run("index", 3) == 0


def test_changes_by_an_earlier_version_are_listed(jobs, some_of_each):
    """Earlier versions update only the record, the queue and the leases."""
    running, queued = some_of_each["running"][0], some_of_each["queued"][0]
    jobs.redis.zrem("jobs:leases", running)
    jobs.redis.hset(f"job:{running}", "status", "succeeded")
    assert running in walk(jobs, status="succeeded")
    jobs.redis.zrem("jobs:queued", queued)
    jobs.redis.hset(f"job:{queued}", "status", "cancelled")
    assert lists(jobs) == by_status(jobs)


def test_clients_can_rebuild_the_lists_together_while_jobs_change(jobs, some_of_each, monkeypatch):
    monkeypatch.setattr(job_reader, "INDEXED_AT_ONCE", 1)
    jobs.redis.delete(*ADDED)
    failed = some_of_each["failed"]
    seen = []

    def work():
        for _ in range(20):
            submit(jobs)
            finish(jobs, "succeeded")

    def list_failed():
        seen.append(walk(JobStore(jobs.redis), status="failed"))

    threads = [threading.Thread(target=target) for target in (work, work, *[list_failed] * 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [failed] * 6
    assert lists(jobs) == by_status(jobs)
    assert not jobs.redis.exists("jobs:indexed")
