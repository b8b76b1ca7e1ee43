import sys

import pytest
from xdist.scheduler import LoadScopeScheduling

from jobs.connection import connect
from jobs.settings import Settings
from jobs.store import JobStore
from tests.processes import Stack, stack_in

SERVER_FIXTURES = {"stack", "own_stack", "service", "browser"}
STACK_MODULES = ("tests/browser/", "tests/end_to_end/test_training.py")


def pytest_collection_modifyitems(items):
    """Mark what starts servers."""
    for item in items:
        if SERVER_FIXTURES & {*item.fixturenames}:
            item.add_marker(pytest.mark.server)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each module to one process, and to one as well all modules that use `stack`."""

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            module = nodeid.partition("::")[0]
            return "stack" if module.startswith(STACK_MODULES) else module

    return Scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show with a failure what the installations that its test used were doing."""
    report = yield
    if report.failed:
        for stack in stacks_of(item):
            report.sections.append((f"Installation in {stack.folder}", stack.report()))
    return report


def stacks_of(item):
    """Find the installations among a test's fixtures."""
    for value in item.funcargs.values():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Stack):
                yield one


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


@pytest.fixture(scope="session")
def hearers():
    """Who hears of each file that this process opens; the hook itself stays for good."""
    hearers = []

    def hear(event, arguments):
        if event == "open":
            for hearer in hearers:
                hearer(str(arguments[0]))

    sys.addaudithook(hear)
    return hearers


@pytest.fixture
def opened(hearers):
    """Tell which files in a folder this process has opened since the last time."""
    paths = []

    def tell(folder):
        inside = [path for path in paths if path.startswith(f"{folder}/")]
        paths.clear()
        return [path.removeprefix(f"{folder}/") for path in inside]

    hearers.append(paths.append)
    yield tell
    hearers.clear()
