"""Exit with 0 where the worker's watch is alive and the worker takes jobs, else say why not."""

import sys

from worker.alive import fault
from worker.settings import WorkerSettings


def main() -> int:
    """Read the file that the watch writes each second."""
    found = fault(WorkerSettings.from_environment().alive_file)
    print(found or "the worker is alive")
    return int(found is not None)


if __name__ == "__main__":
    sys.exit(main())
