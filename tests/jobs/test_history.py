"""The history is stored in a short form. Each status event is read with its part of the history."""

import json

import pytest

from jobs.compact import NAMES
from tests.jobs.test_job_store import OWNER, PROGRESS, entry, events, loss, submit

NUMBERS = [0.0, 0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, 1e23, 123456789.12345679]


@pytest.fixture
def claim(jobs):
    submit(jobs)
    return jobs.claim(OWNER, "w")


def histories(jobs, id):
    """Return the epochs in the history of each status event."""
    return [
        [epoch["epoch"] for epoch in json.loads(event.data)["history"]]
        for event in events(jobs, id)
        if event.type == "status"
    ]


def test_numbers_are_read_back_unchanged(jobs, claim):
    reported = [
        {**entry(epoch), "test_loss": number, "seconds": number}
        for epoch, number in enumerate(NUMBERS)
    ]
    for epoch in reported:
        jobs.report(claim, {**PROGRESS, "fraction": 1 / 3}, epoch)
    assert [epoch.model_dump() for epoch in jobs.get(claim.job).history] == reported
    seen = events(jobs, claim.job)
    assert [event.data for event in seen if event.type == "epoch"] == list(
        map(json.dumps, reported)
    )
    progress = json.dumps({**PROGRESS, "fraction": 1 / 3})
    assert {event.data for event in seen if event.type == "progress"} == {progress}


def test_each_status_event_has_the_history_of_its_time(jobs, claim):
    id = claim.job
    jobs.start(claim, "cpu")
    for epoch in (0, 1):
        jobs.report(claim, epoch=entry(epoch))
    jobs.reap("w", {}, [(id, claim.fence)])
    claim = jobs.claim(OWNER, "w")
    for epoch in (1, 2, 3):  # continues from the last checkpoint
        jobs.report(claim, epoch=entry(epoch))
    jobs.finish(claim, "succeeded")
    jobs.report(claim, epoch=entry(4))  # too late: the job has finished
    assert histories(jobs, id) == [[], [], [], [0, 1], [0, 1], [0, 1, 2, 3]]
    assert [epoch.epoch for epoch in jobs.get(id).history] == [0, 1, 2, 3]


def test_a_status_event_does_not_store_the_history(jobs, claim):
    id = claim.job
    for epoch in range(100):
        jobs.report(claim, epoch=entry(epoch))
    jobs.finish(claim, "succeeded")
    (_, last), *_ = jobs.redis.xrevrange(f"events:{id}", count=1)
    assert last["type"] == "status"
    assert len(last["record"]) < 2000


def test_a_job_of_an_earlier_version_continues(jobs, claim):
    """Earlier versions stored epochs as fields of the record, and events as JSON objects."""
    id = claim.job
    jobs.redis.hset(f"job:{id}", mapping={f"epoch:{n}": json.dumps(entry(n)) for n in (1, 0)})
    jobs.redis.xadd(f"events:{id}", {"type": "epoch", "data": json.dumps(entry(0))})
    jobs.redis.xadd(f"events:{id}", {"type": "epoch", "data": json.dumps(entry(1))})
    jobs.redis.xadd(f"events:{id}", {"type": "progress", "data": json.dumps(PROGRESS)})
    jobs.reap("w", {}, [(id, claim.fence)])
    claim = jobs.claim(OWNER, "w")
    for epoch in (1, 2, 3):
        jobs.report(claim, PROGRESS, entry(epoch))
    jobs.finish(claim, "succeeded")

    assert [epoch.model_dump() for epoch in jobs.get(id).history] == list(map(entry, range(4)))
    assert histories(jobs, id) == [[], [], [0, 1], [0, 1], [0, 1, 2, 3]]
    for kind, expected in (("epoch", list(map(entry, range(4)))), ("progress", [PROGRESS] * 4)):
        assert [json.loads(one.data) for one in events(jobs, id) if one.type == kind] == expected


def test_the_short_form_has_all_fields_of_a_job(jobs, claim):
    jobs.report(claim, PROGRESS, entry(0), losses=[loss(1000)])
    job = jobs.get(claim.job).to_json()
    assert NAMES["loss"] == tuple(job["losses"][0])
    assert NAMES["epoch"] == tuple(job["history"][0])
    assert NAMES["progress"] == tuple(job["progress"])


def test_a_short_form_of_an_earlier_version_is_read(jobs, claim):
    """Its arrays have no values for the fields that were added later."""
    jobs.report(claim, PROGRESS, entry(0))
    whole = json.loads(jobs.redis.lindex(f"history:{claim.job}", 0))
    jobs.redis.lset(f"history:{claim.job}", 0, json.dumps(whole[:5]))

    (read,) = jobs.get(claim.job).history
    assert list(read.model_dump().values()) == [*whole[:5], *[None] * 5]
