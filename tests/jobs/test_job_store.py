import json
import signal
import threading

import pytest

from jobs.events import read_events
from jobs.queue import QUEUE
from jobs.submission import QueueFullError
from jobs.watch import Death
from stepbox.errors import ConflictError, InvalidInputError, NotFoundError
from stepbox.training.presets import RECIPES

RECIPE = RECIPES["mnist-numpy"]
OWNER = {"pid": 1}
PROGRESS = {
    "epoch": 1,
    "epochs": 3,
    "samples": 1000,
    "samples_total": 180000,
    "fraction": 1 / 180,
    "eta_seconds": 9.5,
}


def submit(jobs, **options):
    return jobs.submit(RECIPE, samples=60000, **{"queue_limit": 100, **options})


def entry(epoch):
    return {
        "epoch": epoch,
        "train_loss": 0.1 + 1e-17 * epoch if epoch else None,
        "test_loss": 1 / 3,
        "test_accuracy": 0.9586,
        "seconds": 2.5,
        "validation_loss": 2 / 3,
        "validation_accuracy": 0.95,
        "test_balanced_accuracy": 0.94,
        "test_macro_f1": 0.93,
        "test_top5_accuracy": None,
    }


def loss(samples):
    return {"samples": samples, "train_loss": 1 / (3 + samples)}


def events(jobs, id, after="0-0"):
    return read_events(jobs, id, after)


def test_a_new_job_is_queued_and_has_all_its_fields(jobs):
    job = submit(jobs)
    assert job.status == "queued"
    assert job.recipe == RECIPE
    assert job.queue_position == 0
    assert job.progress.samples_total == 3 * 60000
    assert (job.attempts, job.model, job.error, job.started_at) == (0, None, None, None)
    assert (job.peak_memory, job.samples_per_second) == (None, None)
    assert jobs.get(job.id) == job


def test_jobs_are_queued_in_order_of_creation(jobs):
    ids = [submit(jobs).id for _ in range(4)]
    assert [jobs.get(id).queue_position for id in ids] == [0, 1, 2, 3]
    assert jobs.claim(OWNER, "w").job == ids[0]
    assert [jobs.get(id).queue_position for id in ids] == [None, 0, 1, 2]
    assert jobs.queue_length() == 3


def test_an_unknown_id_is_not_found(jobs):
    for call in (jobs.get, jobs.cancel):
        with pytest.raises(NotFoundError, match="'nowhere'"):
            call("nowhere")
    with pytest.raises(NotFoundError, match="'nowhere'"):
        jobs.page(after="nowhere")


def test_the_queue_has_a_limit(jobs):
    submit(jobs, queue_limit=2)
    submit(jobs, queue_limit=2)
    with pytest.raises(QueueFullError, match="2 jobs"):
        submit(jobs, queue_limit=2)
    jobs.claim(OWNER, "w")
    submit(jobs, queue_limit=2)


def test_an_idempotency_key_creates_one_job(jobs):
    first = submit(jobs, idempotency_key="a")
    assert submit(jobs, idempotency_key="a").id == first.id
    assert submit(jobs, idempotency_key="b").id != first.id
    with pytest.raises(InvalidInputError) as caught:
        jobs.submit(
            RECIPE.model_copy(update={"epochs": 2}),
            samples=60000,
            queue_limit=100,
            idempotency_key="a",
        )
    assert caught.value.faults[0].pointer == "/Idempotency-Key"


def test_pages_list_all_jobs_newest_first(jobs):
    ids = [submit(jobs).id for _ in range(7)]
    seen, after = [], None
    while True:
        page, after = jobs.page(limit=3, after=after)
        seen += [job.id for job in page]
        if after is None:
            break
    assert seen == ids[::-1]


def test_pages_list_only_jobs_of_one_status(jobs):
    ids = [submit(jobs).id for _ in range(5)]
    for id in ids[::2]:
        jobs.cancel(id)
    page, cursor = jobs.page(status="cancelled", limit=2)
    assert [job.id for job in page] == [ids[4], ids[2]]
    page, cursor = jobs.page(status="cancelled", limit=2, after=cursor)
    assert ([job.id for job in page], cursor) == ([ids[0]], None)


def test_whether_a_model_is_better_than_guessing_may_be_unknown(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    assert jobs.start(claim, "cpu") == "go on"
    assert jobs.decide(claim, "m-1", peak_memory=5000, better_than_guessing=None) == "go on"
    assert jobs.finish(claim, "succeeded") == "finished"
    assert (jobs.get(id).model, jobs.get(id).better_than_guessing) == ("m-1", None)


def test_a_job_from_start_to_finish_leaves_events_without_gaps(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    assert jobs.start(claim, "cpu") == "go on"
    for epoch in range(3):
        assert jobs.report(claim, PROGRESS, entry(epoch)) == "go on"
    assert jobs.decide(claim, "m-1", peak_memory=5000, better_than_guessing=True) == "go on"
    assert (jobs.get(id).model, jobs.get(id).better_than_guessing) == (None, None)
    assert jobs.finish(claim, "succeeded") == "finished"

    job = jobs.get(id)
    assert (job.status, job.model, job.device, job.attempts) == ("succeeded", "m-1", "cpu", 1)
    assert [one.model_dump() for one in job.history] == [entry(epoch) for epoch in range(3)]
    assert (job.peak_memory, job.better_than_guessing) == (5000, True)
    assert job.samples_per_second == 60000 * 2 / (3 * 2.5)
    assert job.created_at <= job.started_at <= job.finished_at

    seen = events(jobs, id)
    assert [event.type for event in seen] == (
        ["status"] * 3 + ["epoch", "progress"] * 3 + ["status"]
    )
    states = [json.loads(event.data)["status"] for event in seen if event.type == "status"]
    assert states == ["queued", "running", "running", "succeeded"]
    assert json.loads(seen[-1].data) == {**job.to_json(), "losses": None}
    assert json.loads(seen[0].data)["queue_position"] is None  # it is no longer queued


def test_events_can_be_read_from_any_event_on(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.report(claim, PROGRESS, entry(0))
    jobs.finish(claim, "succeeded")
    everything = events(jobs, id)
    for i, event in enumerate(everything):
        assert events(jobs, id, after=event.id) == everything[i + 1 :]


def test_a_finished_job_with_expired_events_still_has_its_final_status(jobs):
    id = submit(jobs).id
    jobs.cancel(id)
    assert jobs.redis.ttl(f"events:{id}") > 0
    jobs.redis.delete(f"events:{id}")
    (event,) = events(jobs, id)
    assert json.loads(event.data)["status"] == "cancelled"


def test_a_repeated_epoch_adds_no_second_event(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.report(claim, epoch=entry(0))
    assert jobs.report(claim, epoch={**entry(0), "seconds": 99}) == "go on"
    epochs = [json.loads(event.data) for event in events(jobs, id) if event.type == "epoch"]
    assert epochs == [entry(0)]
    assert [one.seconds for one in jobs.get(id).history] == [2.5]


def frame(step):
    figures = {"train_loss": 1.5, "train_accuracy": 0.25, "test_loss": 1.6, "test_accuracy": 0.2}
    return {"step": step, "parameters": "AACAPw==", **figures}


def test_each_frame_is_sent_once_although_steps_are_trained_again(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    sent = [frame(step) for step in (0, 1, 7, 20)]
    jobs.report(claim, losses=[loss(1000)], frames=sent[:2], epoch=entry(0))
    jobs.report(claim, frames=sent[:3])  # the first reply was lost
    jobs.reap("w", {}, [(id, claim.fence)])
    assert jobs.report(claim, frames=[frame(99)]) == "lost"
    claim = jobs.claim(OWNER, "w")
    jobs.report(claim, frames=sent[1:])
    jobs.finish(claim, "succeeded")

    seen = events(jobs, id)
    assert [json.loads(one.data) for one in seen if one.type == "frame"] == sent
    kinds = [one.type for one in seen if one.type != "status"]
    assert kinds == ["loss", "frame", "frame", "epoch", "frame", "frame"]


def test_each_loss_is_stored_once_although_samples_are_trained_again(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    stored = [loss(samples) for samples in (1000, 2000, 3000, 4000)]
    jobs.report(claim, losses=stored[:3])
    jobs.report(claim, losses=stored[:3])  # the first reply was lost
    jobs.reap("w", {}, [(id, claim.fence)])
    assert jobs.report(claim, losses=[loss(9000)]) == "lost"
    claim = jobs.claim(OWNER, "w")
    jobs.report(claim, losses=stored[1:2])  # the new attempt continues from 1,000 samples
    jobs.report(claim, losses=stored[2:], epoch=entry(1))
    jobs.finish(claim, "succeeded")

    assert [one.model_dump() for one in jobs.get(id).losses] == stored
    seen = events(jobs, id)
    assert [json.loads(event.data) for event in seen if event.type == "loss"] == stored
    types = [event.type for event in seen]
    assert types.index("epoch") > max(i for i, type in enumerate(types) if type == "loss")


def test_lists_and_status_events_leave_the_losses_out(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    assert jobs.get(id).losses == []
    jobs.report(claim, losses=[loss(1000)])
    jobs.finish(claim, "succeeded")
    (listed,), _ = jobs.page()
    assert listed.losses is None
    for _ in range(2):
        assert json.loads(events(jobs, id)[-1].data)["losses"] is None
        jobs.redis.delete(f"events:{id}")  # as if they had expired
    jobs.delete(id)
    assert not jobs.redis.exists(f"losses:{id}")


def test_a_queued_job_is_cancelled_at_once(jobs):
    id = submit(jobs).id
    assert jobs.cancel(id).status == "cancelled"
    assert jobs.claim(OWNER, "w") is None
    with pytest.raises(ConflictError, match="cancelled"):
        jobs.cancel(id)


def test_a_running_job_is_told_to_stop(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    assert jobs.cancel(id).status == "running"
    assert jobs.report(claim) == "cancel"
    assert jobs.decide(claim, "m-1", peak_memory=5000, better_than_guessing=True) == "cancel"
    assert jobs.finish(claim, "cancelled") == "finished"
    assert jobs.get(id).status == "cancelled"


def test_a_job_cannot_be_cancelled_after_the_decision(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.decide(claim, "m-1", peak_memory=5000, better_than_guessing=True)
    jobs.cancel(id)
    assert jobs.report(claim) == "go on"
    jobs.reap("w", {}, [(id, claim.fence)])
    assert jobs.cancel(id).status == "queued"  # its model may already be published
    again = jobs.claim(OWNER, "w")
    assert again.result == "m-1"
    jobs.finish(again, "succeeded")
    assert jobs.get(id).model == "m-1"


def test_the_job_of_a_dead_owner_returns_to_the_front_of_the_queue(jobs):
    first, second = submit(jobs).id, submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    assert [(job, owner) for job, _, owner in jobs.owners()] == [(first, OWNER)]
    jobs.reap("w", {}, [(first, claim.fence)])
    assert jobs.get(first).status == "queued"
    assert [jobs.get(id).queue_position for id in (first, second)] == [0, 1]
    assert jobs.owners() == []

    again = jobs.claim(OWNER, "w")
    assert (again.job, int(again.fence)) == (first, int(claim.fence) + 1)
    assert jobs.get(first).attempts == 2


def test_a_stale_owner_cannot_write(jobs):
    id = submit(jobs).id
    stale = jobs.claim(OWNER, "w")
    jobs.reap("w", {}, [(id, stale.fence)])
    fresh = jobs.claim(OWNER, "w")
    before = jobs.get(id)
    assert jobs.report(stale, PROGRESS, entry(0)) == "lost"
    assert jobs.start(stale, "cuda") == "lost"
    assert jobs.decide(stale, "m-1", peak_memory=5000, better_than_guessing=True) == "lost"
    assert jobs.finish(stale, "failed", {"title": "x"}) == "lost"
    jobs.reap("w", {}, [(id, stale.fence)])
    assert jobs.get(id) == before
    assert jobs.report(fresh) == "go on"


def test_a_cancelled_job_ends_when_its_owner_is_found_dead(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.cancel(id)
    jobs.reap("w", {}, [(id, claim.fence)])
    assert jobs.get(id).status == "cancelled"


def test_submitting_the_same_id_twice_creates_one_job(jobs):
    """This happens if the reply to the first call is lost."""
    arguments = ("aaaa", json.dumps(PROGRESS), 100, 0, "", "", "", 0)
    arguments += ("recipe", RECIPE.model_dump_json())
    assert jobs._run("submit", *arguments) == jobs._run("submit", *arguments)
    assert [job.id for job in jobs.page()[0]] == ["aaaa"]
    assert jobs.queue_length() == 1
    assert jobs.measure().submitted == 1


def test_a_copy_of_a_report_that_arrives_late_changes_nothing(jobs, monkeypatch):
    """A worker repeats a report after a timeout. The network may still deliver the first copy."""
    id = submit(jobs).id
    claim, calls, run = jobs.claim(OWNER, "w"), [], jobs._run

    def run_and_remember(*arguments, **options):
        calls.append(arguments)
        return run(*arguments, **options)

    monkeypatch.setattr(jobs, "_run", run_and_remember)
    early, late = [{**PROGRESS, "samples": samples} for samples in (75_000, 120_000)]
    jobs.report(claim, early, checkpoint="e1-s15000-f1")
    jobs.report(claim, late, checkpoint="e2-s0-f1")
    monkeypatch.undo()
    beats, events = jobs.beats(), list(read_events(jobs, id))
    assert run(*calls[0]) == "go on"
    assert jobs.get(id).progress.samples == 120_000
    assert jobs.checkpoint(id) == "e2-s0-f1"
    assert jobs.beats() == beats  # it does not prove that the worker lives
    assert list(read_events(jobs, id)) == events
    assert run(*calls[1]) == "go on"  # a copy of the last report is as if it came once more
    jobs.give_back(claim, "stopped")
    again = jobs.claim(OWNER, "w2")
    assert run(*calls[1]) == "lost"
    assert jobs.report(again, early) == "go on"
    assert jobs.get(id).progress.samples == 75_000


def test_a_job_with_an_expired_lease_returns_to_the_queue(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    ((job, fence, beat),) = jobs.beats()
    silent = [Death(job, fence, "lease", beat)]
    assert jobs.report(claim) == "go on"
    jobs.reap("w", {}, silent)
    assert jobs.report(claim) == "go on"  # the job has reported since
    ((_, _, beat),) = jobs.beats()
    jobs.reap("w", {}, [Death(job, fence, "lease", beat)])
    assert jobs.get(id).status == "queued"
    assert jobs.report(claim) == "lost"
    again = jobs.claim(OWNER, "w2")
    jobs.reap("w", {}, [Death(job, fence, "lease", beat)])  # names the earlier attempt
    assert jobs.report(again) == "go on"


@pytest.mark.parametrize("score", [0, 1e12])
def test_changing_the_clock_of_redis_takes_no_job_from_its_worker(jobs, score):
    """Earlier versions stored the end of each lease, by a clock that may be set back or forward."""
    claim = jobs.claim(OWNER, "w") if submit(jobs) else None
    jobs.redis.zadd("jobs:leases", {claim.job: score})
    jobs.reap("w", {}, [])
    jobs.claim(OWNER, "w")
    assert jobs.report(claim) == "go on"


def test_reaping_returns_the_number_of_missing_tokens(jobs):
    for _ in range(3):
        submit(jobs)
    assert jobs.reap("w", {}, []).lacking == {"v1": 3}
    jobs.redis.lpush(QUEUE, "token")
    assert jobs.reap("w", {}, []).lacking == {"v1": 2}


def test_workers_are_listed_while_they_send_heartbeats(jobs, monkeypatch):
    assert jobs.workers() == []
    jobs.reap("one", {"name": "one"}, [])
    jobs.reap("two", {"name": "two"}, [])
    assert sorted(worker["name"] for worker in jobs.workers()) == ["one", "two"]
    monkeypatch.setattr("jobs.reader.WORKER_ALIVE_S", -2)
    assert jobs.workers() == []


@pytest.mark.parametrize("away_s", [-1000, 1000])
def test_a_heartbeat_from_the_past_or_the_future_does_not_count(jobs, away_s):
    for name in ("gone", "alive"):
        jobs.reap(name, {"name": name}, [])
        jobs.redis.zincrby("workers:seen", away_s, name)
    jobs.reap("alive", {"name": "alive"}, [])
    assert jobs.workers() == [{"name": "alive", "draining": False}]
    assert jobs.measure().workers == 1
    assert jobs.redis.hkeys("workers") == ["alive"]


def test_no_job_is_claimed_twice(jobs):
    ids = {submit(jobs).id for _ in range(30)}
    claimed = []

    def claim_all():
        while claim := jobs.claim(OWNER, "w"):
            claimed.append(claim.job)

    threads = [threading.Thread(target=claim_all) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == 30
    assert set(claimed) == ids


def test_jobs_survive_a_kill_of_redis(jobs, redis_process, own_stack):
    ids = [submit(jobs).id for _ in range(5)]
    claim = jobs.claim(OWNER, "w")
    redis_process.stop(signal.SIGKILL)
    own_stack.start_redis()
    assert [jobs.get(id).status for id in ids] == ["running"] + ["queued"] * 4
    assert jobs.report(claim) == "go on"


def test_repeating_a_claim_whose_reply_was_lost_returns_the_same_job(jobs):
    first, second = submit(jobs).id, submit(jobs).id
    claims = [jobs.claim(OWNER, "w", call="a") for _ in range(2)]
    assert claims[0] == claims[1]
    assert (claims[0].job, claims[0].fence) == (first, "1")
    assert jobs.get(first).attempts == 1
    assert jobs.claim(OWNER, "w", call="b").job == second
