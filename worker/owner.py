"""The owner of a job: the process that runs it. Other processes can tell whether it is dead."""

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
ENDINGS = {  # for the log line of each cause
    "process": "is dead",
    "memory": "is dead: the kernel killed it because memory ran out",
    "stop": "ended because its worker shut down",
}


def this_process() -> dict[str, Any]:
    """Describe this process.

    Returns
    -------
    dict
        ``boot``, ``pid_namespace``, ``pid`` and ``start`` identify the process. ``parent`` and
        ``oom_kills`` (see `worker.memory`) help to find out later why it died.
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
        The job store.
    stopping
        True if this process is a worker that shuts down. It ends its child processes itself, so
        their deaths do not count against their jobs.
    """
    deaths = []
    for job, fence, owner in jobs.owners(beside=_surroundings()):
        if is_dead(owner):
            cause: Cause = "process"
            if stopping and owner.get("parent") == os.getpid():
                cause = "stop"
            elif _killed_for_memory(owner):
                cause = "memory"
            deaths.append(Death(job, fence, cause))
            with about(job, jobs.request_id(job)):
                log.warning("job %s: the process of attempt %s %s", job, fence, ENDINGS[cause])
    return deaths


def _killed_for_memory(owner: dict[str, Any]) -> bool:
    """Tell whether the kernel has killed a process of this control group since the claim."""
    before, now = owner.get("oom_kills"), oom_kills()
    return before is not None and now is not None and now > before


def is_dead(owner: dict[str, Any]) -> bool:
    """Tell whether a process is known to be dead.

    A process on another machine or in another container is never known to be dead. Its job is lost
    when the lease expires.
    """
    if not PROC.exists() or {name: owner.get(name) for name in _surroundings()} != _surroundings():
        return False
    return bool(_start_time(owner["pid"]) != owner["start"])


def machine() -> str:
    """Name this machine until its next boot; '' if it is not Linux."""
    return _surroundings()["boot"] or ""


def _surroundings() -> dict[str, Any]:
    if not PROC.exists():  # not Linux: no process is known to be dead, and only leases expire
        return {"boot": None, "pid_namespace": None}
    return {
        "boot": (PROC / "sys/kernel/random/boot_id").read_text().strip(),
        "pid_namespace": str((PROC / "self/ns/pid").readlink()),
    }


def _start_time(pid: int) -> str | None:
    """Read the start time of a process, in clock ticks since boot; None if it is dead."""
    try:
        # The command name, in parentheses, may contain spaces, so read the fields after it.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, start = fields[0], fields[19]
    return None if state == "Z" else start  # Z: a zombie
