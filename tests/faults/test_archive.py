"""Jobs that workers have moved to the archive are listed and read as before, whatever dies."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from jobs.connection import connect
from jobs.places import WORKER_PATIENCE_S, open_part
from jobs.store import JobStore
from tests.buckets import BUCKET, bucket_server
from tests.jobs.test_archive import fill, finish
from tests.processes import stack_in, wait_until

JOBS = 60
KEPT = 20


@pytest.fixture(params=["folder", "rclone"])
def place(request, tmp_path):
    """Provide settings of a store, and the server of its bucket, if it is in one."""
    if request.param == "folder":
        yield {}, None
        return
    with bucket_server(request.param, tmp_path / "bucket") as server:
        yield server.environment | {"STEPBOX_STORE": f"s3://{BUCKET}/lab"}, server


@pytest.fixture
def own_stack(place, tmp_path):
    """Provide an installation whose workers archive all but a few jobs."""
    settings = {
        "HOLD_DIR": str(tmp_path),
        "STEPBOX_ARCHIVE_JOBS": str(KEPT),
        "STEPBOX_CACHE_DIR": str(tmp_path / "cache"),
    }
    with stack_in(tmp_path / "stack", **settings, **place[0]) as stack:
        stack.start_redis()
        stack.start_service()
        yield stack


@pytest.fixture
def objects(own_stack, redis, monkeypatch):
    for name, value in own_stack.environment.items():
        if name.startswith(("AWS_", "STEPBOX_")):
            monkeypatch.setenv(name, value)
    settings = own_stack.settings().model_copy(
        update={"store": own_stack.environment.get("STEPBOX_STORE", "")}
    )
    return open_part(settings, "archive", lambda: redis, WORKER_PATIENCE_S)


@pytest.fixture
def redis(own_stack):
    with connect(own_stack.settings()) as client:
        yield client


@pytest.fixture
def before(own_stack, redis):
    """Finish jobs; return what the API answers about each, the newest first."""
    ids = fill(JobStore(redis), JOBS)
    return {id: own_stack.job(id) for id in ids}


def pages(stack, **query):
    """Return the ids on all pages."""
    ids, after = [], None
    while True:
        chosen = {"limit": 17, **query} | ({"after": after} if after else {})
        answer = requests.get(f"{stack.url}/jobs", params=chosen, timeout=30)
        assert answer.status_code == 200, answer.text
        ids += [job["id"] for job in answer.json()["jobs"]]
        after = answer.json()["next"]
        if after is None:
            return ids


def check(stack, before, each=1):
    """Compare what the API answers with what it answered before; read every `each`-th job."""
    assert pages(stack) == [*before]
    failed = [id for id, job in before.items() if job["status"] == "failed"]
    assert pages(stack, status="failed", limit=5) == failed
    for id in [*before][::each]:
        assert stack.job(id) == before[id]
    listed = requests.get(f"{stack.url}/jobs", params={"limit": 100}, timeout=30).json()["jobs"]
    assert listed == [job | {"losses": None} for job in before.values()]


def wait_until_moved(redis):
    wait_until(
        lambda: redis.zcard("jobs:all") == KEPT and not redis.exists("archive:turn"),
        seconds=180,
        what="the jobs to be archived",
    )


def test_everything_answers_as_before_while_jobs_move(own_stack, redis, before, objects):
    own_stack.start_worker(application="tests.worker.tidy")
    while redis.zcard("jobs:all") > KEPT:  # pages while the jobs move
        assert pages(own_stack) == [*before]
    wait_until_moved(redis)
    check(own_stack, before)
    oldest = [*before][-1]
    events = requests.get(f"{own_stack.url}/jobs/{oldest}/events", timeout=30).text
    assert events.count("event: epoch") == 2
    assert f'"id": "{oldest}"' in events.rpartition("event: status")[2]
    answer = requests.post(f"{own_stack.url}/jobs/{oldest}/cancel", timeout=30)
    assert answer.status_code == 409
    answer = requests.patch(f"{own_stack.url}/jobs/{oldest}", json={"title": "old"}, timeout=30)
    assert (answer.status_code, answer.json()["title"]) == (200, "old")
    assert requests.delete(f"{own_stack.url}/jobs/{oldest}", timeout=30).status_code == 204
    assert requests.get(f"{own_stack.url}/jobs/{oldest}", timeout=30).status_code == 404
    assert pages(own_stack) == [*before][:-1]


@pytest.mark.parametrize(
    ("place", "point"),
    [("folder", "write"), ("rclone", "register"), ("folder", "over")],
    indirect=["place"],
)
def test_a_killed_worker_loses_and_doubles_no_job(
    own_stack, redis, before, objects, tmp_path, point
):
    (tmp_path / point).touch()
    worker = own_stack.start_worker(application="tests.worker.archiving")
    wait_until((tmp_path / f"{point}.reached").exists, seconds=180, what=f"the point {point}")
    check(own_stack, before, each=7)
    worker.kill_group()
    check(own_stack, before, each=7)

    (tmp_path / point).unlink()
    redis.delete("archive:turn")  # otherwise, the next worker waits until its turn has expired
    own_stack.start_worker("second", application="tests.worker.tidy")
    wait_until_moved(redis)
    check(own_stack, before, each=7)
    for name in redis.zrange("archive:unregistered", 0, -1):
        redis.zadd("archive:unregistered", {name: 1})  # as if a day had passed
    wait_until(
        lambda: redis.zcard("archive:unregistered") == 0,
        seconds=180,
        what="files to be removed",
    )
    assert sorted(objects.names()) == sorted(redis.hkeys("archive:files"))
    check(own_stack, before)


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_archiving_takes_no_memory_of_the_process_that_trains(
    own_stack, redis, before, objects, tmp_path
):
    """So archiving may also be killed, and the worker goes on."""
    (tmp_path / "register").touch()
    worker = own_stack.start_worker(application="tests.worker.archiving")
    wait_until((tmp_path / "register.reached").exists, seconds=180, what="a file to be written")
    pid = int((tmp_path / "archiving").read_text())
    assert [*users_of_arrow(worker)] == [pid]
    os.kill(pid, signal.SIGKILL)
    (tmp_path / "register").unlink()
    redis.delete("archive:turn")  # otherwise, the next one waits until this turn has expired
    wait_until_moved(redis)
    wait_until(lambda: not [*users_of_arrow(worker)], what="archiving to end")
    check(own_stack, before, each=7)
    assert "jobs have moved to the archive" in worker.log.read_text()


def users_of_arrow(worker):
    """Yield the ids of a worker's processes that have loaded what writes Parquet."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended, or is of another user
            is_of_worker = os.getpgid(int(folder.name)) == worker.pid
            if is_of_worker and "/libarrow" in (folder / "maps").read_text():
                yield int(folder.name)


@pytest.mark.parametrize("place", ["rclone"], indirect=True)
def test_without_the_bucket_only_what_redis_knows_is_answered(own_stack, redis, before, place):
    own_stack.start_worker(application="tests.worker.tidy")
    wait_until_moved(redis)
    newest, *_, oldest = before
    _, server = place
    server.process.stop(signal.SIGKILL)
    assert own_stack.job(newest) == before[newest]
    url = f"{own_stack.url}/jobs"
    answer = requests.get(url, params={"limit": KEPT - 1}, timeout=30)
    assert [job["id"] for job in answer.json()["jobs"]] == [*before][: KEPT - 1]
    for path in ("?limit=100", f"/{oldest}", f"?after={oldest}", f"/{oldest}/events"):
        answer = requests.get(url + path, timeout=60)
        assert answer.status_code == 503, answer.text
        assert "Retry-After" in answer.headers
    server.start()
    wait_until(lambda: requests.get(f"{url}/{oldest}", timeout=60).ok, what="the bucket to answer")
    check(own_stack, before)
    finish(JobStore(redis))
    assert len(pages(own_stack)) == JOBS + 1
