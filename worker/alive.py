"""The heartbeat file of a worker, which the reaper writes every second."""

import json
import os
import time
from pathlib import Path

SILENT_S = 15  # a worker whose heartbeat is older counts as dead


def write_heartbeat(path: Path, stalled: str | None) -> None:
    """Write the time and, if the worker has stalled, the reason.

    The time comes from the monotonic clock, which cannot be set.
    """
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps({"monotonic": time.monotonic(), "stalled": stalled}))
    new.replace(path)


def find_fault(path: Path) -> str | None:
    """Return what is wrong with the worker that writes this file, or None."""
    try:
        heartbeat = json.loads(path.read_text())
        age, stalled = time.monotonic() - heartbeat["monotonic"], heartbeat["stalled"]
        owner = path.stat().st_uid
    except FileNotFoundError:
        return f"the worker has not written {path}: it has not started, or cannot write there"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"the worker's heartbeat cannot be read from {path}: {error}"
    if owner != os.geteuid():
        return f"{path} belongs to another user ({owner}): set STEPBOX_ALIVE_FILE to another file"
    if age > SILENT_S:
        return f"the worker's last heartbeat was {age:.0f} s ago"
    return f"the worker {stalled}" if stalled else None
