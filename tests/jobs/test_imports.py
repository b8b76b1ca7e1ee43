"""Jobs of kind `import`: their records, transitions and events."""

import json

import pytest

from jobs.events import read_events
from jobs.submission import QueueFullError
from jobs.watch import Death
from stepbox.errors import ConflictError, InvalidInputError
from stepbox.importing.options import ImportOptions, ImportProgress
from stepbox.training.presets import RECIPES

OWNER = {"pid": 1}
OPTIONS = ImportOptions(name="leaves", test=0.1, size=32)
PROGRESS = {
    "stage": "converting",
    "samples": 30,
    "samples_total": None,
    "fraction": 1 / 3,
    "eta_seconds": 4.5,
}


def submit(jobs, id="1" * 16, options=OPTIONS, **others):
    given = {"content_type": "application/zip", "upload_bytes": 1000, "queue_limit": 9, **others}
    return jobs.submit_import(options, id=id, **given)


def train(jobs, **others):
    return jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=9, **others)


def decide(jobs, claim):
    return jobs.decide_import(claim, "d-0123456789ab", staged=place_of(claim))


def place_of(claim):
    return f"d-0123456789ab/{claim.job}-{claim.fence}"


def test_a_new_import_is_queued_and_has_all_its_fields(jobs):
    job = submit(jobs, request_id="r")
    assert (job.id, job.kind, job.status, job.queue_position) == ("1" * 16, "import", "queued", 0)
    assert job.upload.model_dump() == {
        **OPTIONS.model_dump(),
        "content_type": "application/zip",
        "bytes": 1000,
    }
    assert job.progress == ImportProgress(
        stage="reading", samples=0, samples_total=None, fraction=0, eta_seconds=None
    )
    assert (job.recipe, job.model, job.dataset, job.device) == (None, None, None, None)
    assert (job.history, job.losses, job.samples_per_second) == ([], [], None)
    assert job.request_id == "r"
    assert jobs.get(job.id) == job


def test_a_training_has_its_kind_and_no_upload(jobs):
    job = train(jobs)
    assert (job.kind, job.upload, job.dataset) == ("train", None, None)
    jobs.redis.hdel(f"job:{job.id}", "kind")  # as in records of earlier versions
    assert jobs.get(job.id) == job
    claim = jobs.claim(OWNER, "w")
    assert (claim.kind, claim.recipe, claim.upload) == ("train", job.recipe, None)


def test_imports_and_trainings_wait_in_one_queue(jobs):
    ids = [train(jobs).id, submit(jobs).id, train(jobs).id]
    assert [job.id for job in jobs.page()[0]] == ids[::-1]
    claims = [jobs.claim(OWNER, "w") for _ in ids]
    assert [claim.job for claim in claims] == ids
    assert (claims[1].kind, claims[1].recipe) == ("import", None)
    assert claims[1].upload == jobs.get(ids[1]).upload
    with pytest.raises(QueueFullError):
        submit(jobs, id="2" * 16, queue_limit=0)


def test_unfinished_jobs_say_what_they_will_publish(jobs):
    assert jobs.unfinished() == {}
    first, second, third = (submit(jobs, id=f"{n}" * 16).id for n in range(3))
    trained = train(jobs).id
    claims = [jobs.claim(OWNER, "w") for _ in range(2)]
    decide(jobs, claims[0])
    expected = {first: place_of(claims[0]), second: None, third: None, trained: None}
    assert jobs.unfinished() == expected
    dead = [Death(job, fence, "process", "") for job, fence, _ in jobs.owners()]
    jobs.reap("w", {}, dead)
    assert jobs.unfinished() == expected  # queued again
    jobs.finish(jobs.claim(OWNER, "w"), "succeeded")
    jobs.cancel(third)
    again = [jobs.claim(OWNER, "w") for _ in range(2)]
    jobs.decide(again[1], "m-0123456789ab", peak_memory=1, better_than_guessing=None)
    assert jobs.unfinished() == {second: None, trained: "m-0123456789ab"}
    for status in ("queued", "running"):
        jobs.redis.delete(f"jobs:status:{status}")  # as after an upgrade
    assert jobs.unfinished() == {second: None, trained: "m-0123456789ab"}


def test_an_idempotency_key_creates_one_import(jobs):
    first = submit(jobs, idempotency_key="a")
    again = submit(jobs, id="2" * 16, content_type="text/csv", idempotency_key="a")
    assert again.id == first.id
    for other in ({"upload_bytes": 1001}, {"options": OPTIONS.model_copy(update={"seed": 1})}):
        with pytest.raises(InvalidInputError, match=f"for job {first.id}"):
            submit(jobs, id="3" * 16, idempotency_key="a", **other)
    with pytest.raises(InvalidInputError, match=f"for job {first.id}"):
        train(jobs, idempotency_key="a")
    assert len(jobs.page()[0]) == 1


def test_progress_is_stored_and_sent(jobs):
    claim = jobs.claim(OWNER, "w") if submit(jobs) else None
    assert jobs.report(claim, PROGRESS) == "go on"
    assert jobs.get(claim.job).progress.model_dump() == PROGRESS
    events = read_events(jobs, claim.job)
    assert [event.type for event in events] == ["status", "status", "progress"]
    assert json.loads(events[-1].data) == PROGRESS
    assert [json.loads(event.data)["kind"] for event in events[:2]] == ["import"] * 2


def test_a_data_set_is_shown_only_after_success(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    assert decide(jobs, claim) == "go on"
    assert jobs.get(id).dataset is None
    assert jobs.finish(claim, "succeeded") == "finished"
    job = jobs.get(id)
    assert (job.dataset, job.links.dataset) == ("d-0123456789ab", "/datasets/d-0123456789ab")
    assert (job.model, job.links.model, job.better_than_guessing) == (None, None, None)
    assert json.loads(read_events(jobs, id)[-1].data)["dataset"] == "d-0123456789ab"
    assert jobs.measure().jobs["succeeded"] == 1
    jobs.delete(id)
    assert jobs.page() == ([], None)


def test_a_running_import_is_cancelled_before_the_decision_only(jobs):
    for number in "12":
        submit(jobs, id=number * 16)
    first, second = (jobs.claim(OWNER, "w") for _ in range(2))
    jobs.cancel(first.job)
    assert decide(jobs, first) == "cancel"
    jobs.finish(first, "cancelled")
    assert jobs.get(first.job).status == "cancelled"
    with pytest.raises(ConflictError):
        jobs.cancel(first.job)

    decide(jobs, second)
    jobs.cancel(second.job)
    assert jobs.report(second) == "go on"
    jobs.reap("w", {}, [Death(second.job, second.fence)])
    jobs.cancel(second.job)  # queued again, but decided
    claim = jobs.claim(OWNER, "w")
    assert (claim.job, claim.result) == (second.job, place_of(second))
    assert jobs.finish(claim, "succeeded") == "finished"


def test_a_queued_import_is_cancelled_at_once(jobs):
    assert jobs.cancel(submit(jobs).id).status == "cancelled"
    assert jobs.claim(OWNER, "w") is None


def test_an_attempt_that_was_lost_decides_nothing(jobs):
    submit(jobs)
    stale = jobs.claim(OWNER, "w")
    jobs.reap("w", {}, [Death(stale.job, stale.fence)])
    claim = jobs.claim(OWNER, "w")
    assert (claim.job, claim.result) == (stale.job, None)
    assert decide(jobs, stale) == "lost"
    assert jobs.finish(stale, "succeeded") == "lost"
    assert jobs.get(claim.job).status == "running"


@pytest.mark.parametrize(
    ("cause", "why"), [("process", "perhaps because"), ("memory", "9 times because")]
)
def test_an_import_fails_after_nine_deaths(jobs, cause, why):
    submit(jobs)
    for _ in range(9):
        claim = jobs.claim(OWNER, "w")
        jobs.reap("w", {}, [Death(claim.job, claim.fence, cause)])
    error = jobs.get(claim.job).error
    assert (error.title, error.status) == ("The import failed", 500)
    assert error.detail == (
        f"its worker died 9 times, {why} memory ran out: try a smaller file, or smaller images"
    )


def test_options_of_a_later_version_are_ignored(jobs):
    job = submit(jobs)
    upload = {**job.upload.model_dump(), "rotate": True}
    jobs.redis.hset(f"job:{job.id}", "upload", json.dumps(upload))
    assert jobs.get(job.id) == job
