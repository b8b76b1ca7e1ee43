import json

import pytest

from jobs.events import FIRST, read_events, stream_key
from stepbox.errors import InvalidInputError
from stepbox.training.labels import Labels
from tests.jobs.test_job_store import OWNER, PROGRESS, entry, submit

LABELS = Labels(title="Wide", notes="first\n“second”", tags=("a", "b"))


def statuses(jobs, id, after=FIRST):
    """Read the status events of a job: the id, the status and the title of each."""
    events = [event for event in read_events(jobs, id, after) if event.type == "status"]
    bodies = [json.loads(event.data) for event in events]
    return [
        (event.id, body["status"], body["title"])
        for event, body in zip(events, bodies, strict=True)
    ]


def test_a_job_has_the_labels_of_its_request(jobs):
    job = submit(jobs, labels=LABELS)
    assert job.labels == LABELS
    assert (job.to_json()["title"], job.to_json()["tags"]) == ("Wide", ["a", "b"])
    assert jobs.page()[0] == [job.model_copy(update={"losses": None})]
    assert submit(jobs).labels == Labels() == Labels(title=None, notes="", tags=())


def test_an_idempotency_key_covers_the_labels(jobs):
    job = submit(jobs, labels=LABELS, idempotency_key="key")
    assert submit(jobs, labels=LABELS, idempotency_key="key") == job
    jobs.label(job.id, {"title": "Renamed"}, None)
    assert submit(jobs, labels=LABELS, idempotency_key="key").id == job.id
    for other in (Labels(), Labels(title="Renamed")):
        with pytest.raises(InvalidInputError, match="already used with another body"):
            submit(jobs, labels=other, idempotency_key="key")


def test_a_change_leaves_the_other_labels_as_they_are(jobs):
    id = submit(jobs, labels=LABELS).id
    for changes in ({"tags": ()}, {"title": None, "notes": ""}, {"tags": ("c",)}):
        before = jobs.get(id).labels
        assert jobs.label(id, changes, None) == "changed"
        assert jobs.get(id).labels == before.model_copy(update=changes)
    assert jobs.label("nowhere", {"title": "a"}, None) == "unknown"


def test_a_change_of_a_running_job_is_an_event(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.label(id, {"title": "Running"}, None)
    jobs.report(claim, PROGRESS, entry(0))
    *before, (_, status, title) = statuses(jobs, id)
    assert (status, title) == ("running", "Running")
    assert [(status, title) for _, status, title in before] == [("queued", None), ("running", None)]


def test_labels_cannot_change_while_a_job_publishes_its_model(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.decide(claim, "m-1", peak_memory=1, better_than_guessing=True)
    for model in (None, "m-1"):
        assert jobs.label(id, {"title": "Late"}, model) == "publishing"
    jobs.reap("w", {}, [(id, claim.fence)])  # the next attempt publishes the same model
    assert jobs.get(id).status == "queued"
    assert jobs.label(id, {"title": "Late"}, None) == "publishing"
    jobs.finish(jobs.claim(OWNER, "w"), "succeeded")
    assert jobs.label(id, {"title": "Late"}, None) == "other"
    assert jobs.label(id, {"title": "Late"}, "m-2") == "other"
    assert jobs.get(id).title is None
    assert jobs.label(id, {"title": "Late"}, "m-1") == "changed"
    assert jobs.get(id).title == "Late"


def test_a_job_that_failed_to_publish_has_no_model(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.decide(claim, "m-1", peak_memory=1, better_than_guessing=True)
    jobs.finish(claim, "failed", {})
    assert jobs.label(id, {"title": "Disk full"}, None) == "changed"


def test_the_final_status_has_the_labels_and_stays_the_last_event(jobs):
    id = submit(jobs).id
    jobs.finish(jobs.claim(OWNER, "w"), "failed")
    *_, (final, _, _) = before = statuses(jobs, id)
    lives_until = jobs.redis.expiretime(stream_key(id))
    assert jobs.label(id, {"title": "Failed"}, None) == "changed"
    *earlier, (last, status, title) = statuses(jobs, id)
    assert earlier == before[:-1]
    assert (status, title) == ("failed", "Failed")
    assert statuses(jobs, id, final) == [(last, "failed", "Failed")]
    assert jobs.redis.expiretime(stream_key(id)) == lives_until > 0


def test_a_change_does_not_bring_expired_events_back(jobs):
    id = submit(jobs).id
    jobs.cancel(id)
    jobs.redis.delete(stream_key(id))
    assert jobs.label(id, {"title": "Old"}, None) == "changed"
    assert not jobs.redis.exists(stream_key(id))
    assert [one[1:] for one in statuses(jobs, id)] == [("cancelled", "Old")]
