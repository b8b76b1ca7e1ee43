"""After kills and pauses, an import has made exactly one data set, and left nothing else."""

import json
import os
import signal
from secrets import token_hex

import numpy as np
import pytest

from stepbox.data.builtin import DATASETS
from stepbox.importing.options import ImportOptions
from tests.processes import wait_until
from worker.stores import Stores

HOLDING = "tests.worker.holding"
POINTS = ("report", "publish", "finish")


@pytest.fixture
def stores(own_stack, jobs, monkeypatch):
    monkeypatch.setitem(own_stack.environment, "HOLD_DIR", str(own_stack.folder))
    return Stores.of(own_stack.settings())


def upload(stores, *, name="digits"):
    """Submit the import of 300 images of digits, as the API does; return the job's id."""
    mnist = stores.datasets.load("mnist", "test")[:300]
    id = token_hex(8)
    path = stores.uploads.path(id)
    with path.open("wb") as file:
        np.savez(file, images=mnist.samples, labels=mnist.labels)
    return submit(stores, id, name)


def submit(stores, id, name="digits"):
    size = stores.uploads.path(id).stat().st_size
    options = ImportOptions(name=name)
    stores.jobs.submit_import(options, content_type="", upload_bytes=size, id=id, queue_limit=9)
    return id


def hold(own_stack, point):
    (own_stack.folder / point).touch()


def wait_for_hold(own_stack, point):
    wait_until((own_stack.folder / f"{point}.reached").exists, what=f"the worker to reach {point}")
    (own_stack.folder / f"{point}.reached").unlink()


def release(own_stack, point):
    (own_stack.folder / point).unlink()


def owner_of(stores, id):
    return {job: owner for job, _, owner in stores.jobs.owners()}[id]


def wait_for_status(stores, id, status):
    job = wait_until(
        lambda: (job := stores.jobs.get(id)).finished_at and job, seconds=60, what="the job's end"
    )
    assert job.status == status, job.error
    wait_until(lambda: not left_over(stores), what="nothing to be left")
    return job


def left_over(stores):
    return [*stores.datasets.attempts(), *stores.uploads.jobs()]


def visible(stores):
    """Return the ids of the uploaded data sets; each can be loaded."""
    found = [spec.id for spec in stores.datasets.specs() if spec.name not in DATASETS]
    for id in found:
        for split in ("train", "test"):
            stores.datasets.load(id, split)
    return found


def check_done(stores, id):
    """Check that an import has made the only data set, and completed once."""
    job = wait_for_status(stores, id, "succeeded")
    assert visible(stores) == [job.dataset]
    events = [fields for _, fields in stores.jobs.redis.xrange(f"events:{id}")]
    records = [json.loads(fields["record"]) for fields in events if fields["type"] == "status"]
    states = [dict(zip(flat[::2], flat[1::2], strict=True))["status"] for flat in records]
    assert (states.count("succeeded"), states[-1]) == (1, "succeeded")
    return job


@pytest.mark.parametrize("point", POINTS)
def test_an_import_succeeds_after_its_process_is_killed(own_stack, stores, point):
    hold(own_stack, point)
    own_stack.start_worker(application=HOLDING)
    id = upload(stores)
    for _ in range(2):
        wait_for_hold(own_stack, point)
        assert visible(stores) == [] or point == "finish"
        os.kill(owner_of(stores, id)["pid"], signal.SIGKILL)
    wait_for_hold(own_stack, point)
    release(own_stack, point)
    assert check_done(stores, id).attempts == 3


@pytest.mark.parametrize("point", POINTS)
def test_an_import_succeeds_after_its_worker_is_killed_and_restarted(own_stack, stores, point):
    hold(own_stack, point)
    worker = own_stack.start_worker(application=HOLDING)
    id = upload(stores)
    wait_for_hold(own_stack, point)
    worker.kill_group()
    release(own_stack, point)
    own_stack.start_worker()
    assert check_done(stores, id).attempts == 2


@pytest.mark.parametrize("point", ["report", "publish"])
def test_a_paused_attempt_that_continues_later_changes_nothing(own_stack, stores, point):
    """Another worker takes the import over when the lease expires."""
    hold(own_stack, point)
    paused = own_stack.start_worker("paused", application=HOLDING)
    id = upload(stores)
    wait_for_hold(own_stack, point)
    owner = owner_of(stores, id)
    for pid in (paused.pid, owner["pid"]):
        os.kill(pid, signal.SIGSTOP)
    stores.jobs.redis.hset(f"job:{id}", "owner", json.dumps({**owner, "boot": "another machine"}))
    own_stack.start_worker("other")
    assert check_done(stores, id).attempts == 2
    release(own_stack, point)
    for pid in (owner["pid"], paused.pid):
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: "lost to another worker" in paused.log.read_text())
    assert check_done(stores, id).attempts == 2


def test_a_stopped_worker_hands_its_import_back_at_once(own_stack, stores):
    hold(own_stack, "report")
    worker = own_stack.start_worker(application=HOLDING)
    id = upload(stores)
    wait_for_hold(own_stack, "report")
    worker.stop(signal.SIGTERM)
    assert stores.jobs.get(id).status == "queued"
    release(own_stack, "report")
    own_stack.start_worker()
    assert check_done(stores, id).attempts == 2


def test_a_running_import_is_cancelled(own_stack, stores):
    hold(own_stack, "report")
    own_stack.start_worker(application=HOLDING)
    id = upload(stores)
    wait_for_hold(own_stack, "report")
    stores.jobs.cancel(id)
    wait_until(lambda: "cancel" in stores.jobs.redis.hgetall(f"job:{id}"))
    beat = int(stores.jobs.redis.hget(f"job:{id}", "beat") or 0)
    wait_until(lambda: int(stores.jobs.redis.hget(f"job:{id}", "beat") or 0) > beat + 1)
    release(own_stack, "report")
    wait_for_status(stores, id, "cancelled")
    assert visible(stores) == []


def test_an_import_that_is_cancelled_while_it_waits_leaves_nothing(own_stack, stores):
    id = upload(stores)
    stores.jobs.cancel(id)
    own_stack.start_worker()
    wait_until(lambda: not left_over(stores), what="nothing to be left")
    assert visible(stores) == []


def test_an_import_whose_process_dies_nine_times_leaves_nothing(own_stack, stores):
    hold(own_stack, "report")
    own_stack.start_worker(application=HOLDING)
    id = upload(stores)
    for _ in range(9):
        wait_for_hold(own_stack, "report")
        os.kill(owner_of(stores, id)["pid"], signal.SIGKILL)
    wait_until(lambda: stores.jobs.get(id).finished_at)
    assert "died 9 times" in stores.jobs.get(id).error.detail
    stores.sweep()
    assert left_over(stores) == []
    assert visible(stores) == []


def test_a_file_that_is_no_data_set_is_refused_in_words(own_stack, stores):
    own_stack.start_worker()
    stores.uploads.path("0" * 16).write_bytes(b"%PDF-1.7 this is a letter")
    id = submit(stores, "0" * 16)
    job = wait_for_status(stores, id, "failed")
    assert (job.error.title, job.error.status) == ("The import failed", 422)
    assert "unexpected" not in job.error.detail
    assert visible(stores) == []


def test_a_missing_file_fails_the_import(own_stack, stores):
    own_stack.start_worker()
    id = upload(stores)
    stores.uploads.drop(id)
    job = wait_for_status(stores, id, "failed")
    assert job.error.status == 500
    assert "STEPBOX_DATASETS_DIR" in job.error.detail


def test_the_same_content_twice_is_one_data_set(own_stack, stores):
    own_stack.start_worker()
    first, second = upload(stores), upload(stores, name="again")
    ids = {wait_for_status(stores, id, "succeeded").dataset for id in (first, second)}
    assert visible(stores) == [*ids]
