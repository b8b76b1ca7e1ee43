"""The reaper sends the heartbeats of its worker, and finds out its device."""

import sys

from redis.exceptions import RedisError

from jobs.queue import make_celery, send_token
from tests.processes import wait_until
from worker.device import DeviceSearch


def test_a_worker_sends_heartbeats_once_it_accepts_jobs(own_stack, redis_process, jobs):
    redis_process.stop()
    worker = own_stack.start_worker()
    wait_until(lambda: "Cannot connect to" in worker.log.read_text(), what="the first attempt")
    own_stack.start_redis()  # the worker retries some seconds later

    def workers():
        try:
            return jobs.workers()
        except RedisError:
            return []

    wait_until(workers, what="a heartbeat of the worker")
    assert "Connected to redis" in worker.log.read_text()
    wait_until(lambda: " ready." in worker.log.read_text(), what="Celery to log it after that")


def test_the_device_is_found_without_a_job(own_stack, jobs):
    own_stack.start_worker()
    wait_until(
        lambda: [one["name"] for one in jobs.workers() if one["device"]["name"] != "unknown"],
        what="the description of the worker",
    )


def test_a_failed_search_says_why(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    search = DeviceSearch()
    device = search.result()["device"]
    assert device == {"name": "unknown", "detail": "not found: exit status 1"}


def test_the_heartbeat_and_the_end_wait_for_no_round(own_stack, jobs):
    worker = own_stack.start_worker(application="tests.worker.unhurried")
    wait_until(jobs.workers, what="a heartbeat of the worker")
    send_token(make_celery(own_stack.settings()))  # Celery can end once it reads tokens, not before
    wait_until(lambda: "a surplus token" in worker.log.read_text(), what="the token to be read")
    assert worker.stop() == 0
