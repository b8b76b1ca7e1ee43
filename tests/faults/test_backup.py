"""Everything is backed up while Stepbox runs, and restored into an empty installation."""

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from jobs.archiving import Archiver
from jobs.backup import BackupError, back_up, restore
from jobs.connection import connect
from jobs.places import WORKER_PATIENCE_S, open_part
from jobs.store import JobStore
from stepbox.errors import ConflictError
from stepbox.store.folder import FolderStore
from stepbox.store.models import ModelStore
from stepbox.training.presets import RECIPES
from tests.buckets import BUCKET, bucket_server
from tests.jobs.test_archive import fill
from tests.processes import ROOT, stack_in, wait_until

TINY = {"epochs": 1, "hidden_sizes": [2]}
RUNNING = {"epochs": 3, "hidden_sizes": [8]}


def admin(stack, *arguments):
    command = [sys.executable, ROOT / "bin" / "stepbox-admin", *arguments]
    return subprocess.run(command, env=stack.environment, capture_output=True, text=True)


def upload(stack, name, rows):
    lines = (f"{i},{i % 7},{'odd' if i % 2 else 'even'}" for i in range(rows))
    answer = requests.post(
        f"{stack.url}/datasets?name={name}&label=label",
        data="\n".join(["a,b,label", *lines]),
        headers={"Content-Type": "text/csv"},
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def listed(stack, path):
    return requests.get(f"{stack.url}{path}", timeout=30).json()


def predict(stack, model):
    image = requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=30).content
    answer = requests.post(
        f"{stack.url}/predict?model={model}",
        data=image,
        headers={"Content-Type": "image/png"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return answer.content


def weights_of(stack, job):
    model = stack.wait_for(job)["model"]
    return listed(stack, f"/models/{model}")["weights"]["sha256"]


def jobs_of(stack):
    """Return the jobs by id, without why they wait: this depends on the workers."""
    jobs = listed(stack, "/jobs?limit=100")["jobs"]
    return {job["id"]: job | {"waiting_for": None} for job in jobs}


@pytest.fixture
def empty_stack(tmp_path):
    with stack_in(tmp_path / "restored") as stack:
        # Its data sets are in the folder of the models; those of the other one are beside it.
        stack.environment["STEPBOX_DATASETS_DIR"] = str(stack.models_dir / ".datasets")
        stack.start_redis()
        yield stack


def test_a_restored_installation_continues_where_the_other_was(own_stack, empty_stack, tmp_path):
    own_stack.environment["HOLD_DIR"] = str(tmp_path)
    (tmp_path / "epoch-2").touch()
    own_stack.start_redis()
    own_stack.start_worker(application="tests.worker.holding")
    own_stack.start_service()
    imported = upload(own_stack, "table", 60)
    finished = own_stack.train(**TINY)["id"]
    model = own_stack.wait_for(finished)["model"]
    requests.put(f"{own_stack.url}/aliases/best", json={"model": model}, timeout=10)
    running = own_stack.train(**RUNNING)["id"]
    wait_until((tmp_path / "epoch-2.reached").exists, seconds=120, what="epoch 2")
    # Another thread writes the checkpoints. The last one is stored together with epoch 1.
    wait_until(lambda: len(own_stack.job(running)["history"]) == 2, what="epoch 1 to be stored")
    with connect(own_stack.settings()) as client:
        checkpoint = JobStore(client).checkpoint(running)
    waiting = [own_stack.train(**TINY)["id"], upload(own_stack, "second", 80)]
    before = jobs_of(own_stack)

    done = admin(own_stack, "backup", tmp_path / "backup")
    assert (done.returncode, done.stderr) == (0, ""), done
    (tmp_path / "epoch-2").unlink()
    done = admin(empty_stack, "restore", tmp_path / "backup")
    assert (done.returncode, done.stderr) == (0, ""), done

    empty_stack.start_service()
    after = jobs_of(empty_stack)
    assert {id: job["status"] for id, job in after.items()} == {
        imported: "succeeded", finished: "succeeded", running: "running",
        waiting[0]: "queued", waiting[1]: "queued",
    }  # fmt: skip
    progress = before.pop(running)["progress"]
    assert after.pop(running)["progress"]["fraction"] >= progress["fraction"]
    assert after == before
    assert listed(empty_stack, "/aliases")["aliases"] == {"best": model}
    assert predict(empty_stack, "best") == predict(own_stack, "best")
    worker = empty_stack.start_worker()
    for job in (running, *waiting):
        assert empty_stack.wait_for(job)["status"] == "succeeded"
    assert f"going on from {checkpoint}" in worker.log.read_text()
    assert weights_of(empty_stack, running) == weights_of(own_stack, running)
    names = {one["name"] for one in listed(empty_stack, "/datasets")["datasets"]}
    assert {"table", "second"} <= names


# -- what a backup must not lose --------------------------------------------------------------


@pytest.fixture
def settings(own_stack, jobs):
    return own_stack.settings()


def submit(jobs):
    return jobs.submit(RECIPES["mnist-numpy"], samples=60_000, queue_limit=10_000).id


def test_the_bytes_are_copied_before_the_records_and_after_them(
    settings, jobs, tmp_path, monkeypatch
):
    """The record names one of two checkpoints: the other is removed, or not yet written."""
    old = settings.models_dir / ".checkpoints" / "job" / "old"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")

    def write_and_connect(*arguments, **options):
        old.with_name("new").write_bytes(b"new")
        old.unlink()
        submit(jobs)
        return connect(*arguments, **options)

    monkeypatch.setattr("jobs.backup.connect", write_and_connect)
    back_up(settings, tmp_path / "backup")
    copied = tmp_path / "backup" / "checkpoints"
    assert (copied / "job" / "old").read_bytes() == b"old"
    assert (copied / "job" / "new").read_bytes() == b"new"
    assert len((tmp_path / "backup" / "redis.jsonl").read_text().splitlines()) > 1


def test_the_records_are_of_one_moment(settings, jobs, tmp_path, empty_stack):
    """Jobs are created and deleted all the time, but no list names a job without a record."""
    go_on = True

    def create_and_delete():
        while go_on:
            first, second = submit(jobs), submit(jobs)
            jobs.cancel(first)
            jobs.delete(first)
            jobs.cancel(second)

    with ThreadPoolExecutor() as pool:
        creating = pool.submit(create_and_delete)
        try:
            wait_until(lambda: len(jobs.page(limit=100)[0]) > 20)
            back_up(settings, tmp_path / "backup")
        finally:
            go_on = False
        creating.result()
    restore(empty_stack.settings(), tmp_path / "backup")
    with connect(empty_stack.settings()) as client:
        ids = client.zrange("jobs:all", 0, -1)
        assert len(ids) >= 20  # one of those above may have been about to be deleted
        assert [id for id in ids if not client.exists(f"job:{id}")] == []
        statuses = ("queued", "running", "succeeded", "failed", "cancelled")
        by_status = sum(client.zcard(f"jobs:status:{status}") for status in statuses)
        assert by_status == len(ids)
        assert client.zcard("jobs:queued") == client.zcard("jobs:status:queued")


def test_archived_jobs_are_restored(settings, jobs, tmp_path, empty_stack):
    """Only with the files that count: the new Redis would never remove others."""
    objects = open_part(settings, "archive", lambda: jobs.redis, WORKER_PATIENCE_S)
    before = JobStore(jobs.redis, objects)
    archiver = Archiver(before, objects, days=1e-9, most=0)
    ids = fill(jobs, 4)
    archiver.clean_up()
    (first,) = objects.names()
    ids = fill(jobs, 3) + ids
    archiver.clean_up()
    objects.put("unknown.parquet", b"of another Redis")
    back_up(settings, tmp_path / "backup")
    (counts,) = {*objects.names()} - {first, "unknown.parquet"}
    assert [file.name for file in (tmp_path / "backup" / "archive").iterdir()] == [counts]
    restore(empty_stack.settings(), tmp_path / "backup")
    with connect(empty_stack.settings()) as client:
        archive = FolderStore(empty_stack.settings().folders["archive"])
        restored = JobStore(client, archive)
        assert client.zcard("jobs:all") == 0
        assert [job.id for job in restored.page(limit=100)[0]] == ids
        assert [restored.get(id) for id in ids] == [before.get(id) for id in ids]


def test_keys_that_expire_still_do(settings, jobs, tmp_path, empty_stack):
    jobs.redis.set("kept", "1")
    jobs.redis.set("brief", "1", ex=3600)
    back_up(settings, tmp_path / "backup")
    restore(empty_stack.settings(), tmp_path / "backup")
    with connect(empty_stack.settings()) as client:
        assert client.ttl("kept") == -1
        assert 0 < client.ttl("brief") <= 3600


# -- what is rejected -------------------------------------------------------------------------


@pytest.fixture
def backup(settings, jobs, tmp_path):
    """Return the folder of a backup with a job and a file."""
    submit(jobs)
    (settings.models_dir / "aliases.json").write_text("{}")
    back_up(settings, tmp_path / "backup")
    return tmp_path / "backup"


def rejected(stack, backup, match, error=BackupError):
    with pytest.raises(error, match=match):
        restore(stack.settings(), backup)
    with connect(stack.settings()) as client:
        assert client.dbsize() == 0
    assert ModelStore(stack.models_dir).ids() == []


def test_a_backup_that_did_not_end_is_rejected(backup, empty_stack):
    (backup / "backup.json").unlink()
    rejected(empty_stack, backup, "no backup, or not a complete one")


@pytest.mark.parametrize("name", ["redis.jsonl", "models/aliases.json"])
def test_a_damaged_or_missing_file_is_rejected(backup, empty_stack, name):
    content = (backup / name).read_bytes()
    (backup / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    rejected(empty_stack, backup, f"{name} is damaged")
    (backup / name).unlink()
    rejected(empty_stack, backup, f"{name} is missing")


@pytest.mark.parametrize(
    ("field", "value", "match"),
    [
        ("format", 2, "format 2"),
        ("objects", {}, "no checksum of redis.jsonl"),
        ("objects", {"redis.jsonl": "", "models/../../x": ""}, "cannot be the key"),
        ("objects", {"redis.jsonl": "", "/etc/passwd": ""}, "cannot be the key"),
        ("objects", {"redis.jsonl": "", "etc/passwd": ""}, "no object of an installation"),
    ],
)
def test_a_manifest_that_names_anything_else_is_rejected(backup, empty_stack, field, value, match):
    manifest = json.loads((backup / "backup.json").read_text())
    (backup / "backup.json").write_text(json.dumps(manifest | {field: value}))
    rejected(empty_stack, backup, match)


def test_records_that_redis_cannot_read_leave_no_others_behind(backup, empty_stack):
    lines = (backup / "redis.jsonl").read_text().splitlines()
    broken = json.loads(lines[-1]) | {"value": "AAAA"}
    text = "\n".join([*lines[:-1], json.dumps(broken)])
    (backup / "redis.jsonl").write_text(text)
    manifest = json.loads((backup / "backup.json").read_text())
    manifest["objects"]["redis.jsonl"] = hashlib.sha256(text.encode()).hexdigest()
    (backup / "backup.json").write_text(json.dumps(manifest))
    rejected(empty_stack, backup, f"rejects 1 of {len(lines)} records")


def test_an_installation_that_is_not_empty_is_left_alone(backup, empty_stack, own_stack):
    done = admin(own_stack, "restore", backup)
    assert done.returncode == 1
    assert "Redis is not empty" in done.stderr
    (empty_stack.models_dir / "m-1").mkdir()
    (empty_stack.models_dir / "m-1" / "card.json").write_text("{}")
    rejected(empty_stack, backup, "models already, such as m-1/card.json", ConflictError)


def test_a_backup_needs_a_folder_of_its_own(backup, settings):
    with pytest.raises(ConflictError, match="not empty"):
        back_up(settings, backup)


# -- buckets ----------------------------------------------------------------------------------


def test_a_bucket_is_backed_up_and_restored_into_another_one(
    settings, jobs, tmp_path, empty_stack, monkeypatch
):
    submit(jobs)
    with bucket_server("rclone", tmp_path / "s3") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        own = settings.model_copy(update={"store": f"s3://{BUCKET}/own"})
        models = open_part(own, "models", lambda: jobs.redis, WORKER_PATIENCE_S)
        models.put("m-1/weights.safetensors", b"weights" * 2**20)
        models.put("m-1/card.json", b"{}")
        models.update("m-1/card.json", lambda _: b'{"labels": []}', 100)
        open_part(own, "checkpoints", lambda: jobs.redis, WORKER_PATIENCE_S).put(
            "job/e1-s0-f1", b"state"
        )
        back_up(own, tmp_path / "backup")
        other = empty_stack.settings().model_copy(update={"store": f"s3://{BUCKET}/other"})
        restore(other, tmp_path / "backup")
        restored = open_part(other, "models", lambda: jobs.redis, WORKER_PATIENCE_S)
        assert restored.get("m-1/weights.safetensors", 2**24) == b"weights" * 2**20
        assert restored.get("m-1/card.json", 100) == b'{"labels": []}'
        checkpoints = open_part(other, "checkpoints", lambda: jobs.redis, WORKER_PATIENCE_S)
        assert checkpoints.get("job/e1-s0-f1", 100) == b"state"
