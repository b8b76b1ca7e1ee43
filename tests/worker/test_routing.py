"""Real workers take the jobs that they can run, from the queues of their classes."""

import json

from stepbox.training.presets import RECIPES
from tests.processes import wait_until
from worker.memory import memory_limit

TINY = {"epochs": 1, "hidden_sizes": [2]}


def wait_for_workers(jobs, number):
    return wait_until(lambda: len(found := jobs.workers()) == number and found)


def code_of(stack, id):
    return stack.job(id)["waiting_for"]["code"]


def test_a_worker_takes_what_it_satisfies_and_leaves_the_rest(own_stack, jobs):
    own_stack.environment["CUDA_VISIBLE_DEVICES"] = ""
    own_stack.start_service()
    torch = {"recipe": "fashion-mnist-torch", **TINY}
    on_gpu = own_stack.train(**torch, requires={"device": "cuda"})["id"]
    huge = own_stack.train(**TINY, requires={"memory": 2**40})["id"]
    on_cpu = own_stack.train(**TINY, requires={"device": "cpu", "memory": 2**20})["id"]
    assert code_of(own_stack, on_cpu) == "no-worker"
    own_stack.start_worker()
    job = own_stack.wait_for(on_cpu)
    assert (job["status"], job["attempts"], job["waiting_for"]) == ("succeeded", 1, None)
    assert own_stack.wait_for(own_stack.train(**TINY)["id"])["status"] == "succeeded"
    for id in (on_gpu, huge):
        job = own_stack.job(id)
        assert (job["status"], job["attempts"]) == ("queued", 0)
        wait_until(lambda id=id: code_of(own_stack, id) == "no-such-worker")
    (worker,) = wait_for_workers(jobs, 1)
    assert worker["memory"] == memory_limit()
    assert worker["stalled"] is None


def test_the_waiting_jobs_of_others_are_no_stall(own_stack, jobs):
    """An idle worker reports and repairs nothing because of jobs that it may not run."""
    own_stack.environment["STEPBOX_STALL_S"] = "1"
    own_stack.start_service()
    own_stack.train(**TINY, requires={"memory": 2**40})
    worker = own_stack.start_worker()
    (about,) = wait_for_workers(jobs, 1)

    def heartbeat():
        return jobs.redis.zscore("workers:seen", about["name"])

    first = heartbeat()
    wait_until(lambda: heartbeat() > first + 4, what="heartbeats after the time for a stall")
    assert [one["stalled"] for one in wait_for_workers(jobs, 1)] == [None]
    assert "reconnects" not in worker.log.read_text()


def test_the_jobs_of_an_owner_share_the_workers_up_to_their_limit(own_stack, jobs):
    secrets = "alice=write:" + "a" * 16 + ",bob=write:" + "b" * 16
    own_stack.environment |= {"STEPBOX_TOKENS": secrets, "STEPBOX_OWNER_RUNNING": "1"}
    own_stack.start_worker("one")
    own_stack.start_worker("two")
    wait_for_workers(jobs, 2)
    long = {"epochs": 1000, "hidden_sizes": [2]}
    running = submit(jobs, "alice", long)
    wait_until(lambda: jobs.get(running).status == "running")
    waiting, other = submit(jobs, "alice", TINY), submit(jobs, "bob", TINY)
    wait_until(lambda: jobs.get(other).status == "succeeded")
    wait_until(lambda: jobs.get(waiting).waiting_for.code == "owner-cap")
    card = own_stack.models_dir / jobs.get(other).model / "card.json"
    assert json.loads(card.read_text())["submitted_by"] == "bob"
    jobs.cancel(running)
    wait_until(lambda: jobs.get(waiting).status == "succeeded")


def submit(jobs, owner, fields):
    recipe = RECIPES["mnist-numpy"].changed(**fields)
    return jobs.submit(recipe, samples=60000, queue_limit=100, submitted_by=owner).id
