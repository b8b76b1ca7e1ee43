"""A stalled worker reports that it has stalled, and repairs itself."""

import os
import signal
from pathlib import Path

import pytest
import requests

from jobs.watch import QueueState
from tests.processes import wait_until
from tests.service.test_metrics import parse
from worker.alive import find_fault
from worker.stall import EXIT_STATUS, Stall

IDLE = QueueState(lacking={}, waiting=0, newer=0, runs_last_claim=False, claimed="a:1")
STUCK = IDLE._replace(waiting=1)
TINY = {"epochs": 1, "hidden_sizes": [2]}


def start_deaf_worker(stack, how, stall_s):
    """Start a worker that takes no messages (see `tests.worker.deaf`)."""
    stack.environment |= {"DEAF": how, "STEPBOX_STALL_S": stall_s}
    options = "--queues training --concurrency 1 --without-gossip --without-mingle --loglevel INFO"
    return stack.start("worker", *f"celery -A tests.worker.deaf worker {options}".split())


@pytest.mark.parametrize(
    "between",
    [
        IDLE,
        STUCK._replace(runs_last_claim=True),
        STUCK._replace(claimed="a:2"),
        STUCK._replace(draining=True),
    ],
)
def test_only_an_idle_worker_that_takes_no_queued_job_has_stalled(between):
    stall = Stall(30)
    moments = (0, 1, 30, 31, 60, 61)  # the check at 0 sees a new claim
    assert [stall.check(STUCK, now) for now in moments] == [0, 0, 0, 1, 0, 2]
    assert stall.why
    assert stall.check(between, 70) == 0
    assert stall.why is None
    assert [stall.check(STUCK, now) for now in (71, 72, 100)] == [0, 0, 0]


def test_no_worker_stalls_while_redis_is_down():
    stall = Stall(30)
    stall.check(STUCK, 0)
    stall.check(STUCK, 1)
    stall.reset()
    assert stall.check(STUCK, 100) == 0
    assert stall.check(STUCK, 130) == 1


def test_a_pool_process_that_hangs_is_replaced(own_stack, jobs):
    # On a busy machine, Celery's pool takes 4 s to replace a process. If the worker waited for less
    # than that, it would use up its three repairs on the same process.
    own_stack.environment["STEPBOX_STALL_S"] = "20"
    worker = own_stack.start_worker()
    own_stack.start_service()
    assert own_stack.wait_for(own_stack.train(**TINY)["id"])["status"] == "succeeded"
    (child,) = set(worker.children()) & set(pool_of(worker))
    os.kill(child, signal.SIGSTOP)
    job = own_stack.wait_for(own_stack.train(**TINY)["id"])
    assert (job["status"], job["attempts"]) == ("succeeded", 1)
    assert worker.running()
    assert "a process that took a token hangs" in worker.log.read_text()


def pool_of(worker):
    """List the pool's processes, once the process that describes the device has ended."""
    return wait_until(lambda: len(found := worker.children()) == 1 and found)


def test_a_consumer_that_takes_no_messages_reconnects(own_stack, jobs):
    # Once it has reconnected, it must claim the job within this time, or else it is repaired again.
    worker = start_deaf_worker(own_stack, "consumer", stall_s="8")
    own_stack.start_service()
    job = own_stack.wait_for(own_stack.train(**TINY)["id"])
    assert (job["status"], job["attempts"]) == ("succeeded", 1)
    assert worker.running()
    assert "it reconnects to Redis" in worker.log.read_text()


def test_a_worker_exits_if_no_repair_helps(own_stack, jobs):
    worker = start_deaf_worker(own_stack, "loop", stall_s="2")
    own_stack.start_service()
    wait_until(jobs.workers, what="a heartbeat of the worker")
    own_stack.train(**TINY)
    (why,) = wait_until(lambda: [one["stalled"] for one in jobs.workers() if one["stalled"]])
    assert why == "is idle and took no job for 2 s although jobs are waiting"
    assert find_fault(Path(own_stack.environment["STEPBOX_ALIVE_FILE"])) == f"the worker {why}"
    wait_until(lambda: not worker.running(), what="the worker to end")
    assert worker.stop() == EXIT_STATUS


@pytest.mark.parametrize("others", [0, 1])
def test_the_api_reports_a_stalled_worker(own_stack, jobs, others):
    own_stack.start_service()
    stalled = {"name": "w", "device": {}, "versions": {}, "stalled": "took no job for 2 s"}
    workers = [stalled, *({**stalled, "name": "other", "stalled": None} for _ in range(others))]

    def ask(path):
        for about in workers:  # a heartbeat counts for some seconds
            jobs.reap(about["name"], about, [])
        return requests.get(own_stack.url + path, timeout=10)

    ready = ask("/readyz")
    (check,) = [one for one in ready.json()["checks"] if one["name"] == "worker"]
    assert ready.status_code == (200 if others else 503)
    assert check["ready"] == bool(others)
    assert check["detail"] == f"{1 + others} alive; w: took no job for 2 s"
    listed = {one["name"]: one["stalled"] for one in ask("/system").json()["workers"]}
    assert listed == {about["name"]: about["stalled"] for about in workers}
    measured = parse(ask("/metrics").text)
    assert measured["stepbox_workers_stalled"][()] == 1
    assert measured["stepbox_workers"][()] == 1 + others
