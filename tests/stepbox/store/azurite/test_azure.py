"""The store in a container of Azure Blob Storage, with Microsoft's emulator Azurite."""

import base64
import hashlib
import hmac
import os
import secrets
import subprocess
import sys
from contextlib import closing
from email.utils import formatdate

import pytest
import requests

from jobs.changes import StoreChanges
from stepbox.errors import StorageFullError, UnavailableError
from stepbox.store.bucket import BucketStore
from stepbox.store.datasets import DatasetStore
from stepbox.store.listed import ListedStore
from stepbox.store.local_cache import LocalCache
from stepbox.store.models import ModelStore
from stepbox.store.objects import PIECE_BYTES
from stepbox.store.quota import Quota
from stepbox.store.uploads import Uploads
from tests.datasets import add_dataset
from tests.processes import BIN, ROOT, Process, free_port, wait_until
from tests.stepbox.store.azurite.conftest import PROGRAM
from tests.stepbox.store.test_models import add

pytestmark = pytest.mark.server

CONTAINER = "stepbox"
ACCOUNT = "devstoreaccount1"  # Azurite's own, with a key that everyone knows
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
LIMIT = 2**20


def create_container(endpoint):
    """Send the request of Azure's REST API, signed with the key."""
    sent = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    lines = "".join(f"{name}:{value}\n" for name, value in sent.items())
    resource = f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    text = "PUT" + "\n" * 12 + lines + resource
    digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    sent["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    answer = requests.put(f"{endpoint}/{CONTAINER}?restype=container", headers=sent, timeout=20)
    assert answer.status_code == 201, answer.text


def answers(endpoint):
    try:
        requests.get(endpoint, timeout=1)
    except requests.RequestException:
        return False
    return True


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Run Azurite; return the variables with which a process reaches it."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    log = tmp_path_factory.mktemp("azurite") / "log"
    command = [str(BIN / "node"), str(PROGRAM), "--blobPort", str(port), *options]
    process = Process(command, dict(os.environ), log)
    try:
        wait_until(lambda: answers(endpoint), seconds=120, what="Azurite to answer")
        create_container(endpoint)
        yield {
            "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": KEY,
            "AZURE_STORAGE_ENDPOINT": endpoint,
        }
    finally:
        process.kill_group()


@pytest.fixture(params=["bucket", "listed"])
def container(request, server, redis_of_stores, tmp_path, monkeypatch):
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    folder = f"test-{secrets.token_hex(6)}"
    changes = StoreChanges(lambda: redis_of_stores, folder)
    place = f"az://{CONTAINER}/{folder}", LocalCache(tmp_path / "cache", 2**30), 60.0, changes
    if request.param == "bucket":
        return BucketStore(*place)
    store = ListedStore(*place, changes.announce, lambda: store.refresh_all())
    return store


def test_objects_are_stored_moved_and_removed(container):
    large = bytes(PIECE_BYTES) + b"the last piece"
    writer = container.writer("a/large")
    writer.write(large)
    writer.commit()
    container.put("a/b", b"data")
    assert container.get("a/large", len(large)) == large
    assert b"".join(container.pieces("a/large")) == large
    assert container.local_file("a/large").read_bytes() == large
    assert sorted(container.names("a")) == ["b", "large"]
    assert {entry.key: entry.size for entry in container.entries()} == {
        "a/b": 4,
        "a/large": len(large),
    }
    [before] = container.versions(["a/b"])
    container.put("a/b", b"other")
    assert container.versions(["a/b"]) != [before]
    container.move("a/b", "c/d")
    assert container.get("c/d", LIMIT) == b"other"
    for ask in (container.size, container.local_file, lambda key: container.get(key, LIMIT)):
        with pytest.raises(FileNotFoundError):
            ask("a/b")
    container.delete("a/b")  # it is missing
    container.delete_all("a")
    assert container.names() == ["c"]


def test_models_are_published_changed_and_deleted(container):
    store = ModelStore(container)
    first, second = add(store), add(store)
    assert {*store.ids()} == {first, second}
    store.set_alias("best", first)
    store.label(first, {"title": "The best"}, before=lambda card: None)
    assert store.card("best").title == "The best"
    assert store.load("latest")[0].id in (first, second)
    store.remove_alias("best")
    store.delete(first)
    assert store.ids() == [second]
    assert [entry.damage for entry in store.page()[0]] == [None]


def test_data_sets_and_uploads(container, tmp_path):
    datasets = DatasetStore(container, tmp_path / "builtin")
    spec, splits = add_dataset(datasets, "some", (8, 8))
    found = DatasetStore(container, tmp_path / "builtin").load(spec.id, "train")
    assert (found.samples == splits["train"].samples).all()
    uploads = Uploads(container)
    with closing(uploads.receive("job", 0, Quota(container, 10**9, 1000), "alice")) as file:
        file.write(b"x" * 600)
        with pytest.raises(StorageFullError, match="owner alice"):
            file.write(b"x" * 600)
    assert container.names(".uploads") == []
    datasets.delete(spec.id)
    assert container.names() == []


@pytest.mark.parametrize(
    ("change", "name", "why"),
    [
        (
            {"AZURE_STORAGE_ACCOUNT_KEY": "A" * 88},
            CONTAINER,
            "403 Forbidden (AuthorizationFailure)",
        ),
        ({"AZURE_STORAGE_ACCOUNT_KEY": "no key"}, CONTAINER, "it cannot be used: "),
        ({}, "nothing", "404 Not Found (ContainerNotFound)"),
    ],
)
def test_what_is_wrong_is_said_at_startup(server, monkeypatch, tmp_path, change, name, why):
    place = f"az://{name}/prefix"
    environment = server | change
    done = subprocess.run(
        [sys.executable, "-m", "jobs.check_store"],
        cwd=ROOT,
        env=os.environ | environment | {"STEPBOX_STORE": place},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done
    assert why in done.stdout
    for variable, setting in environment.items():
        monkeypatch.setenv(variable, setting)
    store = BucketStore(place, LocalCache(tmp_path, 1), 1.0)
    for ask in (store.check, lambda: list(store.entries()), lambda: store.put("a", b"")):
        with pytest.raises(UnavailableError) as caught:
            ask()
        assert caught.value.refused
        assert why in caught.value.why
