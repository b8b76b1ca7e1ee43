"""Machines end with the process that made them."""

import subprocess
import sys
from pathlib import Path

from tests.faults.hosts import ip
from tests.processes import ROOT, wait_until

USE = """
import os, sys, time
from pathlib import Path
from tests.soak.machines import Network
with Network(Path(sys.argv[1]), "one") as network:
    machine = network.machines["one"]
    machine.start("sleep", {**os.environ}, "sleep", "1000")
    machine.freeze(frozen=True)
    print(machine.group, machine.namespace, flush=True)
    time.sleep(1000)
"""


def test_the_machines_of_a_killed_process_end(tmp_path):
    command = [sys.executable, "-c", USE, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            group, namespace = process.stdout.readline().split()
            events = Path(group) / "cgroup.events"
            wait_until(lambda: "populated 1" in events.read_text(), what="the machine to begin")
        finally:
            process.kill()
    wait_until(lambda: "populated 0" in events.read_text(), what="the machine to end")
    Path(group).rmdir()
    ip("netns", "delete", namespace)
