"""Workers whose device is not found, fails later, or is another than before."""

import socket

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


def test_a_worker_whose_device_is_not_found_exits(own_stack, jobs):
    waiting = submit(jobs)
    worker = own_stack.start_worker(application="tests.worker.hasty")
    wait_for_end(worker)
    assert "the device is not found: the search took longer than 0 s" in worker.log.read_text()
    assert jobs.get(waiting).attempts == 0


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
