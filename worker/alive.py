"""The file by which the worker's watch says, each second, that it is alive."""

import json
import os
import time
from pathlib import Path

SILENT_S = 15


def say_alive(path: Path, stalled: str | None) -> None:
    """Write when it is, by a clock that cannot be set, and why no jobs are taken, if so."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps({"monotonic": time.monotonic(), "stalled": stalled}))
    new.replace(path)


def fault(path: Path) -> str | None:
    """Say what is wrong with the worker whose file it is; None where nothing is."""
    try:
        said = json.loads(path.read_text())
        age, stalled = time.monotonic() - said["monotonic"], said["stalled"]
        owner = path.stat().st_uid
    except FileNotFoundError:
        return f"the worker's watch has not written {path}: it has not started, or must not"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"what the worker's watch writes cannot be read from {path}: {error}"
    if owner != os.geteuid():
        return f"{path} belongs to another user, {owner}: let STEPBOX_ALIVE_FILE name another file"
    if age > SILENT_S:
        return f"the worker's watch was last seen {age:.0f} s ago"
    return f"the worker {stalled}" if stalled else None
