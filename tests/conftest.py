import pytest

from jobs.connection import connect
from jobs.job_store import JobStore
from jobs.settings import Settings
from tests.processes import stack_in


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """A whole installation: Redis, one worker and the API."""
    with stack_in(tmp_path_factory.mktemp("stack")) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        yield stack


@pytest.fixture
def own_stack(tmp_path):
    """An installation of the test's own, of which nothing runs yet."""
    with stack_in(tmp_path) as stack:
        yield stack


@pytest.fixture
def redis_process(own_stack, monkeypatch):
    """A Redis of the test's own, which the settings name."""
    for name, value in own_stack.environment.items():
        if name.startswith("STEPBOX_"):
            monkeypatch.setenv(name, value)
    return own_stack.start_redis()


@pytest.fixture
def jobs(redis_process):
    client = connect(Settings())
    yield JobStore(client)
    client.close()
