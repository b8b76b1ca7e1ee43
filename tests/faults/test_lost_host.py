"""A machine that runs a worker is cut off: its job goes on elsewhere, and it does no harm later.

The machine is a network namespace, from which Redis can be reached only with TLS.
"""

import time

import pytest

from tests.end_to_end.test_tls import start_relay
from tests.faults.checks import check_undisturbed
from tests.faults.hosts import Host
from tests.faults.reference import reference
from tests.jobs.test_measures import NO_RECOVERIES
from tests.processes import wait_until

LONG = {"epochs": 6, "hidden_sizes": (8,), "seed": 1}
HELD = "epoch-3"
TINY = {"epochs": 1, "hidden_sizes": [2]}


@pytest.fixture
def host():
    with Host() as host:
        yield host


def alive(jobs):
    return {one["name"].partition("@")[0] for one in jobs.workers()}


def test_the_job_of_a_lost_host_continues_elsewhere(host, own_stack, jobs):
    own_stack.start_service()
    near = dict(own_stack.environment)
    own_stack.environment |= start_relay(own_stack, host.here)
    own_stack.environment["HOLD_DIR"] = str(own_stack.folder)
    command = ("ip", "netns", "exec", host.name)
    far = own_stack.start_worker("far", *command, application="tests.worker.holding")
    own_stack.environment = near
    own_stack.start_worker("near")
    wait_until(lambda: alive(jobs) == {"far", "near"}, what="two heartbeats")
    (name,) = [one["name"] for one in jobs.workers() if one["name"].startswith("near@")]
    jobs.drain(name)  # so that the far worker takes the job
    (own_stack.folder / HELD).touch()
    id = own_stack.train(**LONG)["id"]
    wait_until((own_stack.folder / f"{HELD}.reached").exists, what="some epochs")
    jobs.drain(name, draining=False)
    host.connect(up=False)
    (own_stack.folder / HELD).unlink()
    cut_at = time.monotonic()
    wait_until(lambda: own_stack.job(id)["attempts"] == 2, seconds=120, what="another attempt")
    print(f"another attempt began after {time.monotonic() - cut_at:.1f} s")  # pytest -s shows it
    assert own_stack.job(id)["worker"].startswith("near@")
    wait_until(lambda: alive(jobs) == {"near"}, what="the far worker to be missed")
    job = own_stack.wait_for(id)
    check_undisturbed(own_stack, jobs, job, reference(**LONG))
    assert jobs.measure().recoveries == NO_RECOVERIES | {"lease": 1}

    host.connect(up=True)
    wait_until(lambda: "lost to another worker" in far.log.read_text(), seconds=180)
    wait_until(lambda: "far" in alive(jobs), seconds=120, what="the far worker to come back")
    assert own_stack.job(id) == job
    check_undisturbed(own_stack, jobs, job, reference(**LONG))
    jobs.drain(name)
    job = own_stack.wait_for(own_stack.train(**TINY)["id"], seconds=180)
    assert (job["status"], job["worker"].partition("@")[0]) == ("succeeded", "far")
    assert far.running()
