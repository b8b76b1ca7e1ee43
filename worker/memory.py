"""How often the kernel has killed a process of this control group because memory ran out."""

from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
COUNTS = {  # controller in /proc/self/cgroup → (its folder, the file that contains the count)
    "": ("", "memory.events"),  # version 2
    "memory": ("memory", "memory.oom_control"),  # version 1
}


def oom_kills() -> int | None:
    """Return the number of such kills since the control group was created; None if unknown."""
    try:
        groups = (PROC / "self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for _, controllers, path in (line.split(":", 2) for line in groups):
        if controllers not in COUNTS:
            continue
        folder, name = COUNTS[controllers]
        with suppress(OSError, KeyError):
            counts = (CONTROL_GROUPS / folder / path.lstrip("/") / name).read_text()
            return int(dict(line.split() for line in counts.splitlines())["oom_kill"])
    return None
