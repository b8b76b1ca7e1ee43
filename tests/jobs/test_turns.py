"""Owners take turns, and priorities order the jobs of one owner."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.events import parse_events, stream_key
from jobs.submission import OwnerQueueFullError, QueueFullError
from jobs.watch import Death
from stepbox.errors import InvalidInputError
from stepbox.training.presets import RECIPES
from tests.jobs.test_job_store import OWNER, events

RECIPE = RECIPES["mnist-numpy"]


def submit(jobs, owner=None, priority=0, **options):
    options = {"queue_limit": 10_000, **options}
    job = jobs.submit(RECIPE, samples=60000, submitted_by=owner, priority=priority, **options)
    return job.id


def claim_all(jobs, worker="w"):
    claims = []
    while claim := jobs.claim(OWNER, worker):
        claims.append(claim)
    return claims


def order(jobs):
    return [claim.job for claim in claim_all(jobs)]


def die(jobs, claim, cause="process"):
    jobs.reap("w", {}, [Death(claim.job, claim.fence, cause)])


def test_owners_take_turns_however_many_jobs_they_have(jobs):
    many = [submit(jobs, "alice") for _ in range(4)]
    few = [submit(jobs, "bob") for _ in range(2)]
    nobodys = [submit(jobs) for _ in range(2)]
    expected = [
        many[0], few[0], nobodys[0],
        many[1], few[1], nobodys[1],
        many[2], many[3],
    ]  # fmt: skip
    assert [jobs.get(id).queue_position for id in expected] == list(range(8))
    assert order(jobs) == expected


def test_an_owner_who_has_waited_longest_since_its_last_job_is_next(jobs):
    submit(jobs, "alice")
    submit(jobs, "bob")
    claim_all(jobs)
    first, second = submit(jobs, "bob"), submit(jobs, "alice")
    third = submit(jobs, "carol")
    assert order(jobs) == [third, second, first]  # carol has had no job yet


def test_one_job_at_a_time_gives_no_more_turns(jobs):
    backlog = [submit(jobs, "alice") for _ in range(3)]
    started = []
    for _ in range(3):
        mine = submit(jobs, "bob")
        started += [jobs.claim(OWNER, "w").job for _ in range(2)]
        assert mine in started
    assert [id for id in started if id in backlog] == backlog


def test_priorities_order_the_jobs_of_one_owner_only(jobs):
    low, plain, high = (submit(jobs, "alice", priority) for priority in (-100, 0, 100))
    later = submit(jobs, "alice", 100)
    other = submit(jobs, "bob", -100)
    assert [jobs.get(id).priority for id in (low, plain, other)] == [-100, 0, -100]
    assert [jobs.get(id).queue_position for id in (high, other, later, plain, low)] == [*range(5)]
    assert order(jobs) == [high, other, later, plain, low]


def test_the_order_is_that_of_the_positions(jobs):
    rng = random.Random(7)
    for _ in range(5):
        for _ in range(rng.randrange(30)):
            submit(jobs, rng.choice(["a", "b", "c", "d", None]), rng.choice([-1, 0, 0, 5]))
        for _ in range(rng.randrange(3)):
            jobs.claim(OWNER, "w")
        queued = [job for job in jobs.page(limit=1000)[0] if job.status == "queued"]
        for job in rng.sample(queued, len(queued) // 4):
            jobs.cancel(job.id)
    queued = [job for job in jobs.page(limit=1000)[0] if job.status == "queued"]
    expected = [job.id for job in sorted(queued, key=lambda job: job.queue_position)]
    assert sorted(job.queue_position for job in queued) == [*range(len(queued))]
    assert order(jobs) == expected


@pytest.mark.parametrize("cause", ["process", "stop"])
def test_a_job_that_is_requeued_is_next_again_whoever_waits(jobs, cause):
    lost = submit(jobs, "alice")
    others = [submit(jobs, owner) for owner in ("alice", "bob", "carol")]
    die(jobs, jobs.claim(OWNER, "w"), cause)
    assert jobs.get(lost).queue_position == 0
    assert order(jobs) == [lost, others[1], others[2], others[0]]


def test_a_job_without_its_store_is_next_of_its_owner_but_lets_others_in(jobs):
    lost = submit(jobs, "alice")
    submit(jobs, "alice")
    for _ in range(3):
        other = submit(jobs, "bob")
        claim = jobs.claim(OWNER, "w")
        assert claim.job == lost
        jobs.give_back(claim)
        assert jobs.claim(OWNER, "w").job == other
    assert jobs.get(lost).queue_position == 0
    assert jobs.redis.hget(f"job:{lost}", "deaths") is None


def test_a_job_that_dies_twice_is_the_last_of_its_owner_but_not_for_ever(jobs):
    killer = submit(jobs, "alice", 50)
    low = submit(jobs, "alice", -7)
    other = submit(jobs, "bob")
    for _ in range(2):
        claim = jobs.claim(OWNER, "w")
        assert claim.job == killer
        die(jobs, claim)
    later = submit(jobs, "alice", -7)
    assert order(jobs) == [other, low, killer, later]


def test_events_have_the_position_at_which_the_job_is_when_they_are_read(jobs):
    submit(jobs, "alice")
    id = submit(jobs, "alice")
    assert [json.loads(event.data)["queue_position"] for event in events(jobs, id)] == [1]
    submit(jobs, "bob")  # his job starts before the second of alice
    assert [json.loads(event.data)["queue_position"] for event in events(jobs, id)] == [2]
    claim_all(jobs)
    seen = [json.loads(event.data) for event in events(jobs, id)]
    assert [(one["status"], one["queue_position"]) for one in seen] == [
        ("queued", None),
        ("running", None),
    ]


def test_version_0_2_0_can_read_an_event_and_events_of_it_can_be_read(jobs):
    id = submit(jobs, "alice")
    ((event_id, fields),) = jobs.redis.xrange(stream_key(id))
    assert fields["queue_position"] == ""  # it needs the field
    (event,) = parse_events([(event_id, fields | {"queue_position": "7"})], [], 3)
    assert json.loads(event.data)["queue_position"] == 7


def test_a_submission_does_not_read_all_owners(jobs):
    for owner in ("alice", "bob"):
        submit(jobs, owner)
    before = jobs.redis.info("commandstats")["cmdstat_hgetall"]["calls"]
    jobs._run("submit", "f" * 16, "{}", 10**9, 0, "", "", "", 0, "kind", "train")
    after = jobs.redis.info("commandstats")["cmdstat_hgetall"]["calls"]
    # Those of jobs:classes and of the record; jobs:owners and jobs:served would be two more.
    assert after - before == 2


# -- caps -------------------------------------------------------------------------------------


def test_an_owner_has_a_limit_of_queued_jobs(jobs):
    for owner in ("alice", None):
        for _ in range(2):
            submit(jobs, owner, owner_limit=2)
        with pytest.raises(OwnerQueueFullError, match=r"2 queued jobs.*STEPBOX_OWNER_QUEUED"):
            submit(jobs, owner, owner_limit=2)
        with pytest.raises(OwnerQueueFullError):
            jobs.check_room(100, owner, 2)
    jobs.check_room(100, "bob", 2)
    submit(jobs, "bob", owner_limit=2)
    jobs.claim(OWNER, "w")  # one of alice
    submit(jobs, "alice", owner_limit=2)
    with pytest.raises(QueueFullError, match="5 jobs"):
        submit(jobs, "carol", owner_limit=2, queue_limit=5)


def test_the_limit_holds_for_requests_at_the_same_time(jobs):
    def try_to_submit(_):
        try:
            return submit(jobs, "alice", owner_limit=5)
        except OwnerQueueFullError:
            return None

    with ThreadPoolExecutor(8) as pool:
        ids = [id for id in pool.map(try_to_submit, range(40)) if id]
    assert len(ids) == len(set(ids)) == jobs.queue_length() == 5


def test_a_worker_starts_no_more_jobs_of_an_owner_than_it_may_run(jobs):
    about = {"owner_running": 2}
    waiting = [submit(jobs, "alice") for _ in range(4)][2:]
    other = submit(jobs, "bob")
    jobs.reap("capped", about, [])
    claims = claim_all(jobs, "capped")
    assert [claim.job for claim in claims].count(other) == 1
    assert len(claims) == 3
    why = jobs.get(waiting[0]).waiting_for
    assert (why.code, "runs 2 jobs" in why.detail) == ("owner-cap", True)
    # Nothing is missing: neither tokens, nor claims of an idle worker.
    state = jobs.reap("capped", about, [])
    assert (state.waiting, state.lacking) == (0, {})
    mine = next(claim for claim in claims if claim.job != other)
    jobs.finish(mine, "succeeded")
    state = jobs.reap("capped", about, [])
    assert (state.waiting, state.lacking) == (2, {"v1": 2})
    assert [claim.job for claim in claim_all(jobs, "capped")] == waiting[:1]


# -- what a key stands for --------------------------------------------------------------------


def test_an_idempotency_key_stands_for_one_priority(jobs):
    id = submit(jobs, priority=3, idempotency_key="k")
    assert submit(jobs, priority=3, idempotency_key="k") == id
    with pytest.raises(InvalidInputError):
        submit(jobs, priority=4, idempotency_key="k")
