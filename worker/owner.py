"""Who runs a job: a process, named so that another process can tell whether it is dead."""

import logging
import os
from pathlib import Path
from typing import Any

from jobs.logs import about
from jobs.store import JobStore
from jobs.watch import Cause, Death
from worker.memory import oom_kills

log = logging.getLogger(__name__)

PROC = Path("/proc")
SAID = {
    "process": "is dead",
    "memory": "is dead: the kernel killed it for want of memory",
    "stop": "has ended with its worker",
}


def this_process() -> dict[str, Any]:
    """Name this process: its machine's boot, its pid namespace, its pid and start time.

    What else it says tells how it ended: who its parent was, and how many processes the kernel
    had killed before for want of memory.
    """
    return {
        **_surroundings(),
        "pid": os.getpid(),
        "start": _start_time(os.getpid()),
        "parent": os.getppid(),
        "oom_kills": oom_kills(),
    }


def dead_owners(jobs: JobStore, *, stopping: bool = False) -> list[Death]:
    """List the running jobs whose process is known to be dead, and log them.

    Parameters
    ----------
    jobs
        All jobs.
    stopping
        This process is a worker that ends its children: their death is no fault of their jobs.
    """
    deaths = []
    for job, fence, owner in jobs.owners():
        if is_dead(owner):
            stopped = stopping and owner.get("parent") == os.getpid()
            cause: Cause = "process"
            if stopped:
                cause = "stop"
            elif _killed_for_memory(owner):
                cause = "memory"
            deaths.append(Death(job, fence, cause))
            with about(job, jobs.request_id(job)):
                log.warning("job %s: the process of attempt %s %s", job, fence, SAID[cause])
    return deaths


def _killed_for_memory(owner: dict[str, Any]) -> bool:
    """Tell whether the kernel has killed for want of memory since a process took its job."""
    before, now = owner.get("oom_kills"), oom_kills()
    return before is not None and now is not None and now > before


def is_dead(owner: dict[str, Any]) -> bool:
    """Tell whether a process is known to be dead; one elsewhere never is: its lease decides."""
    if not PROC.exists() or {name: owner.get(name) for name in _surroundings()} != _surroundings():
        return False
    return bool(_start_time(owner["pid"]) != owner["start"])


def _surroundings() -> dict[str, Any]:
    if not PROC.exists():  # no Linux: nothing is known, so leases alone decide
        return {"boot": None, "pid_namespace": None}
    return {
        "boot": (PROC / "sys/kernel/random/boot_id").read_text().strip(),
        "pid_namespace": str((PROC / "self/ns/pid").readlink()),
    }


def _start_time(pid: int) -> str | None:
    """Read when a process started, in clock ticks since boot; None for none or a zombie."""
    try:
        # The command's name, in parentheses, may hold spaces: the fields start behind it.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, start = fields[0], fields[19]
    return None if state == "Z" else start
