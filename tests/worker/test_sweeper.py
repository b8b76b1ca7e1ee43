"""The thread of a worker that sweeps the store."""

from jobs.archiving import Archiver
from stepbox.store.folder import FolderStore
from tests.jobs.test_archive import fill
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


def test_a_damaged_file_of_the_archive_stops_nothing_else(own_stack, jobs):
    """Whether a job has ended may be in this file, so the files of such a job stay."""
    own_stack.environment["STEPBOX_ARCHIVE_JOBS"] = "2"
    archive = FolderStore(own_stack.settings().folders["archive"])
    fill(jobs, 4)
    Archiver(jobs, archive, days=0, most=2).clean_up()
    (name,) = archive.names()
    archive.put(name, b"damaged")
    ended = submit(jobs).id
    jobs.cancel(ended)
    left = [own_stack.settings().scratch_dir / f"{id}-1" for id in ("0" * 16, ended, "f" * 16)]
    for folder in left:
        folder.mkdir(parents=True)
    worker = own_stack.start_worker(application="tests.worker.tidy")
    wait_until(lambda: not left[1].exists(), seconds=180, what="the files to be removed")
    wait_until(
        lambda: jobs.redis.hlen("archive:files") == 2, seconds=180, what="a job to be archived"
    )
    assert left[0].exists()
    assert left[2].exists()
    log = worker.log.read_text()
    assert f"WARNING worker.stores: the files of job {'0' * 16} stay, because a file" in log


def test_one_part_that_fails_stops_no_other(own_stack, jobs):
    """The archive is a file, so nothing can be written there."""
    own_stack.environment["STEPBOX_ARCHIVE_JOBS"] = "2"
    folder = own_stack.settings().folders["archive"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    fill(jobs, 4)
    ended = submit(jobs).id
    jobs.cancel(ended)
    left = own_stack.settings().scratch_dir / f"{ended}-1"
    worker = own_stack.start_worker(application="tests.worker.tidy")
    wait_until(
        lambda: "WARNING worker.sweeper" in worker.log.read_text(),
        seconds=180,
        what="archiving to fail",
    )
    left.mkdir(parents=True)
    wait_until(lambda: not left.exists(), seconds=180, what="the files to be removed")
    folder.unlink()
    wait_until(
        lambda: jobs.redis.hlen("archive:files") == 1, seconds=180, what="jobs to be archived"
    )
