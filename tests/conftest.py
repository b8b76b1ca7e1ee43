import pytest

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
