"""After kills and pauses, a prediction has the same bytes as an undisturbed one."""

import io
import json
import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from jobs.record import PredictionTask, UploadedSamples
from service.app import create_app
from service.settings import ServiceSettings
from stepbox.data.builtin import DATASETS
from stepbox.store.predictions import FORMATS
from tests.faults.test_import_recovery import (
    HOLDING,
    hold,
    owner_of,
    receive,
    release,
    wait_for_hold,
)
from tests.processes import wait_until
from tests.service.conftest import publish
from worker.stores import Stores

MIDDLE = "predicted-31000"  # of 60,000, within the fourth block


@pytest.fixture
def stores(own_stack, jobs, monkeypatch):
    monkeypatch.setitem(own_stack.environment, "HOLD_DIR", str(own_stack.folder))
    return Stores.of(own_stack.settings())


@pytest.fixture
def model(own_stack, stores):
    """Publish an untrained model; return its id."""
    return publish(SimpleNamespace(settings=own_stack.settings()))[0]


def predict(stores, model, split="train", **options):
    """Submit the prediction of MNIST, as the API does; return the job's id."""
    task = PredictionTask(model=model, dataset="mnist", split=split)
    samples = {"train": 60_000, "test": 10_000}[split]
    return stores.jobs.submit_prediction(task, samples=samples, queue_limit=9, **options).id


def end_of(stores, id, status="succeeded"):
    """Wait for the end of a job, and until it has left nothing but its result."""
    job = wait_until(lambda: (job := stores.jobs.get(id)).finished_at and job, what="the job's end")
    assert job.status == status, job.error
    wait_until(lambda: not left_over(stores), what="nothing to be left")
    return job


def left_over(stores):
    """List the files that no visible prediction needs."""
    scratch = [*stores.scratch.iterdir()] if stores.scratch.is_dir() else []
    attempts = [
        f"{job}/{attempt}"
        for job in stores.predictions.jobs()
        for attempt in stores.predictions._attempts(job)
        if job not in stores.predictions.visible() or attempt != stores.predictions._attempt(job)
    ]
    return [*scratch, *stores.checkpoints.jobs(), *attempts]


def result(stores, id):
    """Return the description and the bytes of each file."""
    files = {}
    for format in FORMATS:
        with stores.predictions.open(id, format) as file:
            files[format] = file.read()
    return stores.predictions.get(id), files


def kill_owner(stores, id):
    os.kill(owner_of(stores, id)["pid"], signal.SIGKILL)


@pytest.mark.parametrize("point", [MIDDLE, "publish", "finish"])
def test_a_killed_prediction_has_the_bytes_of_an_undisturbed_one(own_stack, stores, model, point):
    worker = own_stack.start_worker()
    wanted = predict(stores, model)
    end_of(stores, wanted)
    worker.stop()
    hold(own_stack, point)
    own_stack.start_worker(application=HOLDING)
    id = predict(stores, model)
    for _ in range(2):
        wait_for_hold(own_stack, point)
        assert (id in stores.predictions.visible()) == (point == "finish")
        kill_owner(stores, id)
    wait_for_hold(own_stack, point)
    if point == MIDDLE:  # the blocks before it are kept
        assert stores.checkpoints.load_logits(id, 20_000, 30_000).shape == (10_000, 10)
    release(own_stack, point)
    assert end_of(stores, id).attempts == 3
    assert result(stores, id) == result(stores, wanted)
    events = [fields for _, fields in stores.jobs.redis.xrange(f"events:{id}")]
    records = [json.loads(fields["record"]) for fields in events if fields["type"] == "status"]
    states = [dict(zip(flat[::2], flat[1::2], strict=True))["status"] for flat in records]
    assert (states.count("succeeded"), states[-1]) == (1, "succeeded")


def test_an_uploaded_file_is_kept_until_its_samples_are_predicted(own_stack, stores, model):
    digits = stores.datasets.load("mnist", "test")
    content = io.BytesIO()
    np.savez(content, images=digits.samples, labels=digits.labels)
    id = receive(stores, content.getvalue())
    file = UploadedSamples(label="label", content_type="", bytes=len(content.getvalue()))
    hold(own_stack, "predicted-5000")
    own_stack.start_worker(application=HOLDING)
    stores.jobs.submit_prediction(
        PredictionTask(model=model, file=file), samples=None, id=id, queue_limit=9
    )
    for _ in range(2):
        wait_for_hold(own_stack, "predicted-5000")
        assert [*stores.uploads.ages()] == [id]
        kill_owner(stores, id)
    wait_for_hold(own_stack, "predicted-5000")
    release(own_stack, "predicted-5000")
    assert end_of(stores, id).attempts == 3
    wanted = predict(stores, model, "test")
    end_of(stores, wanted)
    assert result(stores, id)[1] == result(stores, wanted)[1]
    assert [*stores.uploads.ages()] == []


def test_a_damaged_block_is_computed_again(own_stack, stores, model):
    hold(own_stack, MIDDLE)
    own_stack.start_worker(application=HOLDING)
    id = predict(stores, model)
    wait_for_hold(own_stack, MIDDLE)
    path = own_stack.settings().folders["checkpoints"] / id / "logits-10000-20000"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    kill_owner(stores, id)
    wait_for_hold(own_stack, MIDDLE)
    release(own_stack, MIDDLE)
    end_of(stores, id)
    wanted = predict(stores, model)
    end_of(stores, wanted)
    assert result(stores, id) == result(stores, wanted)


def test_a_paused_attempt_that_continues_later_changes_nothing(own_stack, stores, model):
    """Another worker takes the prediction over when the lease expires."""
    hold(own_stack, "publish")
    paused = own_stack.start_worker("paused", application=HOLDING)
    id = predict(stores, model, "test")
    wait_for_hold(own_stack, "publish")
    owner = owner_of(stores, id)
    for pid in (paused.pid, owner["pid"]):
        os.kill(pid, signal.SIGSTOP)
    stores.jobs.redis.hset(f"job:{id}", "owner", json.dumps({**owner, "boot": "another machine"}))
    own_stack.start_worker("other")
    assert end_of(stores, id).attempts == 2
    before = result(stores, id)
    release(own_stack, "publish")
    for pid in (owner["pid"], paused.pid):
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: "lost to another worker" in paused.log.read_text())
    assert result(stores, id) == before


def test_a_running_prediction_is_cancelled(own_stack, stores, model):
    hold(own_stack, MIDDLE)
    own_stack.start_worker(application=HOLDING)
    id = predict(stores, model)
    wait_for_hold(own_stack, MIDDLE)
    stores.jobs.cancel(id)
    beat = int(stores.jobs.redis.hget(f"job:{id}", "beat") or 0)
    wait_until(lambda: int(stores.jobs.redis.hget(f"job:{id}", "beat") or 0) > beat + 1)
    release(own_stack, MIDDLE)
    end_of(stores, id, "cancelled")
    assert stores.predictions.jobs() == []


def test_a_model_that_is_deleted_meanwhile_fails_the_next_attempt(own_stack, stores, model):
    hold(own_stack, MIDDLE)
    own_stack.start_worker(application=HOLDING)
    id = predict(stores, model)
    wait_for_hold(own_stack, MIDDLE)
    stores.models.delete(model)
    kill_owner(stores, id)
    job = end_of(stores, id, "failed")
    assert (job.error.title, job.error.status) == ("The prediction failed", 422)
    assert job.error.detail.startswith("/model: ")
    assert model in job.error.detail
    assert stores.predictions.jobs() == []


def test_a_prediction_that_exceeds_the_quota_leaves_nothing(own_stack, stores, model, monkeypatch):
    monkeypatch.setitem(own_stack.environment, "STEPBOX_DATA_QUOTA", "100000")
    own_stack.start_worker()
    job = end_of(stores, predict(stores, model, "test"), "failed")
    assert "100,000 bytes are allowed" in job.error.detail
    assert stores.predictions.jobs() == []


def test_a_prediction_whose_process_dies_nine_times_fails(own_stack, stores, model):
    hold(own_stack, "predicted-1000")
    own_stack.start_worker(application=HOLDING)
    id = predict(stores, model, "test")
    for _ in range(9):
        wait_for_hold(own_stack, "predicted-1000")
        kill_owner(stores, id)
    wait_until(lambda: stores.jobs.get(id).finished_at)
    error = stores.jobs.get(id).error
    assert error.title == "The prediction failed"
    assert "died 9 times" in error.detail
    stores.sweep()
    assert left_over(stores) == []


def test_the_evaluation_is_that_of_the_card(own_stack, stores, model):
    own_stack.start_worker()
    id = predict(stores, model, "test", submitted_by="alice")
    end_of(stores, id)
    found = stores.predictions.get(id)
    assert found.evaluation == stores.models.card(model).evaluation
    assert found.dataset.id == DATASETS["mnist"].id
    assert len(found.uncertain) == 100
    app = create_app(ServiceSettings(**dict(own_stack.settings())))
    answer = app.test_client().get(f"/predictions/{id}")
    assert answer.status_code == 200
    assert answer.json["evaluation"]["accuracy"] == found.evaluation.accuracy
