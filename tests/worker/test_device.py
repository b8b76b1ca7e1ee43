"""Workers whose device is not found, fails later, or is another than before."""

import socket

import requests

from jobs.queue import make_celery, send_token
from stepbox.training.presets import RECIPES
from stepbox.training.requirements import Requirements
from tests.jobs.test_routing import beat
from tests.processes import wait_until
from worker.stall import EXIT_STATUS

CUDA = Requirements(device="cuda")


def submit(jobs, recipe="mnist-numpy", **more):
    small = RECIPES[recipe].changed(epochs=1, hidden_sizes=[2])
    return jobs.submit(small, samples=60000, queue_limit=100, **more).id


def workers_check(stack):
    """Read what /readyz says about the workers."""
    checks = requests.get(f"{stack.url}/readyz", timeout=10).json()["checks"]
    return next(check["detail"] for check in checks if check["name"] == "worker")


def wait_for_end(worker):
    wait_until(lambda: not worker.running(), seconds=180, what="the worker to end")
    assert worker.stop() == EXIT_STATUS


def test_a_worker_whose_gpu_fails_gives_its_job_back_and_exits(own_stack, jobs):
    first, second = (submit(jobs, "fashion-mnist-torch", requires=CUDA) for _ in range(2))
    worker = own_stack.start_worker(application="tests.worker.misled")
    wait_for_end(worker)
    assert "trainings no longer run on cuda (NVIDIA H200)" in worker.log.read_text()
    lost, untouched = jobs.get(first), jobs.get(second)
    assert (lost.status, lost.attempts) == ("queued", 1)
    assert jobs.redis.hget(f"job:{first}", "deaths") == "1"
    assert (untouched.status, untouched.attempts) == ("queued", 0)


def test_a_worker_whose_device_is_not_found_says_so_until_it_is(own_stack, jobs):
    waiting = submit(jobs)
    repaired = own_stack.folder / "repaired"
    own_stack.environment["STEPBOX_TEST_REPAIRED"] = str(repaired)
    worker = own_stack.start_worker(application="tests.worker.hasty")
    [about] = wait_until(jobs.workers, seconds=180, what="a heartbeat")
    assert about["device"]["name"] == "unknown"
    why = "takes no job, because its device is not found: the search took longer than 0 s"
    assert about["stalled"] == why
    repaired.touch()
    wait_for_end(worker)
    assert "so that it is started again: its device is found now" in worker.log.read_text()
    assert jobs.get(waiting).attempts == 0


def test_a_worker_without_torch_leaves_all_jobs_to_others(own_stack, jobs):
    own_stack.start_service()
    own_stack.start_worker("broken", application="tests.worker.broken")
    [about] = wait_until(jobs.workers, seconds=180, what="a heartbeat")
    assert "No module named" in about["stalled"]
    waiting = submit(jobs)
    why = wait_until(
        lambda: "No module named" in (found := jobs.get(waiting).waiting_for).detail and found,
        what="the reason to wait",
    )
    assert why.code == "stalled"
    wait_until(
        lambda: "takes no job, because its device is not found" in workers_check(own_stack),
        what="/readyz to say so",
    )
    own_stack.start_worker("whole")
    wait_until(lambda: jobs.get(waiting).status == "succeeded", seconds=180)
    assert jobs.get(waiting).attempts == 1


def test_a_worker_takes_no_jobs_of_an_earlier_one_with_its_name(own_stack, jobs):
    own_stack.environment["CUDA_VISIBLE_DEVICES"] = ""
    beat(jobs, f"worker@{socket.gethostname()}", "cuda")  # it had a GPU
    on_gpu = submit(jobs, "fashion-mnist-torch", requires=CUDA)
    for_all = submit(jobs)
    app = make_celery(own_stack.settings())
    for _ in range(2):
        send_token(app)
    own_stack.start_worker(application="tests.worker.hesitant")
    wait_until(lambda: jobs.get(for_all).status == "succeeded", seconds=180)
    assert (jobs.get(on_gpu).status, jobs.get(on_gpu).attempts) == ("queued", 0)
