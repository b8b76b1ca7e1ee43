"""Deliveries of webhooks in Redis: each job that ends has one, and none is lost."""

import pytest

from jobs.archiving import Archiver
from jobs.deliveries import DELAYS_S, JITTER
from jobs.owned import OwnedJobs
from jobs.record import PredictionTask
from jobs.store import JobStore
from jobs.sweeps import Sweeps
from jobs.watch import Death
from stepbox.errors import InvalidInputError, NotFoundError
from stepbox.store.folder import FolderStore
from tests.compatibility.test_rolling_upgrade import Before
from tests.jobs.test_job_store import OWNER, submit
from tests.jobs.test_routing import beat
from tests.jobs.test_sweeps import add_trial, park, run_trial
from tests.jobs.test_sweeps import submit as submit_sweep

URL = "https://hooks.example.org/stepbox?team=1"
OTHER_HOST = "http://other.example.org:8080/"
DAY_S = 24 * 3600


@pytest.fixture
def deliveries(jobs):
    return jobs.deliveries


def end(jobs, status="cancelled", url=URL, **options):
    """Submit a job with a webhook, and end it; return its id."""
    id = submit(jobs, webhook=url, **options).id
    if status == "cancelled":
        jobs.cancel(id)
    else:
        claim = jobs.claim(OWNER, "w")
        jobs.start(claim, "cpu")
        problem = {"type": "about:blank", "title": "No", "status": 500, "detail": "no"}
        if status == "succeeded":
            jobs.decide(claim, "m-0123456789ab", peak_memory=1, better_than_guessing=True)
        jobs.finish(claim, status, problem if status == "failed" else None)
    return id


def end_prediction(jobs, status, url=URL):
    """Submit a prediction of a data set with a webhook, and end it; return its id."""
    beat(jobs, "w")
    task = PredictionTask(model="m-0123456789ab", dataset="mnist", split="test")
    id = jobs.submit_prediction(task, samples=10_000, queue_limit=9, webhook=url).id
    claim = jobs.claim(OWNER, "w")
    if status == "succeeded":
        jobs.decide_prediction(claim, staged=f"{id}-{claim.fence}")
    assert jobs.finish(claim, status) == "finished"
    return id


def end_sweep(jobs, status, url=URL):
    """Submit a sweep with a webhook, and end it after a trial; return its id."""
    beat(jobs, "w")
    sweeps = Sweeps(jobs)
    id = submit_sweep(sweeps, webhook=url)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    park(sweeps, claim)
    run_trial(jobs)
    assert jobs.deliveries.page() == ([], None)  # neither a trial nor a parked sweep is an end
    if status == "cancelled":
        jobs.cancel(id)
    claim = jobs.claim(OWNER, "w")
    if claim:
        assert jobs.finish(claim, status) == "finished"
    return id


def make_due(jobs, id):
    """Let the next attempt of a pending delivery be due now, whatever its lease and its delay."""
    lane = jobs.redis.hget(f"webhook:{id}", "lane")
    jobs.redis.zadd(f"webhooks:due:{lane}", {id: 1})
    jobs.redis.zadd("webhooks:lanes", {lane: 1})


def fail(jobs, id, attempt, outcome="failed"):
    make_due(jobs, id)
    delivery = jobs.deliveries.claim(attempt)
    assert delivery.id == id
    return jobs.deliveries.settle(delivery, attempt, outcome, 500, "the response was 500")


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_a_job_that_ends_has_a_delivery(jobs, deliveries, status):
    id = end(jobs, status, submitted_by="alice")
    found = deliveries.get(id)
    job = jobs.get(id)
    assert job.webhook == found.url == URL
    assert (found.type, found.state, found.attempts) == (f"job.{status}", "pending", 0)
    assert (found.ended_at, found.submitted_by) == (job.finished_at, "alice")
    assert (found.attempted_at, found.status, found.error) == (None, None, None)
    assert deliveries.claim("a").id == id
    assert deliveries.claim("b") is None


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
@pytest.mark.parametrize("end", [end_prediction, end_sweep])
def test_predictions_and_sweeps_that_end_have_one_delivery(jobs, deliveries, end, status):
    id = end(jobs, status)
    ((found,), _) = deliveries.page()
    assert (found.id, found.type, found.url) == (id, f"job.{status}", URL)
    assert found.ended_at == jobs.get(id).finished_at
    assert deliveries.claim("a").id == id


def test_a_job_without_a_webhook_has_none(jobs, deliveries):
    id = submit(jobs).id
    jobs.cancel(id)
    assert jobs.get(id).webhook is None
    with pytest.raises(NotFoundError, match=id):
        deliveries.get(id)
    assert deliveries.page() == ([], None)
    assert not list(jobs.redis.scan_iter("webhook*"))


def test_an_unfinished_job_has_none(jobs, deliveries):
    submit(jobs, webhook=URL)
    claim = jobs.claim(OWNER, "w")
    jobs.start(claim, "cpu")
    assert deliveries.claim("a") is None
    assert deliveries.page() == ([], None)


def test_a_job_whose_workers_die_tells_that_it_failed(jobs, deliveries):
    id = submit(jobs, webhook=URL).id
    for _ in range(9):
        claim = jobs.claim(OWNER, "w")
        jobs.reap("w", {}, [Death(id, claim.fence)])
    assert deliveries.get(id).type == "job.failed"


def test_an_idempotency_key_is_of_one_webhook(jobs):
    first = submit(jobs, idempotency_key="a", webhook=URL)
    assert submit(jobs, idempotency_key="a", webhook=URL).id == first.id
    for other in (None, OTHER_HOST):
        with pytest.raises(InvalidInputError):
            submit(jobs, idempotency_key="a", webhook=other)


def test_a_delivery_that_is_confirmed_is_not_repeated(jobs, deliveries):
    id = end(jobs)
    delivery = deliveries.claim("a")
    assert delivery.attempts == 1
    assert deliveries.settle(delivery, "a", "delivered", 204) == "delivered"
    found = deliveries.get(id)
    assert (found.state, found.status, found.error) == ("delivered", 204, None)
    assert found.next_attempt_at is None
    assert found.attempted_at is not None
    assert deliveries.claim("b") is None
    assert not jobs.redis.exists("webhooks:lanes", "webhooks:attempts", "webhooks:pending")


def test_a_delivery_that_fails_is_repeated_later_and_later_for_a_day(jobs, deliveries):
    id = end(jobs)
    for number, delay_s in enumerate([*DELAYS_S, DELAYS_S[-1]], 1):
        assert fail(jobs, id, f"a{number}") == "pending"
        found = deliveries.get(id)
        waits_s = (found.next_attempt_at - found.attempted_at).total_seconds()
        assert (1 - JITTER) * delay_s - 1 <= waits_s <= (1 + JITTER) * delay_s + 1
        assert (found.attempts, found.status) == (number, 500)
        assert found.error == "the response was 500"
        assert deliveries.claim("too early") is None
    jobs.redis.hset(f"webhook:{id}", "until", 1)  # the day is over
    assert fail(jobs, id, "last") == "dead"
    assert deliveries.get(id).next_attempt_at is None
    assert deliveries.claim("b") is None
    assert jobs.measure().dead_webhooks == 1


def test_the_last_attempt_is_at_the_end_of_the_day(jobs, deliveries, monkeypatch):
    monkeypatch.setattr("jobs.deliveries.DELAYS_S", (2 * DAY_S,))
    id = end(jobs)
    until = float(jobs.redis.hget(f"webhook:{id}", "until"))
    assert fail(jobs, id, "a") == "pending"
    assert deliveries.get(id).next_attempt_at.timestamp() == pytest.approx(until, abs=0.01)


def test_a_receiver_that_is_gone_gets_no_further_attempt(jobs, deliveries):
    id = end(jobs)
    assert fail(jobs, id, "a", "refused") == "dead"
    assert deliveries.claim("b") is None


def test_an_attempt_that_nobody_ends_is_repeated_with_the_same_id(jobs, deliveries):
    id = end(jobs)
    lost = deliveries.claim("a")
    assert deliveries.claim("b") is None
    jobs.redis.zadd("webhooks:lanes", {"hooks.example.org": 1})  # the lease has ended
    again = deliveries.claim("b")
    assert (lost.id, again.id, again.attempts) == (id, id, 2)
    assert deliveries.settle(lost, "a", "failed") == "lost"
    assert deliveries.get(id).error is None
    assert deliveries.settle(again, "b", "delivered", 200) == "delivered"
    assert deliveries.settle(again, "b", "delivered", 200) == "lost"
    measures = jobs.measure()
    assert (measures.webhooks, measures.pending_webhooks) == ({"delivered": 1, "failed": 0}, 0)


def test_a_lease_that_ended_after_its_delivery_is_forgotten(jobs, deliveries):
    id = end(jobs)
    deliveries.claim("a")
    jobs.redis.zadd("webhooks:due:hooks.example.org", {id: 9e9})
    jobs.redis.zadd("webhooks:lanes", {"hooks.example.org": 1})
    assert deliveries.claim("b") is None
    assert jobs.redis.zscore("webhooks:lanes", "hooks.example.org") == 9e9
    assert not jobs.redis.exists("webhooks:attempts")


def test_a_host_has_one_attempt_at_a_time_and_delays_no_other(jobs, deliveries):
    slow = [end(jobs) for _ in range(3)]
    quick = end(jobs, url=OTHER_HOST)
    first = deliveries.claim("a")
    assert first.id == slow[0]
    assert deliveries.claim("b").id == quick
    later = end(jobs, url=URL.upper().replace("HTTPS", "https"))  # the same host
    assert deliveries.claim("c") is None
    deliveries.settle(first, "a", "failed", None, "slow")
    second = deliveries.claim("d")
    assert second.id == slow[1]
    deliveries.settle(second, "d", "delivered", 200)
    assert deliveries.claim("e").id == slow[2]
    assert later in {one.id for one in deliveries.page()[0]}


def url_of(host):
    return f"https://{host}.example.org/"


def test_an_owner_with_slow_receivers_does_not_stop_those_of_others(jobs, deliveries):
    """Alice has more slow hosts than a claim looks at, and also a delivery to Bob's host."""
    slow = [end(jobs, url=url_of(f"slow{number}"), submitted_by="alice") for number in range(150)]
    shared = end(jobs, url=url_of("shared"), submitted_by="alice")
    first, second = deliveries.claim("a"), deliveries.claim("b")
    assert [first.id, second.id] == slow[:2]
    assert deliveries.claim("c") is None
    bobs = end(jobs, url=url_of("shared"), submitted_by="bob")
    found = None
    while found is None:  # a claim finds it with a probability of 2/3
        found = deliveries.claim("c")
    assert found.id == bobs
    deliveries.settle(first, "a", "delivered", 200)
    assert deliveries.claim("d").id == slow[2]
    assert deliveries.claim("e") is None
    jobs.redis.zadd("webhooks:lanes", {"slow1.example.org alice": 1})  # the lease has ended
    assert deliveries.claim("e").id == slow[1]
    assert deliveries.claim("f") is None
    assert deliveries.get(shared).attempts == 0


def test_a_host_has_one_attempt_at_a_time_of_all_owners(jobs, deliveries):
    ids = [end(jobs, submitted_by=owner) for owner in ("alice", "bob", None)]
    for id in ids:
        found = deliveries.claim(id)
        assert found.id == id
        assert deliveries.claim("other") is None
        deliveries.settle(found, id, "delivered", 200)


def test_a_delivery_whose_last_attempt_is_lost_is_dead_and_the_next_one_follows(jobs, deliveries):
    id, other = end(jobs), end(jobs)
    jobs.redis.hset(f"webhook:{id}", "until", 1)  # no deliverer has run for a day
    assert deliveries.claim("a").id == id
    jobs.redis.zadd("webhooks:lanes", {"hooks.example.org": 1})  # the lease has ended
    assert deliveries.claim("b").id == other
    found = deliveries.get(id)
    assert (found.state, found.error) == ("dead", "the last attempt was interrupted")
    assert jobs.measure().dead_webhooks == 1
    deliveries.retry(id)
    assert jobs.redis.hexists(f"webhook:{id}", "until")


def test_a_retry_of_an_old_delivery_is_one_of_the_newest(jobs, deliveries):
    id = end(jobs)
    fail(jobs, id, "a", "refused")
    deliveries.retry(id)
    newer = int(jobs.redis.get("webhooks:sequence"))
    jobs.redis.zadd("webhooks:delivered", {f"newer{n}": newer - 0.5 for n in range(1000)})
    make_due(jobs, id)
    delivery = deliveries.claim("b")
    assert deliveries.settle(delivery, "b", "delivered", 200) == "delivered"
    assert deliveries.get(id).state == "delivered"


def test_a_retry_begins_a_new_day(jobs, deliveries):
    id = end(jobs)
    fail(jobs, id, "a", "refused")
    found = deliveries.retry(id)
    assert (found.state, found.attempts) == ("pending", 0)
    until = float(jobs.redis.hget(f"webhook:{id}", "until"))
    assert until == pytest.approx(found.next_attempt_at.timestamp() + DAY_S, abs=0.1)
    delivery = deliveries.claim("b")
    assert deliveries.settle(delivery, "b", "delivered", 200) == "delivered"
    assert deliveries.retry(id).state == "pending"
    assert deliveries.claim("c").id == id
    with pytest.raises(NotFoundError, match="nowhere"):
        deliveries.retry("nowhere")


def test_a_retry_of_a_waiting_delivery_is_due_at_once(jobs, deliveries):
    id = end(jobs)
    fail(jobs, id, "a")
    assert deliveries.claim("b") is None
    deliveries.retry(id)
    assert deliveries.claim("c").id == id
    deliveries.retry(id)  # while an attempt is in progress
    assert deliveries.claim("d") is None


def test_pages_list_all_deliveries_those_of_the_last_jobs_first(jobs, deliveries, monkeypatch):
    monkeypatch.setattr("jobs.deliveries.READ_AT_ONCE", 2)
    ids = [end(jobs, submitted_by=owner) for owner in ("alice", None, "bob", "alice", "bob")]
    fail(jobs, ids[0], "a", "refused")
    make_due(jobs, ids[3])
    deliveries.settle(deliveries.claim("b"), "b", "delivered", 200)

    def walk(store, **options):
        seen, after = [], None
        while True:
            page, after = store.page(limit=1, after=after, **options)
            seen += [one.id for one in page]
            if after is None:
                return seen

    assert walk(deliveries) == ids[::-1]
    assert walk(deliveries, state="dead") == ids[:1]
    assert walk(deliveries, state="delivered") == [ids[3]]
    assert walk(deliveries, state="pending") == [ids[4], ids[2], ids[1]]
    assert walk(deliveries.seen_by("bob")) == [ids[4], ids[2]]
    assert walk(deliveries.seen_by("alice"), state="dead") == ids[:1]
    assert walk(deliveries.seen_by("eve")) == []


def test_what_belongs_to_others_does_not_exist(jobs):
    id = end(jobs, submitted_by="alice")
    bobs, alices = OwnedJobs(jobs, "bob").deliveries, OwnedJobs(jobs, "alice").deliveries
    for call in (bobs.get, bobs.retry):
        with pytest.raises(NotFoundError):
            call(id)
    assert alices.retry(id) == alices.get(id)


def test_only_the_newest_finished_deliveries_are_kept(jobs, deliveries):
    ids = [end(jobs) for _ in range(3)]
    old = {f"old{number}": number - 2000 for number in range(999)}
    jobs.redis.zadd("webhooks:dead", old)
    for id in ids:
        fail(jobs, id, id, "refused")
    assert jobs.redis.zcard("webhooks:dead") == 1000
    assert [one.id for one in deliveries.page(state="dead", limit=3)[0]] == ids[::-1]
    assert jobs.redis.zscore("webhooks:dead", "old1") is None
    assert jobs.redis.zscore("webhooks:dead", "old2") is not None


def test_a_job_that_the_previous_release_ends_has_a_delivery_soon(jobs, deliveries):
    before = Before(jobs.redis)
    running, waiting, gone, own = (submit(jobs, webhook=URL).id for _ in range(4))
    id, fence = before.claim()
    assert id == running
    before.finish(id, fence)
    before.cancel(waiting)
    before.cancel(gone)
    jobs.redis.delete(f"job:{gone}")
    deliveries.find_missed()
    assert [one.id for one in deliveries.page()[0]] in ([waiting, running], [running, waiting])
    jobs.cancel(own)
    fail(jobs, own, "a", "refused")
    deliveries.find_missed()
    assert deliveries.get(own).state == "dead"
    assert not jobs.redis.exists("webhooks:unfinished")


def test_an_archived_job_keeps_its_webhook_and_is_not_told_again(jobs, own_stack):
    archive = FolderStore(own_stack.settings().folders["archive"])
    store = JobStore(jobs.redis, archive)
    id = end(store, "succeeded")
    before = store.get(id)
    assert Archiver(store, archive, days=1e-9, most=0).clean_up() == 1
    assert store.get(id) == before
    delivery = store.deliveries.claim("a")
    store.deliveries.settle(delivery, "a", "delivered", 200)
    store.label(id, {"title": "Restored"}, "m-0123456789ab")
    assert store.deliveries.get(id).state == "delivered"


def test_the_secret_of_an_installation_stays_the_same(jobs, deliveries):
    secret = deliveries.secret()
    assert secret.startswith("whsec_")
    assert deliveries.secret() == secret == OwnedJobs(jobs, "alice").deliveries.secret()
