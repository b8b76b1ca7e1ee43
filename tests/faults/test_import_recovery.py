"""After kills and pauses, an import has made exactly one data set, and left nothing else."""

import io
import json
import os
import signal
import time
from contextlib import closing
from secrets import token_hex

import numpy as np
import pytest

from stepbox.data.builtin import DATASETS
from stepbox.importing.options import ImportOptions
from tests.datasets import make_dataset, stage
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
    file = io.BytesIO()
    np.savez(file, images=mnist.samples, labels=mnist.labels)
    return submit(stores, file.getvalue(), name)


def submit(stores, content, name="digits"):
    id = receive(stores, content)
    options, size = ImportOptions(name=name), len(content)
    stores.jobs.submit_import(options, content_type="", upload_bytes=size, id=id, queue_limit=9)
    return id


def receive(stores, content):
    """Receive a file, as the API does; return the job's id."""
    with closing(stores.uploads.receive(token_hex(8), len(content), stores.quota)) as file:
        file.write(content)
        return file.keep()


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
    job = wait_until(lambda: (job := stores.jobs.get(id)).finished_at and job, what="the job's end")
    assert job.status == status, job.error
    wait_until(lambda: not left_over(stores), what="nothing to be left")
    return job


def left_over(stores):
    """List what no visible data set needs."""
    scratch = [*stores.scratch.iterdir()] if stores.scratch.is_dir() else []
    places = {id for spec in visible(stores) for id in [stores.datasets._read(spec).place]}
    return [*scratch, *stores.uploads.ages(), *({*stores.datasets.places()} - places)]


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
    id = submit(stores, b"%PDF-1.7 this is a letter")
    job = wait_for_status(stores, id, "failed")
    assert (job.error.title, job.error.status) == ("The import failed", 422)
    assert "unexpected" not in job.error.detail
    assert visible(stores) == []


def test_a_missing_file_fails_the_import(own_stack, stores):
    id = upload(stores)
    stores.uploads.drop(id)
    own_stack.start_worker()
    job = wait_for_status(stores, id, "failed")
    assert job.error.status == 500
    assert "STEPBOX_DATASETS_DIR" in job.error.detail


def test_the_same_content_twice_is_one_data_set(own_stack, stores):
    own_stack.start_worker()
    first, second = upload(stores), upload(stores, name="again")
    ids = {wait_for_status(stores, id, "succeeded").dataset for id in (first, second)}
    assert visible(stores) == [*ids]


def test_an_import_that_exceeds_the_quota_leaves_nothing(own_stack, stores, monkeypatch):
    monkeypatch.setitem(own_stack.environment, "STEPBOX_DATA_QUOTA", "100000")
    own_stack.start_worker()
    id = upload(stores)  # the quota of the worker is lower
    job = wait_for_status(stores, id, "failed")
    assert "100,000 bytes are allowed" in job.error.detail
    assert visible(stores) == []


def test_a_worker_cleans_up_but_not_what_is_needed(own_stack, stores):
    """Files seem to be old if their times are, here those of everything in the store."""
    hold(own_stack, "publish")
    own_stack.start_worker(application=HOLDING)
    id = upload(stores)
    wait_for_hold(own_stack, "publish")
    waiting = receive(stores, b"a body whose job is about to be submitted")
    day_ago = time.time() - 86_500
    kept = {*stores.datasets.places()}
    spec, arrays = make_dataset("lost", (8, 8))
    lost = stage(stores.datasets, spec, arrays, f"{token_hex(8)}-1")
    left = receive(stores, b"a body without a job")
    for path in own_stack.settings().datasets_dir.rglob("*"):
        if waiting not in path.name:
            os.utime(path, (day_ago, day_ago))
    own_stack.start_worker("second", application="tests.worker.tidy")
    wait_until(lambda: left not in stores.uploads.ages(), what="the upload to be removed")
    wait_until(lambda: {*stores.datasets.places()} == kept, what="the lost files to be removed")
    assert {*stores.uploads.ages()} == {id, waiting}
    again = stage(stores.datasets, spec, arrays, f"{token_hex(8)}-1")
    for path in (own_stack.settings().datasets_dir / again).iterdir():
        os.utime(path, (day_ago, day_ago))
    wait_until(lambda: {*stores.datasets.places()} == kept, what="them to be removed again")
    assert lost != again
    stores.uploads.drop(waiting)
    release(own_stack, "publish")
    assert check_done(stores, id).attempts == 1
