import pytest

from jobs.job_store import JobStore, connect
from jobs.settings import Settings


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
