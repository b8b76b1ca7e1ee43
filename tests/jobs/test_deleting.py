"""Deleting a job removes everything about it, except its model and the counters."""

import pytest

from jobs.events import parse_events, read_events, stream_key
from jobs.record import history_key
from stepbox.errors import ConflictError, NotFoundError
from tests.jobs.test_job_store import OWNER, PROGRESS, entry, loss, submit
from tests.jobs.test_listing import STATUSES, walk


def keys(jobs, id):
    """List the keys that belong to a job, and the sorted sets that contain its id."""
    own = [key for key in jobs.redis.scan_iter() if id in key]
    sets = [
        key for key in jobs.redis.scan_iter(_type="zset") if jobs.redis.zrank(key, id) is not None
    ]
    return sorted(own + sets)


def finished(jobs, status="succeeded", **options):
    submit(jobs, **options)
    claim = jobs.claim(OWNER, "w")
    for epoch in (0, 1):
        jobs.report(claim, PROGRESS, entry(epoch), losses=[loss(1000 + epoch)])
    jobs.finish(claim, status)
    return claim


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_deleting_a_job_removes_its_keys_and_list_entries(jobs, status):
    kept, gone = finished(jobs).job, finished(jobs, status).job
    jobs.delete(gone)
    assert keys(jobs, gone) == [f"events:{gone}"]
    assert 0 < jobs.redis.ttl(f"events:{gone}") <= 60
    assert [walk(jobs, status=status) for status in (None, *STATUSES)] == [
        [kept], [], [], [kept], [], [],
    ]  # fmt: skip
    for call in (jobs.get, jobs.delete, jobs.cancel, lambda id: read_events(jobs, id)):
        with pytest.raises(NotFoundError, match=gone):
            call(gone)


def test_deleting_a_job_with_expired_events_leaves_no_key(jobs):
    id = finished(jobs).job
    jobs.redis.delete(f"events:{id}")
    jobs.delete(id)
    assert keys(jobs, id) == []


def test_a_queued_or_running_job_cannot_be_deleted(jobs):
    id = submit(jobs).id
    for status in ("queued", "running"):
        before = jobs.get(id)
        with pytest.raises(ConflictError, match=f"is {status}: cancel it"):
            jobs.delete(id)
        assert jobs.get(id) == before
        jobs.claim(OWNER, "w")


def test_deleting_an_unknown_job_fails(jobs):
    with pytest.raises(NotFoundError, match="'nowhere'"):
        jobs.delete("nowhere")


def test_events_without_their_history_belong_to_a_deleted_job(jobs):
    """This happens if the job is deleted between the two reads."""
    id = finished(jobs).job
    entries = jobs.redis.xrange(stream_key(id))
    assert parse_events(entries, jobs.redis.lrange(history_key(id), 0, -1), "")[-1].final
    with pytest.raises(NotFoundError, match="just been deleted"):
        parse_events(entries, [], "")


def test_the_worker_of_a_deleted_job_cannot_write(jobs):
    claim = finished(jobs)
    jobs.delete(claim.job)
    assert jobs.report(claim, PROGRESS, entry(2), "e2-s0-f1") == "lost"
    assert jobs.finish(claim, "succeeded") == "lost"
    jobs.reap("w", {}, [(claim.job, claim.fence)])
    assert keys(jobs, claim.job) == [f"events:{claim.job}"]


def test_deleting_a_job_keeps_the_counters(jobs):
    id = finished(jobs).job
    before = jobs.measure()
    jobs.delete(id)
    assert jobs.measure() == before


def test_the_idempotency_key_of_a_deleted_job_creates_a_new_job(jobs):
    first = finished(jobs, idempotency_key="a").job
    jobs.delete(first)
    second = submit(jobs, idempotency_key="a").id
    assert second != first
    assert submit(jobs, idempotency_key="a").id == second


def test_a_cursor_stays_valid_when_jobs_are_deleted(jobs):
    ids = [finished(jobs).job for _ in range(6)]
    seen, cursor = [], None
    while True:
        page, cursor = jobs.page(status="succeeded", limit=2, after=cursor)
        for job in page:
            jobs.delete(job.id)
        seen += [job.id for job in page]
        if cursor is None:
            break
    assert seen == ids[::-1]
    with pytest.raises(NotFoundError, match="given as 'after'"):
        jobs.page(after=ids[0])
