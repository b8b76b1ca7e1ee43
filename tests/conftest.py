import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the tests run in one process per core

import signal
import sys

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from jobs.connection import connect
from jobs.settings import Settings
from jobs.store import JobStore
from tests.faults import hosts
from tests.processes import Stack, stack_in
from tests.soak import machines

# The same examples in each run, however slow the machine is.
hypothesis.settings.register_profile(
    "same",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("same")

# A shell lets what it starts in the background ignore SIGINT, which the processes of tests inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SERVER_FIXTURES = {"stack", "own_stack", "service", "browser"}
STACK_MODULES = ("tests/browser/", "tests/end_to_end/test_training.py")


def pytest_configure(config):
    """Find out once what can be made here: all processes of xdist must collect the same tests.

    They inherit the environment of the first one.
    """
    if not hasattr(config, "workerinput"):
        os.environ["WHY_NO_HOST"] = hosts.why_impossible() or ""
        os.environ["WHY_NO_MACHINE"] = machines.why_impossible() or ""


def pytest_collection_modifyitems(items):
    """Mark the tests that start servers."""
    for item in items:
        if SERVER_FIXTURES & {*item.fixturenames}:
            item.add_marker(pytest.mark.server)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Run each module in one process, and all modules that use `stack` in the same process."""

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            module = nodeid.partition("::")[0]
            return "stack" if module.startswith(STACK_MODULES) else module

    return Scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Add the jobs and the logs of the test's installations to the report of a failure."""
    report = yield
    if report.failed:
        for stack in stacks_of(item):
            report.sections.append((f"Installation in {stack.folder}", stack.report()))
    return report


def stacks_of(item):
    """Find the installations among the fixtures of a test."""
    for value in item.funcargs.values():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, Stack):
                yield one


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """Run a whole installation, shared by many tests: Redis, one worker and the API."""
    with stack_in(tmp_path_factory.mktemp("stack")) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        yield stack


@pytest.fixture
def own_stack(tmp_path):
    """Provide an installation for this test only; the test starts its processes."""
    with stack_in(tmp_path) as stack:
        yield stack


@pytest.fixture
def redis_process(own_stack, monkeypatch):
    """Start a Redis for this test only, and point the settings to it."""
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
def open_listeners():
    """Return a list of functions; each is called with the path of every file that is opened.

    Python cannot remove an audit hook, so one hook serves all tests.
    """
    listeners = []

    def notify(event, arguments):
        if event == "open":
            for listener in listeners:
                listener(str(arguments[0]))

    sys.addaudithook(notify)
    return listeners


@pytest.fixture
def opened(open_listeners):
    """Return a function that lists the files in a folder that were opened since its last call."""
    paths = []

    def list_opened(folder):
        inside = [path for path in paths if path.startswith(f"{folder}/")]
        paths.clear()
        return [path.removeprefix(f"{folder}/") for path in inside]

    open_listeners.append(paths.append)
    yield list_opened
    open_listeners.clear()
