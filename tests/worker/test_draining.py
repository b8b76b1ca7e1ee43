"""A worker that drains gives its job back, stays alive, and takes no job until it is resumed."""

from urllib.parse import quote

import requests

from jobs.queue import QUEUE
from tests.faults.checks import check_undisturbed
from tests.faults.reference import reference
from tests.processes import wait_until

LONG = {"epochs": 6, "hidden_sizes": (8,), "seed": 1}
HELD = "epoch-3"
TINY = {"epochs": 1, "hidden_sizes": [2]}


def name_of(jobs, start):
    """Return the name of a worker, once it is alive; it ends with the name of this machine."""
    found = wait_until(
        lambda: [one["name"] for one in jobs.workers() if one["name"].startswith(f"{start}@")],
        what=f"a heartbeat of {start}",
    )
    return found[0]


def send(stack, name, action):
    answer = requests.post(f"{stack.url}/workers/{quote(name, safe='')}/{action}", timeout=10)
    assert answer.status_code == 202, answer.text
    return answer.json()


def workers(stack):
    listed = requests.get(f"{stack.url}/system", timeout=10).json()["workers"]
    return {one["name"]: one["draining"] for one in listed}


def readiness(stack):
    answer = requests.get(f"{stack.url}/readyz", timeout=10)
    (check,) = [one for one in answer.json()["checks"] if one["name"] == "worker"]
    return answer.status_code, check["detail"]


def test_a_job_of_a_draining_worker_continues_on_another_one(own_stack, jobs, redis_process):
    own_stack.environment["HOLD_DIR"] = str(own_stack.folder)
    drained = own_stack.start_worker("drained", application="tests.worker.holding")
    own_stack.start_service()
    name = name_of(jobs, "drained")
    (own_stack.folder / HELD).touch()
    id = own_stack.train(**LONG)["id"]
    wait_until((own_stack.folder / f"{HELD}.reached").exists, what="some epochs")
    wait_until(lambda: len(own_stack.job(id)["history"]) == 3, what="them to be reported")
    assert send(own_stack, name, "drain")["draining"]

    job = own_stack.job(id)
    assert (job["status"], job["queue_position"], job["attempts"]) == ("queued", 0, 1)
    # A worker counts as alive only for some seconds after a heartbeat.
    wait_until(lambda: workers(own_stack) == {name: True})
    wait_until(lambda: readiness(own_stack) == (503, f"1 alive; {name}: is draining"))
    (own_stack.folder / HELD).unlink()
    wait_until(lambda: "lost to another worker" in drained.log.read_text(), what="the job to stop")
    wait_until(lambda: f"Canceling queue {QUEUE}" in drained.log.read_text())
    # No worker takes the token, so it stays.
    wait_until(lambda: jobs.redis.llen(QUEUE) >= 1, what="a token for the waiting job")

    redis_process.kill_group()
    own_stack.start_redis()
    other = own_stack.start_worker("other")
    check_undisturbed(own_stack, jobs, own_stack.wait_for(id), reference(**LONG))
    job = own_stack.job(id)
    assert (job["attempts"], job["worker"]) == (2, name_of(jobs, "other"))
    assert "going on from e" in other.log.read_text()
    wait_until(lambda: len(workers(own_stack)) == 2 and readiness(own_stack)[0] == 200)

    assert not send(own_stack, name, "resume")["draining"]
    send(own_stack, name_of(jobs, "other"), "drain")
    job = own_stack.wait_for(own_stack.train(**TINY)["id"])
    assert (job["status"], job["worker"]) == ("succeeded", name)
    assert drained.running()


def test_a_draining_worker_takes_jobs_when_it_starts_again(own_stack, jobs):
    worker = own_stack.start_worker()
    own_stack.start_service()
    name = name_of(jobs, "worker")
    send(own_stack, name, "drain")
    id = own_stack.train(**TINY)["id"]
    wait_until(lambda: f"Canceling queue {QUEUE}" in worker.log.read_text())
    assert own_stack.job(id)["status"] == "queued"
    worker.stop()
    own_stack.start_worker()
    assert own_stack.wait_for(id)["status"] == "succeeded"
    wait_until(lambda: workers(own_stack) == {name: False})
