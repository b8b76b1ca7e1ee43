"""Copies of a store between a folder and a bucket, and the search for damage and orphans."""

import os
import subprocess
import sys

import numpy as np
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from jobs.archive import Archive
from jobs.archiving import Archiver
from jobs.copying import copy_all, open_parts
from jobs.settings import Settings
from jobs.signing import new_secret
from jobs.verification import verify
from stepbox.errors import ConflictError
from stepbox.store.checkpoints import CheckpointStore
from stepbox.store.datasets import DatasetStore
from stepbox.store.models import ModelStore
from tests.buckets import BUCKET, bucket_server
from tests.datasets import make_dataset, stage
from tests.jobs.test_archive import fill as finish_some
from tests.processes import PATIENCE_S, ROOT, free_port
from tests.stepbox.store.test_models import add


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with bucket_server("rclone", tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def settings(server, tmp_path, monkeypatch):
    """Return the settings of an installation in folders, whose Redis is away."""
    environment = {
        **server.environment,
        "STEPBOX_STORE": str(tmp_path / "store"),
        "STEPBOX_CACHE_DIR": str(tmp_path / "cache"),
        "STEPBOX_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def admin(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / "bin" / "stepbox-admin", *arguments],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def fill(settings):
    """Put a model with an alias, a data set and a checkpoint into a store; return the model."""
    parts = open_parts(settings)
    models = ModelStore(parts["models"])
    model = add(models)
    models.set_alias("good", model)
    datasets = DatasetStore(parts["datasets"], settings.data_dir)
    datasets.publish(stage(datasets, *make_dataset("points", (2,))))
    state = {"position": np.array([1, 0]), "weights": np.ones(3)}
    CheckpointStore(parts["checkpoints"]).save("0123456789abcdef", 1, state)
    return model


def contents(settings):
    return {
        f"{part}/{entry.key}": store.get(entry.key, 2**30)
        for part, store in open_parts(settings).items()
        for entry in store.entries()
        if entry.key[:1] != "." and not entry.key.startswith((".checkpoints", ".datasets"))
    }


def test_a_store_is_copied_to_a_bucket_and_back(settings, tmp_path, request):
    model = fill(settings)
    bucket = f"s3://{BUCKET}/{request.node.name}"
    copied = admin("copy", bucket)
    assert copied.returncode == 0, copied.stderr
    assert "verify: 12 objects, 0 damaged, 0 orphans" in copied.stdout
    assert ModelStore(open_parts(settings.with_store(bucket))["models"]).load("good")
    back = str(tmp_path / "back")
    assert admin("copy", "--source", bucket, back).returncode == 0
    assert contents(settings.with_store(back)) == contents(settings)
    again = admin("copy", bucket)
    assert again.returncode == 1
    assert "there are models already" in again.stderr
    with pytest.raises(ConflictError, match="there are models already"):
        copy_all(settings, settings.with_store(back))
    with pytest.raises(ConflictError, match="the same store"):
        copy_all(settings, settings)
    assert ModelStore(tmp_path / "back").load(model)


def test_damage_and_orphans_are_named(settings, tmp_path):
    model = fill(settings)
    weights = tmp_path / "store" / model / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    [checkpoint] = (tmp_path / "store" / ".checkpoints" / "0123456789abcdef").iterdir()
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    parts = open_parts(settings)
    parts["models"].put(".staged/m-0123456789ab/weights.safetensors", b"lost")
    parts["datasets"].put("d-0123456789ab/lost-1/train-labels.npy", b"lost")
    found = admin("verify")
    assert found.returncode == 1
    lines = found.stdout.splitlines()
    assert f"damaged: model {model} is damaged: weights.safetensors" in lines[0]
    assert lines[1] == f"damaged: checkpoint 0123456789abcdef/{checkpoint.name}"
    assert "it is not known what unfinished jobs need: Redis cannot be reached" in lines[2]
    assert lines[3] == "verify: 14 objects, 2 damaged, 0 orphans"


def test_what_no_unfinished_job_needs_is_an_orphan(jobs, tmp_path, monkeypatch):
    monkeypatch.setenv("STEPBOX_STORE", str(tmp_path / "store"))
    settings = Settings()
    fill(settings)
    parts = open_parts(settings)
    parts["models"].put(".staged/m-0123456789ab/weights.safetensors", b"lost")
    parts["datasets"].put("d-0123456789ab/lost-1/train-labels.npy", b"lost")
    orphans = verify(settings).orphans
    checkpoint = [key for key in orphans if key.startswith("checkpoints/0123456789abcdef/")]
    assert sorted(orphans) == [
        *checkpoint,
        "datasets/d-0123456789ab/lost-1/train-labels.npy",
        "models/.staged/m-0123456789ab/weights.safetensors",
    ]
    assert len(checkpoint) == 1


def test_files_of_the_archive_are_verified(jobs, tmp_path, monkeypatch):
    monkeypatch.setenv("STEPBOX_STORE", str(tmp_path / "store"))
    settings = Settings()
    archive = open_parts(settings)["archive"]
    finish_some(jobs, 3)
    Archiver(jobs, archive, days=1e-9, most=0).clean_up()
    (name,) = archive.names()
    archive.put("unknown.parquet", b"of another Redis")
    assert verify(settings)[1:] == ([], ["archive/unknown.parquet"], None)
    archive.put(name, archive.get(name, 2**20)[1:])
    (damaged,) = verify(settings).damaged
    assert damaged.startswith(f"archive {name}: a file of the archive is damaged")
    archive.delete(name)
    assert verify(settings).damaged == [
        f"archive {name}: the file {name} of the archive is missing"
    ]


def test_if_redis_fails_meanwhile_no_file_of_the_archive_is_an_orphan(jobs, tmp_path, monkeypatch):
    monkeypatch.setenv("STEPBOX_STORE", str(tmp_path / "store"))
    settings = Settings()
    finish_some(jobs, 3)
    Archiver(jobs, open_parts(settings)["archive"], days=1e-9, most=0).clean_up()

    def fail(archive):
        raise RedisConnectionError("it was stopped")

    monkeypatch.setattr(Archive, "view", fail)
    assert verify(settings)[1:] == ([], [], "Redis cannot be reached: it was stopped")


@pytest.mark.parametrize("store", ["ftp://x", "s3://", "s3:///"])
def test_a_wrong_address_is_rejected(settings, store):
    answer = admin("verify", "--store", store)
    assert answer.returncode == 1
    assert "it must be s3://BUCKET/PREFIX, gs://…, az://…, or a folder" in answer.stderr


def test_the_secret_of_webhooks_is_printed(jobs, monkeypatch):
    monkeypatch.delenv("STEPBOX_WEBHOOK_SECRET", raising=False)
    first = admin("webhook-secret")
    assert first.returncode == 0, first.stderr
    assert first.stdout == f"{jobs.deliveries.secret()}\n"
    chosen = [new_secret(), new_secret()]
    monkeypatch.setenv("STEPBOX_WEBHOOK_SECRET", ",".join(chosen))
    assert admin("webhook-secret").stdout.split() == chosen
    monkeypatch.setenv("STEPBOX_WEBHOOK_SECRET", "whsec_short")
    wrong = admin("webhook-secret")
    assert wrong.returncode == 1
    assert "STEPBOX_WEBHOOK_SECRET: a secret must be" in wrong.stderr
    assert "whsec_short" not in wrong.stderr


def test_a_missing_password_of_redis_is_named(jobs, monkeypatch):
    monkeypatch.delenv("STEPBOX_REDIS_PASSWORD_FILE")
    answer = admin("webhook-secret")
    assert answer.returncode == 1
    assert "STEPBOX_REDIS_PASSWORD_FILE: Redis on 127.0.0.1 rejects the user" in answer.stderr
