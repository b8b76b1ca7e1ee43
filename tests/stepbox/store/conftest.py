import inspect

import pytest

from stepbox.store.folder import FolderStore
from stepbox.store.models import ModelStore
from tests.stepbox.store.memory_store import MemoryStore


def pytest_generate_tests(metafunc):
    """Run each test that uses `objects` with every kind of store.

    A test that takes `folder` reads files, and runs only with the folder store.
    """
    if "objects" in metafunc.fixturenames:
        about_files = "folder" in inspect.signature(metafunc.function).parameters
        kinds = ["folder"] if about_files else ["folder", "memory"]
        metafunc.parametrize("objects", kinds, indirect=True)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def objects(request, folder):
    return FolderStore(folder) if request.param == "folder" else MemoryStore()


@pytest.fixture
def store(objects):
    return ModelStore(objects)
