"""The history of a job: stored in a short form, and told exactly as it was at each moment."""

import json

import pytest

from jobs.compact import NAMES
from tests.jobs.test_job_store import OWNER, PROGRESS, entry, events, submit

NUMBERS = [0.0, 0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, 1e23, 123456789.12345679]


@pytest.fixture
def claim(jobs):
    submit(jobs)
    return jobs.claim(OWNER, "w")


def histories(jobs, id):
    """Give the history that each status event tells."""
    return [
        [epoch["epoch"] for epoch in json.loads(event.data)["history"]]
        for event in events(jobs, id)
        if event.type == "status"
    ]


def test_numbers_come_back_as_they_were(jobs, claim):
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
    told = json.dumps({**PROGRESS, "fraction": 1 / 3})
    assert {event.data for event in seen if event.type == "progress"} == {told}


def test_each_status_tells_the_history_as_it_was(jobs, claim):
    id = claim.job
    jobs.start(claim, "cpu")
    for epoch in (0, 1):
        jobs.report(claim, epoch=entry(epoch))
    jobs.reap("w", {}, [(id, claim.fence)])
    claim = jobs.claim(OWNER, "w")
    for epoch in (1, 2, 3):  # from the last checkpoint on
        jobs.report(claim, epoch=entry(epoch))
    jobs.finish(claim, "succeeded")
    jobs.report(claim, epoch=entry(4))  # comes too late
    assert histories(jobs, id) == [[], [], [], [0, 1], [0, 1], [0, 1, 2, 3]]
    assert [epoch.epoch for epoch in jobs.get(id).history] == [0, 1, 2, 3]


def test_a_status_does_not_hold_the_history(jobs, claim):
    id = claim.job
    for epoch in range(100):
        jobs.report(claim, epoch=entry(epoch))
    jobs.finish(claim, "succeeded")
    (_, last), *_ = jobs.redis.xrevrange(f"events:{id}", count=1)
    assert last["type"] == "status"
    assert len(last["record"]) < 2000


def test_a_job_of_an_earlier_version_goes_on(jobs, claim):
    """It kept each epoch as a field of the record, and told everything with its names."""
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


def test_the_short_form_names_all_that_is_told(jobs, claim):
    jobs.report(claim, PROGRESS, entry(0))
    told = jobs.get(claim.job).to_json()
    assert NAMES["epoch"] == tuple(told["history"][0])
    assert NAMES["progress"] == tuple(told["progress"])
