"""Health check of the worker: exit with 0 if it is alive and takes jobs, else with 1."""

import sys

from worker.alive import find_fault
from worker.settings import WorkerSettings


def main() -> int:
    """Read the worker's heartbeat file, print what it says, and return the exit status."""
    found = find_fault(WorkerSettings.from_environment().alive_file)
    print(found or "the worker is alive")
    return int(found is not None)


if __name__ == "__main__":
    sys.exit(main())
