"""Jobs wait for workers that have what they require, and say what they wait for."""

import json

import pytest

from jobs.queue import QUEUE, queue_of
from jobs.routing import GIB, SCHEMA, class_of, classes_taken, schema_of
from stepbox.training.requirements import MOST_MEMORY, NO_REQUIREMENTS, Requirements
from tests.jobs.test_job_store import OWNER, PROGRESS, RECIPE
from tests.jobs.test_turns import claim_all, submit

CUDA, CPU = Requirements(device="cuda"), Requirements(device="cpu")


def beat(jobs, name, device="cpu", memory=4 * GIB, **more):
    """Send the heartbeat of a worker."""
    classes = classes_taken(device, memory)
    return jobs.reap(name, {"name": name, "schema": SCHEMA, "classes": classes, **more}, [])


def needs(memory, device=None):
    return Requirements(device=device, memory=memory)


@pytest.mark.parametrize(
    ("requires", "name"),
    [
        (NO_REQUIREMENTS, "v1"),
        (CUDA, "v2.cuda"),
        (needs(2**20), "v2.1g"),
        (needs(GIB), "v2.1g"),
        (needs(GIB + 1), "v2.2g"),
        (needs(9 * GIB, "cpu"), "v2.cpu.16g"),
        (needs(16 * GIB, "cuda"), "v2.cuda.16g"),
        (needs(MOST_MEMORY), "v2.1024g"),
    ],
)
def test_the_class_of_a_job_has_all_that_it_requires(requires, name):
    assert class_of(requires) == name
    assert schema_of(name) == (1 if name == "v1" else 2)
    most = max(requires.memory or 0, 2**20)
    power = 1 << (most - 1).bit_length()  # at least as large, and a whole class from 1 GiB on
    enough = classes_taken(requires.device or "unknown", max(power, GIB))
    assert name in enough
    if requires.memory and requires.memory >= GIB:
        assert name not in classes_taken(requires.device or "cpu", requires.memory - 1)
    if requires.device:
        other = "cpu" if requires.device == "cuda" else "cuda"
        assert name not in classes_taken(other, MOST_MEMORY)
        assert name not in classes_taken("unknown", MOST_MEMORY)


def test_the_class_of_a_job_has_the_schema_of_its_other_fields():
    assert class_of(NO_REQUIREMENTS, 3) == "v3"
    assert class_of(CUDA, 3) == "v3.cuda"
    assert {"v3", "v3.cuda", "v3.16g", "v3.cuda.16g"} <= {*classes_taken("cuda", 16 * GIB)}


def test_a_worker_without_known_memory_takes_jobs_that_require_none():
    assert classes_taken("cpu", None) == ["v1", "v2.cpu", "v3", "v3.cpu"]
    assert classes_taken("unknown", None) == ["v1", "v3"]


def test_a_device_may_have_a_name():
    assert classes_taken("cuda (NVIDIA H200)", 16 * GIB) == classes_taken("cuda", 16 * GIB)


@pytest.mark.parametrize("name", ["v3", "v3.cuda", "v12.2g"])
def test_the_schema_version_is_in_the_class(name):
    assert schema_of(name) == int(name[1:].partition(".")[0])


def test_a_name_that_only_a_later_version_writes_counts_as_newer():
    assert schema_of("v2.tpu") == SCHEMA + 1


def test_workers_take_the_jobs_that_they_satisfy(jobs):
    on_gpu, on_cpu = submit(jobs, requires=CUDA), submit(jobs, requires=CPU)
    large, small = submit(jobs, requires=needs(8 * GIB)), submit(jobs, requires=needs(GIB))
    anywhere = submit(jobs)
    assert [jobs.get(id).requires for id in (on_gpu, anywhere)] == [CUDA, NO_REQUIREMENTS]
    assert [claim.job for claim in claim_all(jobs, "silent")] == [anywhere]
    beat(jobs, "cpu", "cpu", 4 * GIB)
    assert [claim.job for claim in claim_all(jobs, "cpu")] == [on_cpu, small]
    beat(jobs, "gpu", "cuda", 64 * GIB)
    claims = claim_all(jobs, "gpu")
    assert [claim.job for claim in claims] == [on_gpu, large]
    assert claims[0].requires == CUDA


def test_owners_take_turns_among_the_jobs_that_a_worker_may_run(jobs):
    beat(jobs, "cpu", "cpu")
    beat(jobs, "gpu", "cuda")
    alices = [submit(jobs, "alice", requires=CUDA) for _ in range(2)]
    bobs = [submit(jobs, "bob") for _ in range(2)]
    assert jobs.claim(OWNER, "cpu").job == bobs[0]
    assert jobs.claim(OWNER, "gpu").job == alices[0]
    assert jobs.claim(OWNER, "gpu").job == bobs[1]  # bob's last job started before alice's
    assert jobs.claim(OWNER, "gpu").job == alices[1]


def test_each_class_has_its_own_tokens(jobs):
    submit(jobs)
    for _ in range(2):
        submit(jobs, requires=CUDA)
    jobs.redis.lpush(f"{QUEUE}.v2.cuda", "token")
    state = beat(jobs, "cpu")
    assert (state.lacking, state.waiting) == ({"v1": 1, "v2.cuda": 1}, 1)
    assert beat(jobs, "gpu", "cuda").waiting == 3
    assert jobs.measure().queued == {"v1": 1, "v2.cuda": 2}


@pytest.mark.parametrize("requires", [NO_REQUIREMENTS, CUDA, needs(16 * GIB, "cpu")])
def test_tokens_are_counted_in_the_queue_to_which_they_are_sent(jobs, requires):
    submit(jobs, requires=requires)
    assert beat(jobs, "w").lacking == {class_of(requires): 1}
    jobs.redis.lpush(queue_of(class_of(requires)), "token")
    assert beat(jobs, "w").lacking == {}


def waits_for(jobs, id):
    waiting_for = jobs.get(id).waiting_for
    assert waiting_for == jobs.page(limit=1, status="queued")[0][0].waiting_for
    return waiting_for.code, waiting_for.detail


def test_a_job_says_what_it_waits_for(jobs):
    id = submit(jobs, requires=needs(16 * GIB, "cuda"))
    assert waits_for(jobs, id) == ("no-worker", "no worker is alive")
    jobs.reap("old", {"name": "old"}, [])  # as version 0.2.0 does
    assert waits_for(jobs, id)[0] == "worker-too-old"
    beat(jobs, "small", "cuda", 8 * GIB)
    assert waits_for(jobs, id) == (
        "no-such-worker",
        "needs a worker with a CUDA device and 16 GiB of memory, and none that is alive has that",
    )
    beat(jobs, "large", "cuda", 16 * GIB)
    jobs.drain("large")  # which counts at once, not from the next heartbeat on
    assert waits_for(jobs, id)[0] == "draining"
    why = "waits for the store, which does not answer"
    beat(jobs, "other", "cuda", 16 * GIB, stalled=why)
    assert waits_for(jobs, id) == ("stalled", f"no worker that may run it takes jobs: other {why}")
    jobs.drain("large", draining=False)
    assert waits_for(jobs, id)[0] == "workers-busy"
    assert jobs.claim(OWNER, "large").job == id
    assert jobs.get(id).waiting_for is None


def test_a_worker_leaves_jobs_of_a_later_version_alone(jobs):
    """The next release will submit jobs of the version 4 like this."""
    fields = {"kind": "train", "recipe": RECIPE.model_dump_json(), "class": "v4", "schema": "4"}
    flat = [text for pair in fields.items() for text in pair]
    arguments = ["aaaa", json.dumps(PROGRESS), 100, 0, "", "", "", 0, *flat]
    assert jobs._run("submit", *arguments) == ["created", "aaaa"]
    state = beat(jobs, "w", "cuda", MOST_MEMORY)
    assert (state.newer, state.waiting) == (1, 0)
    assert jobs.claim(OWNER, "w") is None
    code, detail = waits_for(jobs, "aaaa")
    assert (code, "version 4" in detail) == ("worker-too-old", True)


def test_the_record_decides_whether_a_job_is_queued(jobs):
    """Version 0.1.0 changed only the record of a job, and the sets that it knew."""
    cancelled, queued = submit(jobs, requires=CUDA), submit(jobs, requires=CUDA)
    jobs.redis.hset(f"job:{cancelled}", "status", "cancelled")
    beat(jobs, "gpu", "cuda")
    assert [claim.job for claim in claim_all(jobs, "gpu")] == [queued]
