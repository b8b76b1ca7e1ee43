"""The Celery application. It has one task, which takes no arguments.

Each message is a token, which tells a worker to try to claim a job (see `jobs.queue`).
"""

import logging
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging, worker_process_init

from jobs.connection import find_fault
from jobs.logs import logging_config
from jobs.queue import TASK_NAME, make_celery
from jobs.startup import check_store, imports
from worker.settings import WorkerSettings

with imports():
    from worker.reaper import Reaper
    from worker.run import run_next_job
    from worker.stores import Stores
    from worker.sweeper import Sweeper

settings = WorkerSettings.from_environment()
app: Celery = make_celery(settings)
app.steps["worker"].add(Reaper)


@celeryd_init.connect  # type: ignore[untyped-decorator]
def set_up_logging(instance: Any, options: dict[str, Any], **_: Any) -> None:
    """Log in the same format as the API, including Python's warnings.

    Celery prints its banner only if the format is text, because the banner is not JSON.

    Raises
    ------
    SystemExit
        The settings of Redis are wrong.
    """
    if fault := find_fault(settings):  # to try again would not help
        raise SystemExit(fault)
    dictConfig(logging_config(settings.log_format, options.get("loglevel") or logging.INFO))
    logging.captureWarnings(True)
    instance.quiet = settings.log_format == "json"
    check_store(settings)


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_logging(**_: Any) -> None:
    """Do nothing: if this signal has a receiver, Celery does not set up its own logging."""


@worker_process_init.connect  # type: ignore[untyped-decorator]
def start_sweeper(**_: Any) -> None:
    """Sweep the store in the process that runs the jobs."""
    Sweeper(settings).start()


@app.task(name=TASK_NAME, bind=True)  # type: ignore[untyped-decorator]
def train(self: Any) -> None:
    """Run the next job, if there is one."""
    run_next_job(Stores.of(WorkerSettings()), worker=self.request.hostname)
