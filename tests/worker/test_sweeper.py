"""The thread of a worker that sweeps the store."""

from tests.jobs.test_job_store import submit
from tests.processes import wait_until


def test_the_sweeps_go_on_after_an_unexpected_error(own_stack, jobs):
    id = submit(jobs).id
    jobs.cancel(id)
    jobs.redis.hset(f"job:{id}", "kind", "dream")  # this version cannot read the job
    left = own_stack.settings().scratch_dir / f"{id}-1"
    left.mkdir(parents=True)
    worker = own_stack.start_worker(application="tests.worker.tidy")
    wait_until(
        lambda: "the store cannot be swept\n" in worker.log.read_text(),
        seconds=180,
        what="a sweep that fails",
    )
    assert left.exists()
    jobs.redis.hset(f"job:{id}", "kind", "train")
    wait_until(lambda: not left.exists(), seconds=180, what="the files to be removed")
