"""Webhooks of a whole installation: whatever dies, the receiver is told, under one id."""

import os
import signal
import socket

import pytest
import requests

from jobs.connection import connect
from jobs.store import JobStore
from tests.jobs.test_job_store import submit
from tests.processes import stack_in, wait_until
from tests.receivers import receiving


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def webhook_stack(tmp_path, receiver):
    """An installation whose operator allows the receiver; the test starts its processes."""
    with stack_in(tmp_path, STEPBOX_WEBHOOK_ALLOW="127.0.0.1") as stack:
        yield stack


@pytest.fixture
def redis(webhook_stack):
    return webhook_stack.start_redis()


@pytest.fixture
def jobs(webhook_stack, redis):
    with connect(webhook_stack.settings()) as client:
        yield JobStore(client)


def cancelled(stack, receiver):
    """Submit a job and cancel it; return its id."""
    id = stack.train(webhook=receiver.url)["id"]
    assert requests.post(f"{stack.url}/jobs/{id}/cancel", timeout=60).status_code == 202
    return id


def wait_for_request(receiver, number=1):
    wait_until(lambda: len(receiver.requests) >= number, what=f"request {number}")


def wait_for_state(jobs, id, state="delivered"):
    return wait_until(
        lambda: (found := jobs.deliveries.get(id)).state == state and found, what=state
    )


def end_leases(jobs):
    for lane in jobs.redis.hkeys("webhooks:attempts"):
        jobs.redis.zadd("webhooks:lanes", {lane: 1})


def test_a_training_tells_its_receiver_when_it_has_ended(webhook_stack, jobs, receiver):
    webhook_stack.start_worker()
    webhook_stack.start_service()
    id = webhook_stack.train(epochs=1, hidden_sizes=[], webhook=receiver.url)["id"]
    job = webhook_stack.wait_for(id)
    wait_for_state(jobs, id)
    (received,) = receiver.requests
    message = received.verified(jobs.deliveries.secret())
    assert (message["type"], message["data"]) == ("job.succeeded", job)
    assert received.id == id


def test_an_api_that_is_killed_during_an_attempt_repeats_it(webhook_stack, jobs, receiver):
    receiver.open.clear()
    service = webhook_stack.start_service()
    id = cancelled(webhook_stack, receiver)
    wait_for_request(receiver)
    service.kill_group()
    assert jobs.deliveries.get(id).state == "pending"
    receiver.open.set()
    end_leases(jobs)
    webhook_stack.start_service()
    assert wait_for_state(jobs, id).attempts > 1
    assert len(receiver.requests) > 1
    assert {one.id for one in receiver.requests} == {id}
    assert len({one.body for one in receiver.requests}) == 1


def test_a_job_that_ends_while_no_api_runs_is_told_later(webhook_stack, jobs, receiver):
    service = webhook_stack.start_service()
    id = webhook_stack.train(webhook=receiver.url)["id"]
    assert service.stop() == 0
    jobs.cancel(id)
    webhook_stack.start_service()
    assert wait_for_state(jobs, id).attempts == 1


def test_an_api_that_stops_ends_its_attempts(webhook_stack, jobs, receiver):
    receiver.open.clear()
    service = webhook_stack.start_service()
    id = cancelled(webhook_stack, receiver)
    wait_for_request(receiver)
    os.kill(service.pid, signal.SIGTERM)
    receiver.open.set()
    assert service.stop() == 0
    assert jobs.deliveries.get(id).state == "delivered"
    assert len(receiver.requests) == 1


def test_an_api_that_drains_begins_no_further_attempt(webhook_stack, jobs, receiver):
    webhook_stack.environment["STEPBOX_PROCESSES"] = "1"
    receiver.open.clear()
    service = webhook_stack.start_service()
    running = submit(jobs).id
    first, second = (cancelled(webhook_stack, receiver) for _ in range(2))
    wait_for_request(receiver)
    url, address = f"{webhook_stack.url}/jobs/{running}/events", ("127.0.0.1", webhook_stack.port)
    with (
        requests.get(url, stream=True, timeout=60) as events,
        socket.create_connection(address, 60) as slow,
    ):
        head = b"POST /train HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        slow.sendall(head + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{")
        assert requests.get(f"{webhook_stack.url}/livez", timeout=60).ok  # `slow` is read now
        os.kill(service.pid, signal.SIGTERM)
        for _ in events.iter_content(None):  # it ends because the API drains
            pass
        receiver.open.set()
        wait_for_state(jobs, first)
        slow.sendall(b"}")
        assert slow.recv(2**16).startswith(b"HTTP/1.1 ")
    assert service.stop() == 0
    assert jobs.deliveries.get(second).attempts == 0


def test_redis_may_restart_in_between(webhook_stack, redis, jobs, receiver):
    webhook_stack.start_service()
    receiver.answers = [500]
    id = cancelled(webhook_stack, receiver)
    wait_until(lambda: jobs.deliveries.get(id).error, what="the first attempt to fail")
    assert redis.stop() == 0
    webhook_stack.start_redis()
    jobs.deliveries.retry(id)
    wait_for_state(jobs, id)
    assert {one.id for one in receiver.requests} == {id}


def test_a_slow_receiver_delays_no_other(webhook_stack, jobs, receiver):
    webhook_stack.start_service()
    receiver.open.clear()
    waiting = [cancelled(webhook_stack, receiver) for _ in range(3)]
    wait_for_request(receiver)
    with receiving() as other:
        id = cancelled(webhook_stack, other)
        wait_for_state(jobs, id)
        assert {jobs.deliveries.get(one).state for one in waiting} == {"pending"}
    receiver.open.set()
    for one in waiting:
        wait_for_state(jobs, one)
    assert {one.id for one in receiver.requests} == {*waiting}


def test_no_kill_loses_a_message(webhook_stack, jobs, receiver):
    ids = [submit(jobs, webhook=receiver.url).id for _ in range(10)]
    for id in ids:
        jobs.cancel(id)
    for _ in range(3):
        before = len(receiver.requests)
        receiver.open.clear()
        service = webhook_stack.start_service()
        wait_for_request(receiver, before + 1)
        service.kill_group()
        receiver.open.set()
        end_leases(jobs)
    webhook_stack.start_service()
    for id in ids:
        wait_for_state(jobs, id)
    assert {one.id for one in receiver.requests} == {*ids}
    assert len(receiver.requests) > len(ids)
