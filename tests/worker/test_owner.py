import json
import os
import subprocess
import sys

import pytest

from jobs.watch import Death
from stepbox.training.presets import RECIPES
from tests.processes import ROOT, wait_until
from worker.owner import dead_owners, is_dead, this_process

NAME_ITSELF = "import json, worker.owner as o; print(json.dumps(o.this_process()), flush=True); "


@pytest.fixture
def other():
    """Start another process; return it and its description of itself."""
    with subprocess.Popen(
        [sys.executable, "-c", NAME_ITSELF + "input()"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield process, json.loads(process.stdout.readline())
        process.kill()


def test_a_living_process_is_not_dead(other):
    _, owner = other
    assert not is_dead(owner)
    assert not is_dead(this_process())


def test_a_killed_process_is_dead_even_as_a_zombie(other):
    process, owner = other
    process.kill()
    wait_until(lambda: is_dead(owner))  # a zombie: nobody has waited for the process yet
    process.wait()
    assert is_dead(owner)


def test_a_new_process_with_the_same_pid_is_not_the_owner():
    assert is_dead({**this_process(), "start": "1"})


@pytest.mark.parametrize("field", ["boot", "pid_namespace"])
def test_a_process_elsewhere_is_never_known_to_be_dead(field):
    assert not is_dead({**this_process(), "pid": 2**22 + 1, field: "elsewhere"})


def test_dead_owners_are_found_among_the_running_jobs(jobs, other):
    process, owner = other
    for _ in range(2):
        jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=10)
    alive = jobs.claim(this_process(), "w")
    dead = jobs.claim(owner, "w")
    assert dead_owners(jobs) == []
    process.kill()
    process.wait()
    assert dead_owners(jobs) == [Death(dead.job, dead.fence)]
    assert jobs.claim(this_process(), "w", dead_owners(jobs)).job == dead.job
    assert alive.job != dead.job
    assert os.getpid() == this_process()["pid"]


def test_only_the_children_of_a_stopping_worker_have_the_cause_stop(jobs, other):
    process, owner = other
    for parent in (owner["parent"], 1):
        jobs.submit(RECIPES["mnist-numpy"], samples=60000, queue_limit=10)
        jobs.claim({**owner, "parent": parent}, "w")
    process.kill()
    process.wait()
    assert sorted(death.cause for death in dead_owners(jobs, stopping=True)) == ["process", "stop"]
    assert {death.cause for death in dead_owners(jobs)} == {"process"}
