import inspect
import secrets
from contextlib import ExitStack

import pytest

from jobs.changes import StoreChanges
from jobs.connection import connect
from stepbox.store.bucket import BucketStore
from stepbox.store.folder import FolderStore
from stepbox.store.listed import ListedStore
from stepbox.store.local_cache import LocalCache
from stepbox.store.models import ModelStore
from tests.buckets import BUCKET, bucket_server
from tests.processes import stack_in
from tests.stepbox.store.memory_store import MemoryStore

PATIENCE_S = 60.0  # these servers answer


def pytest_generate_tests(metafunc):
    """Run each test that uses `objects` with every kind of store.

    A test that takes `folder` reads files, and runs only with the folder store.
    """
    if "objects" in metafunc.fixturenames:
        about_files = "folder" in inspect.signature(metafunc.function).parameters
        kinds = ["folder"] if about_files else ["folder", "memory", "bucket", "listed"]
        metafunc.parametrize("objects", kinds, indirect=True)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """Return a function that gives the S3 server of a kind; it is started when first needed."""
    running = {}
    with ExitStack() as stack:

        def server(kind):
            if kind not in running:
                folder = tmp_path_factory.mktemp(kind)
                running[kind] = stack.enter_context(bucket_server(kind, folder))
            return running[kind]

        yield server


@pytest.fixture(scope="session")
def redis_of_stores(tmp_path_factory):
    """Run a Redis for the turns at changing stores."""
    with stack_in(tmp_path_factory.mktemp("redis")) as stack:
        stack.start_redis()
        with connect(stack.settings()) as client:
            yield client


@pytest.fixture
def open_bucket(servers, redis_of_stores, tmp_path, monkeypatch):
    """Return a function that opens a bucket; all that a test opens have the same objects."""
    folder = f"test-{secrets.token_hex(6)}"
    changes = StoreChanges(lambda: redis_of_stores, folder)
    cache = LocalCache(tmp_path / "cache", 2**30)

    def open_(kind, server="rclone"):
        for name, value in servers(server).environment.items():
            monkeypatch.setenv(name, value)
        url = f"s3://{BUCKET}/{folder}"
        if kind == "bucket":
            return BucketStore(url, cache, PATIENCE_S, changes)
        store = ListedStore(
            url, cache, PATIENCE_S, changes, changes.announce, lambda: store.refresh_all()
        )
        return store

    return open_


@pytest.fixture
def objects(request, folder):
    if request.param == "folder":
        return FolderStore(folder)
    if request.param == "memory":
        return MemoryStore()
    return request.getfixturevalue("open_bucket")(request.param)


@pytest.fixture
def store(objects):
    return ModelStore(objects)
