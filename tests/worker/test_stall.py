"""A worker that takes nothing says so, and gets well without anybody's help."""

import os
import signal
from pathlib import Path

import pytest
import requests

from jobs.watch import Look
from tests.processes import wait_until
from tests.service.test_metrics import parse
from worker.alive import fault
from worker.stall import EXIT_STATUS, Stall

IDLE = Look(lacking=0, waiting=0, running=0, claimed="a:1")
STUCK = IDLE._replace(waiting=1)
TINY = {"epochs": 1, "hidden_sizes": [2]}


def start_deaf_worker(stack, how):
    stack.environment |= {"DEAF": how, "STEPBOX_STALL_S": "2"}
    options = "--queues training --concurrency 1 --without-gossip --without-mingle --loglevel INFO"
    return stack.start("worker", *f"celery -A tests.worker.deaf worker {options}".split())


@pytest.mark.parametrize(
    "between", [IDLE, STUCK._replace(running=1), STUCK._replace(claimed="a:2")]
)
def test_only_a_worker_that_takes_nothing_has_stalled(between):
    stall = Stall(30)
    moments = (0, 1, 30, 31, 60, 61)  # at the first it sees an earlier claim
    assert [stall.look(STUCK, now) for now in moments] == [0, 0, 0, 1, 0, 2]
    assert stall.why
    assert stall.look(between, 70) == 0
    assert stall.why is None
    assert [stall.look(STUCK, now) for now in (71, 72, 100)] == [0, 0, 0]


def test_while_redis_is_away_no_worker_stalls():
    stall = Stall(30)
    stall.look(STUCK, 0)
    stall.look(STUCK, 1)
    stall.begin_anew()
    assert stall.look(STUCK, 100) == 0
    assert stall.look(STUCK, 130) == 1


def test_a_pool_process_that_hangs_is_replaced(own_stack, jobs):
    own_stack.environment["STEPBOX_STALL_S"] = "2"
    worker = own_stack.start_worker()
    own_stack.start_service()
    assert own_stack.wait_for(own_stack.train(**TINY)["id"])["status"] == "succeeded"
    (child,) = set(worker.children()) & set(pool_of(worker))
    os.kill(child, signal.SIGSTOP)
    job = own_stack.wait_for(own_stack.train(**TINY)["id"])
    assert (job["status"], job["attempts"]) == ("succeeded", 1)
    assert worker.running()
    assert "a process hangs with a token" in worker.log.read_text()


def pool_of(worker):
    """List the worker's children that wait for jobs: what describes its device ends by itself."""
    return wait_until(lambda: len(found := worker.children()) == 1 and found)


def test_a_consumer_that_takes_nothing_connects_anew(own_stack, jobs):
    worker = start_deaf_worker(own_stack, "consumer")
    own_stack.start_service()
    job = own_stack.wait_for(own_stack.train(**TINY)["id"])
    assert (job["status"], job["attempts"]) == ("succeeded", 1)
    assert worker.running()
    assert "connects to Redis anew" in worker.log.read_text()


def test_a_worker_that_nothing_helps_says_so_and_ends(own_stack, jobs):
    worker = start_deaf_worker(own_stack, "loop")
    own_stack.start_service()
    wait_until(jobs.workers, what="the worker to be heard of")
    own_stack.train(**TINY)
    (said,) = wait_until(lambda: [one for one in jobs.workers() if one["stalled"]])
    assert said["stalled"] == "took no job for 2 s although one waits and it runs none"
    assert (
        fault(Path(own_stack.environment["STEPBOX_ALIVE_FILE"])) == f"the worker {said['stalled']}"
    )
    wait_until(lambda: not worker.running(), what="the worker to end")
    assert worker.stop() == EXIT_STATUS


@pytest.mark.parametrize("others", [0, 1])
def test_a_worker_that_has_stalled_is_told_of(own_stack, jobs, others):
    own_stack.start_service()
    stalled = {"name": "w", "device": {}, "versions": {}, "stalled": "took no job for 2 s"}
    workers = [stalled, *({**stalled, "name": "other", "stalled": None} for _ in range(others))]

    def ask(path):
        for about in workers:  # each is heard of for some seconds
            jobs.reap(about["name"], about, [])
        return requests.get(own_stack.url + path, timeout=10)

    ready = ask("/readyz")
    (check,) = [one for one in ready.json()["checks"] if one["name"] == "worker"]
    assert ready.status_code == (200 if others else 503)
    assert check["ready"] == bool(others)
    assert check["detail"] == f"{1 + others} alive; w: took no job for 2 s"
    told = {one["name"]: one["stalled"] for one in ask("/system").json()["workers"]}
    assert told == {about["name"]: about["stalled"] for about in workers}
    measured = parse(ask("/metrics").text)
    assert measured["stepbox_workers_stalled"][()] == 1
    assert measured["stepbox_workers"][()] == 1 + others
