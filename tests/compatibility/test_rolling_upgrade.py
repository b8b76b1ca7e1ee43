"""Workers and APIs of the previous release run beside those of this one.

``lua_before`` has the scripts of the previous release, with which its workers claim, report their
heartbeats and requeue jobs, and its API submits and cancels them.
"""

import json
import random
import time
from pathlib import Path

import pytest

from jobs.sweeps import Sweeps
from stepbox.training.requirements import Requirements
from tests.jobs.test_job_store import OWNER, PROGRESS, RECIPE
from tests.jobs.test_routing import beat
from tests.jobs.test_sweeps import add_trial, park
from tests.jobs.test_sweeps import submit as submit_sweep
from tests.jobs.test_turns import claim_all, submit

FOLDER = Path(__file__).parent / "lua_before"
CUDA = Requirements(device="cuda")


class Before:
    """What the previous release does in the same Redis."""

    def __init__(self, redis):
        common = (FOLDER / "common.lua").read_text()
        self._scripts = {
            path.stem: redis.register_script(common + path.read_text())
            for path in FOLDER.glob("*.lua")
        }

    def _run(self, name, *arguments):
        return self._scripts[name](args=list(arguments))

    def claim(self):
        """Claim a job; return its id and fence, or None."""
        return self._run("claim", json.dumps(OWNER), "old", "")

    def requeue(self, id, fence):
        self._run("reap", "training", "old", "{}", id, fence, "process", "")

    def beat(self):
        self._run("reap", "training", "old", "{}")

    def finish(self, id, fence):
        self._run("finish", id, fence, "succeeded", "")

    def submit(self, id):
        fields = ["kind", "train", "recipe", RECIPE.model_dump_json()]
        self._run("submit", id, json.dumps(PROGRESS), 10_000, "", "", 60, "", 0, *fields)
        return id

    def cancel(self, id):
        self._run("cancel", id)


@pytest.fixture
def before(jobs):
    return Before(jobs.redis)


def test_jobs_that_were_queued_before_the_upgrade_run_in_their_order(jobs, before):
    ids = [before.submit(f"{number:016x}") for number in range(5)]
    late = submit(jobs)
    assert [jobs.get(id).queue_position for id in (*ids, late)] == [*range(6)]
    assert jobs.reap("w", {}, []).lacking == {"v1": 6}
    assert [claim.job for claim in claim_all(jobs)] == [*ids, late]


def test_a_worker_of_the_previous_release_runs_what_it_understands(jobs, before):
    plain = submit(jobs, "alice", 5)
    on_gpu = submit(jobs, "alice", requires=CUDA)
    assert before.claim()[0] == plain
    assert before.claim() is None
    beat(jobs, "gpu", "cuda")
    assert [claim.job for claim in claim_all(jobs, "gpu")] == [on_gpu]


def test_a_sweep_goes_on_if_the_previous_release_cancels_its_trial(jobs, before):
    beat(jobs, "w")
    sweeps = Sweeps(jobs)
    id = submit_sweep(sweeps)
    claim = jobs.claim(OWNER, "w")
    add_trial(sweeps, claim)
    park(sweeps, claim)
    (trial,) = sweeps.get(id).trials
    before.cancel(trial.job)
    assert jobs.claim(OWNER, "w").job == id
    assert [one.state for one in sweeps.get(id).trials] == ["cancelled"]
    assert jobs.redis.hget(f"job:{id}", "ended") == "1"


def test_a_job_that_the_previous_release_has_claimed_is_not_claimed_again(jobs, before):
    first, second = submit(jobs), submit(jobs)
    id, fence = before.claim()
    assert id == first
    assert jobs.get(second).queue_position == 0
    assert jobs.queue_length() == 1
    assert [claim.job for claim in claim_all(jobs)] == [second]
    before.requeue(id, fence)
    assert jobs.get(first).queue_position == 0
    assert [claim.job for claim in claim_all(jobs)] == [first]


def test_a_job_that_the_previous_release_has_cancelled_is_gone(jobs, before):
    plain, on_gpu = submit(jobs, "alice"), submit(jobs, "alice", requires=CUDA)
    before.cancel(plain)
    before.cancel(on_gpu)
    assert jobs.measure().queued == {}
    beat(jobs, "gpu", "cuda")
    assert jobs.claim(OWNER, "gpu") is None


def test_the_previous_release_claims_no_job_that_it_requeued_once_this_one_knows(jobs, before):
    on_gpu = submit(jobs, requires=CUDA)
    beat(jobs, "gpu", "cuda")
    lost = jobs.claim(OWNER, "gpu")
    before.requeue(lost.job, lost.fence)
    beat(jobs, "gpu", "cuda")
    assert before.claim() is None
    assert [claim.job for claim in claim_all(jobs, "gpu")] == [on_gpu]


def test_a_downgrade_runs_the_queued_jobs_that_require_nothing(jobs, before):
    ids = [submit(jobs, owner) for owner in ("alice", "alice", "bob")]
    on_gpu = submit(jobs, requires=CUDA)
    lost = jobs.claim(OWNER, "w")
    before.requeue(lost.job, lost.fence)
    assert {before.claim()[0] for _ in ids} == {*ids}
    assert before.claim() is None
    assert jobs.get(on_gpu).status == "queued"  # it waits for the next upgrade


def test_a_worker_that_the_previous_release_has_forgotten_knows_what_it_runs(jobs, before):
    """Redis was away for more than a minute, and a worker of that release came back first."""
    submit(jobs)
    submit(jobs)
    claim = jobs.claim(OWNER, "late")
    beat(jobs, "idle")
    jobs.redis.zadd("workers:seen", {"late": time.time() - 61, "idle": time.time() - 61})
    before.beat()
    assert jobs.redis.hkeys("workers:claimed") == []
    state = jobs.reap("late", {}, [])
    assert (state.runs_last_claim, state.claimed) == (True, f"{claim.job}:{claim.fence}")
    assert not jobs.reap("idle", {}, []).runs_last_claim
    assert jobs.claim(OWNER, "idle").job != claim.job
    assert jobs.reap("idle", {}, []).runs_last_claim


@pytest.mark.parametrize("seed", range(4))
def test_no_job_is_lost_or_run_twice_however_the_releases_take_turns(jobs, before, seed):
    rng = random.Random(seed)
    running, ended = {}, set()  # running: id → (release, fence)
    submitted, on_gpu = set(), set()
    exposed = set()  # the previous release has requeued these, and this one does not know it yet
    beat(jobs, "new", "cuda")

    def claim(release):
        claim = before.claim() if release is before else jobs.claim(OWNER, "new")
        if release is jobs:
            exposed.clear()
        if claim is None:
            return
        id, fence = claim if release is before else (claim.job, claim.fence)
        assert release is jobs or id in exposed or id not in on_gpu
        assert id in submitted - ended - running.keys()
        running[id] = fence

    for step in range(300):
        release = rng.choice([before, jobs])
        action = rng.choice(["submit", "submit", "claim", "claim", "requeue", "finish", "cancel"])
        if action == "submit" and release is before:
            submitted.add(before.submit(f"{step:016x}"))
        elif action == "submit":
            owner, requires = rng.choice("abc"), Requirements(device=rng.choice([None, "cuda"]))
            id = submit(jobs, owner, rng.randrange(-3, 3), requires=requires)
            submitted.add(id)
            exposed.clear()
            if requires == CUDA:
                on_gpu.add(id)
        elif action == "claim":
            claim(release)
        elif action == "cancel":
            waiting = sorted(submitted - ended - running.keys())
            if waiting:
                id = rng.choice(waiting)
                release.cancel(id)
                ended.add(id)
        elif running:
            id = rng.choice(sorted(running))
            fence = running.pop(id)
            if action == "requeue":
                before.requeue(id, fence)
                exposed.add(id)
            else:
                before.finish(id, fence)
                ended.add(id)
    waiting = submitted - ended - running.keys()
    listed = [job for job in jobs.page(limit=1000)[0] if job.status == "queued"]
    assert {job.id for job in listed} == waiting
    assert sorted(job.queue_position for job in listed) == [*range(len(waiting))]
    assert {claim.job for claim in claim_all(jobs, "new")} == waiting
    assert jobs.measure().queued == {}
