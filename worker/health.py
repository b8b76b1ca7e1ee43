"""Health check of the worker: exit with 0 if it is alive and takes jobs, else say why not."""

import sys

from worker.alive import find_fault
from worker.settings import WorkerSettings


def main() -> int:
    """Read the heartbeat file that the worker writes every second."""
    found = find_fault(WorkerSettings.from_environment().alive_file)
    print(found or "the worker is alive")
    return int(found is not None)


if __name__ == "__main__":
    sys.exit(main())
