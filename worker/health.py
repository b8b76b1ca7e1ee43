"""Exit with 0 where the worker's watch is alive: it touches a file each second."""

import sys
import time

from worker.settings import WorkerSettings

ALIVE_S = 15


def main() -> int:
    """Compare the file's age."""
    try:
        age = time.time() - WorkerSettings.from_environment().alive_file.stat().st_mtime
    except FileNotFoundError:
        print("the worker's watch has not started")
        return 1
    print(f"the worker's watch was last seen {age:.0f} s ago")
    return 0 if age < ALIVE_S else 1


if __name__ == "__main__":
    sys.exit(main())
