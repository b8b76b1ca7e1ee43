"""Move finished jobs to the archive once: ``python -m worker.archive``, or with ``clean-up``.

The sweeper runs this module in a process of its own, for two reasons. The memory that it takes is
not that of a training in the worker's process. And if memory becomes full, the kernel kills this
process, which loses nothing.
"""

import logging
import sys
from contextlib import suppress
from logging.config import dictConfig
from pathlib import Path

from redis.exceptions import RedisError

from jobs.archiving import Archiver
from jobs.logs import logging_config
from stepbox.errors import UnavailableError
from worker.settings import WorkerSettings
from worker.stores import Stores

log = logging.getLogger(__name__)

MOST_LIKELY = "1000"  # to be killed, of all processes


def archiver_of(settings: WorkerSettings, stores: Stores) -> Archiver:
    """Return what moves the jobs that the settings name."""
    days, most = settings.archive_days, settings.archive_jobs
    return Archiver(stores.jobs, stores.archive, days=days, most=most)


def main() -> None:
    """Archive."""
    settings = WorkerSettings.from_environment()
    dictConfig(logging_config(settings.log_format))
    with suppress(OSError):  # only Linux has this file
        Path("/proc/self/oom_score_adj").write_text(MOST_LIKELY)
    archiver = archiver_of(settings, Stores.of(settings))
    try:
        moved = archiver.clean_up() if sys.argv[1:] == ["clean-up"] else archiver.sweep()
    except (OSError, RedisError, UnavailableError) as error:
        log.info("jobs cannot be archived now: %s", error)
        sys.exit(1)
    if moved:
        log.info("%d finished jobs have moved to the archive", moved)


if __name__ == "__main__":
    main()
