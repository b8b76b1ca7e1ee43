import pytest

from service.parts import Parts
from service.settings import ServiceSettings
from tests.processes import stack_in
from tests.service.conftest import publish


@pytest.fixture(scope="session")
def workerless_stack(tmp_path_factory):
    """Redis and the API, with a model, and no worker: whatever is asked for stays in the queue."""
    with stack_in(tmp_path_factory.mktemp("contract"), STEPBOX_QUEUE_LIMIT="1000") as stack:
        stack.start_redis()
        stack.start_service()
        publish(
            Parts(
                ServiceSettings(
                    models_dir=stack.models_dir, data_dir=stack.environment["STEPBOX_DATA_DIR"]
                )
            )
        )
        yield stack
