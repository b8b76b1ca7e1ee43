"""The memory of this control group: its limit, and how often a process was killed at it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
FOLDERS = {"": "", "memory": "memory"}  # controller in /proc/self/cgroup → its folder
COUNTS = {"": "memory.events", "memory": "memory.oom_control"}  # control groups 2 and 1
LIMITS = {"": "memory.max", "memory": "memory.limit_in_bytes"}


def oom_kills() -> int | None:
    """Return the number of such kills since the control group was created; None if unknown."""
    for folder, name in _groups(COUNTS):
        with suppress(OSError, KeyError):
            counts = (folder / name).read_text()
            return int(dict(line.split() for line in counts.splitlines())["oom_kill"])
    return None


def memory_limit() -> int | None:
    """Return the bytes of memory that this process may use; None if that is not known.

    That is the smallest limit of its control group, of the groups around it, and of the machine.
    """
    limits = []
    for group, name in _groups(LIMITS):
        for folder in (group, *group.parents):
            if not folder.is_relative_to(CONTROL_GROUPS):
                break
            with suppress(OSError, ValueError):  # no limit: "max" or, of the root, no file
                limits.append(int((folder / name).read_text()))
    with suppress(OSError, KeyError):
        fields = dict(line.split(":") for line in (PROC / "meminfo").read_text().splitlines())
        limits.append(1024 * int(fields["MemTotal"].split()[0]))  # in kB
    return min(limits, default=None)


def _groups(names: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Yield the folder of each control group of this process, and the file's name there."""
    try:
        groups = (PROC / "self/cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controller, path in (line.split(":", 2) for line in groups):
        if controller in names:
            yield CONTROL_GROUPS / FOLDERS[controller] / path.lstrip("/"), names[controller]
