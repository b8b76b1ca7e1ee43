"""Who runs a job: a process, named so that another process can tell whether it is dead."""

import os
from pathlib import Path
from typing import Any

from jobs.job_store import JobStore

PROC = Path("/proc")


def this_process() -> dict[str, Any]:
    """Name this process: its machine's boot, its pid namespace, its pid and start time."""
    return {**_surroundings(), "pid": os.getpid(), "start": _start_time(os.getpid())}


def dead_owners(jobs: JobStore) -> list[tuple[str, str]]:
    """List (job, fence) of the running jobs whose process is known to be dead."""
    return [(job, fence) for job, fence, owner in jobs.owners() if is_dead(owner)]


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
