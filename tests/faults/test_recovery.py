"""After kills and pauses, no job is lost or completed twice, and its weights are the same."""

import json
import os
import random
import resource
import signal
import time

import pytest
import requests

from jobs.connection import connect
from jobs.queue import QUEUE, make_celery, send_token
from jobs.settings import Settings
from jobs.store import JobStore
from stepbox.training.presets import RECIPES
from tests.faults.checks import check_undisturbed
from tests.faults.reference import reference
from tests.faults.test_import_recovery import HOLDING, hold, release, wait_for_hold
from tests.jobs.test_measures import NO_RECOVERIES
from tests.processes import wait_until

NUMPY = {"epochs": 10, "hidden_sizes": (8,), "seed": 1}
TORCH = {
    "recipe": "fashion-mnist-torch", "epochs": 6, "hidden_sizes": (16,), "batch_size": 512,
    "seed": 1,
}  # fmt: skip
LAYERS = [
    {"type": "convolution", "channels": 4, "kernel": 5, "stride": 2, "padding": 1},
    {"type": "max-pool", "size": 2},
]
NUMPY_CONVOLUTION = {
    "recipe": "mnist-numpy-convolution", "epochs": 3, "layers": LAYERS, "augmentation": "none",
}  # fmt: skip
TORCH_CONVOLUTION = {
    "recipe": "mnist-torch-convolution", "epochs": 3, "batch_size": 512, "augmentation": "none",
    "layers": [LAYERS[0] | {"stride": 4}, LAYERS[1]],
}  # fmt: skip

WITHOUT_CAPABILITIES = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def check_empty_store(stack):
    listed = requests.get(f"{stack.url}/models", timeout=10).json()
    assert listed == {"models": [], "damaged": [], "next": None}
    staged = stack.models_dir / ".staged"
    assert not staged.exists() or not list(staged.iterdir())


def wait_and_check(stack, jobs, id, fields):
    check_undisturbed(stack, jobs, stack.wait_for(id), reference(**fields))


def owner_of(jobs, id):
    return {job: owner for job, _, owner in jobs.owners()}.get(id)


def start_holding_worker(stack, *points, name="worker"):
    """Start a worker that waits at these points of a job, so that it lasts as long as it must."""
    stack.environment["HOLD_DIR"] = str(stack.folder)
    for point in points:
        hold(stack, point)
    return stack.start_worker(name, application=HOLDING)


@pytest.mark.parametrize(
    ("fields", "epochs"),
    [(NUMPY, (3, 6)), (TORCH, (3,)), (NUMPY_CONVOLUTION, (2,)), (TORCH_CONVOLUTION, (2,))],
    ids=["numpy", "torch", "numpy convolution", "torch convolution"],
)
def test_a_job_continues_from_its_checkpoint_after_its_process_is_killed(
    own_stack, jobs, fields, epochs
):
    worker = start_holding_worker(own_stack, *(f"epoch-{epoch}" for epoch in epochs))
    own_stack.start_service()
    id = own_stack.train(**fields)["id"]
    checkpoints = []
    for attempt, epoch in enumerate(epochs, 1):
        wait_for_hold(own_stack, f"epoch-{epoch}")
        wait_until(lambda seen=epoch: len(own_stack.job(id)["history"]) == seen)
        checkpoints.append(jobs.checkpoint(id))  # the last one: it is stored with its epoch
        os.kill(owner_of(jobs, id)["pid"], signal.SIGKILL)
        release(own_stack, f"epoch-{epoch}")
        wait_until(lambda attempts=attempt + 1: own_stack.job(id)["attempts"] == attempts)
    wait_and_check(own_stack, jobs, id, fields)
    log = worker.log.read_text()
    assert [name for name in checkpoints if f"going on from {name}" not in log] == []
    assert not (own_stack.models_dir / ".checkpoints" / id).exists()


def test_a_job_continues_after_its_worker_is_killed_and_restarted(own_stack, jobs):
    worker = start_holding_worker(own_stack, "epoch-2")
    own_stack.start_service()
    id = own_stack.train(**NUMPY)["id"]
    waiting = own_stack.train(epochs=1, hidden_sizes=[2])["id"]
    wait_for_hold(own_stack, "epoch-2")
    worker.stop(signal.SIGKILL)
    release(own_stack, "epoch-2")
    start_holding_worker(own_stack, "epoch-4")
    wait_for_hold(own_stack, "epoch-4")
    assert own_stack.job(id)["attempts"] == 2
    assert own_stack.job(waiting)["attempts"] == 0  # the killed job comes first
    release(own_stack, "epoch-4")
    wait_and_check(own_stack, jobs, id, NUMPY)
    assert own_stack.wait_for(waiting)["status"] == "succeeded"


def test_a_stopped_worker_hands_its_job_back_at_once(own_stack, jobs):
    worker = start_holding_worker(own_stack, "epoch-2")
    own_stack.start_service()
    id = own_stack.train(**NUMPY)["id"]
    wait_for_hold(own_stack, "epoch-2")
    worker.stop(signal.SIGTERM)
    job = own_stack.job(id)
    assert (job["status"], job["queue_position"]) == ("queued", 0)
    assert jobs.measure().recoveries == NO_RECOVERIES | {"stop": 1}
    own_stack.start_worker()
    wait_and_check(own_stack, jobs, id, NUMPY)


def test_a_paused_worker_that_continues_later_cannot_write(own_stack, jobs):
    """Another worker takes the job over when the lease expires, as if the machine had died."""
    paused = start_holding_worker(own_stack, "epoch-2", name="paused")
    own_stack.start_service()
    id = own_stack.train(**NUMPY)["id"]
    wait_for_hold(own_stack, "epoch-2")
    owner = owner_of(jobs, id)
    for pid in (paused.pid, owner["pid"]):
        os.kill(pid, signal.SIGSTOP)
    stopped = time.monotonic()
    jobs.redis.hset(f"job:{id}", "owner", json.dumps({**owner, "boot": "another machine"}))

    own_stack.start_worker("other")  # watches the lease once it is ready
    wait_until(lambda: own_stack.job(id)["attempts"] == 2)
    assert time.monotonic() - stopped > 5  # the lease had to expire first
    release(own_stack, "epoch-2")
    for pid in (owner["pid"], paused.pid):
        os.kill(pid, signal.SIGCONT)
    wait_and_check(own_stack, jobs, id, NUMPY)
    assert own_stack.job(id)["attempts"] == 2
    wait_until(lambda: "lost to another worker" in paused.log.read_text())


def test_a_job_succeeds_although_redis_is_killed_at_random_moments(own_stack):
    rng = random.Random(1)
    redis = own_stack.start_redis()
    own_stack.start_worker()
    own_stack.start_service()
    id = own_stack.train(**NUMPY)["id"]
    for _ in range(3):
        time.sleep(rng.uniform(0.2, 2.5))
        redis.stop(signal.SIGKILL)
        time.sleep(rng.uniform(0, 1.5))
        redis = own_stack.start_redis()
    job = wait_until(lambda: (job := own_stack.job(id))["status"] == "succeeded" and job)
    with connect(own_stack.settings()) as client:
        check_undisturbed(own_stack, JobStore(client), job, reference(**NUMPY))
    assert job["attempts"] == 1


def test_a_job_without_a_token_is_not_lost(own_stack, jobs):
    """A job has no token if the API is killed before it sends the token."""
    recipe = RECIPES["mnist-numpy"].model_copy(update={"epochs": 100})
    id = jobs.submit(recipe, samples=60000, queue_limit=9).id
    assert jobs.redis.llen(QUEUE) == 0  # only the record exists
    own_stack.start_worker()
    wait_until(lambda: jobs.get(id).status == "running")
    jobs.cancel(id)


def test_lost_and_surplus_tokens_do_no_harm(own_stack, jobs):
    own_stack.start_worker()
    own_stack.start_service()
    ids = [own_stack.train(epochs=1, hidden_sizes=[2])["id"] for _ in range(3)]
    jobs.redis.delete(QUEUE)
    celery = make_celery(Settings())
    for _ in range(20):
        send_token(celery)
    celery.close()
    for id in ids:
        job = own_stack.wait_for(id)
        assert (job["status"], job["attempts"]) == ("succeeded", 1)


def test_a_training_continues_if_checkpoints_cannot_be_written(own_stack, jobs):
    (own_stack.models_dir / ".checkpoints").write_text("no folder can be made here")
    worker = own_stack.start_worker()
    own_stack.start_service()
    wait_and_check(own_stack, jobs, own_stack.train(**NUMPY)["id"], NUMPY)
    assert "no checkpoint is written" in worker.log.read_text()


def test_a_job_fails_with_a_problem_if_its_model_cannot_be_written(own_stack, jobs):
    (own_stack.models_dir / ".staged").write_text("no folder can be made here")
    own_stack.start_worker()
    own_stack.start_service()
    job = own_stack.wait_for(own_stack.train(epochs=1, hidden_sizes=[2])["id"])
    assert job["status"] == "failed"
    assert ".staged" in job["error"]["detail"] or "directory" in job["error"]["detail"]
    assert job["model"] is None


@pytest.mark.container
def test_a_job_fails_on_a_full_disk_and_leaves_no_partial_model(own_stack, jobs):
    """A limit on the size of files stands for the full disk: both stop a write in the middle."""
    worker = own_stack.start_worker()
    own_stack.start_service()
    wait_until(jobs.workers, what="a heartbeat of the worker")
    for pid in (worker.pid, *worker.children()):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (2**20, 2**20))
    job = own_stack.wait_for(own_stack.train(epochs=1, hidden_sizes=[256])["id"])
    assert (job["status"], job["model"]) == ("failed", None)
    assert "File too large" in job["error"]["detail"]
    assert "no checkpoint is written" in worker.log.read_text()
    check_empty_store(own_stack)
    assert own_stack.wait_for(own_stack.train(epochs=1, hidden_sizes=[2])["id"])["model"]


@pytest.mark.container
def test_a_job_fails_if_the_store_is_read_only(own_stack, jobs):
    own_stack.models_dir.chmod(0o555)
    try:
        able = os.access(own_stack.models_dir, os.W_OK)  # root with capabilities can write anyway
        worker = own_stack.start_worker("worker", *(WITHOUT_CAPABILITIES if able else ()))
        own_stack.start_service()
        job = own_stack.wait_for(own_stack.train(epochs=1, hidden_sizes=[2])["id"])
    finally:
        own_stack.models_dir.chmod(0o755)
    assert (job["status"], job["model"]) == ("failed", None)
    assert "Permission denied" in job["error"]["detail"]
    assert "no checkpoint is written" in worker.log.read_text()
    check_empty_store(own_stack)
