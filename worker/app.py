"""The Celery application: one task, which takes no arguments.

A message is an anonymous token that says 'try to claim a job'.
"""

import logging
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, setup_logging

from jobs.logs import logging_config
from jobs.queue import TASK_NAME, make_celery
from jobs.startup import imports
from worker.settings import WorkerSettings

with imports():
    from worker.reaper import Reaper
    from worker.training import Stores, run_next_job

settings = WorkerSettings.from_environment()
app: Celery = make_celery(settings)
app.steps["worker"].add(Reaper)


@celeryd_init.connect  # type: ignore[untyped-decorator]
def set_up_logging(instance: Any, options: dict[str, Any], **_: Any) -> None:
    """Log as the API does, warnings too; the banner is no log line."""
    dictConfig(logging_config(settings.log_format, options.get("loglevel") or logging.INFO))
    logging.captureWarnings(True)
    instance.quiet = settings.log_format == "json"


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_logging(**_: Any) -> None:
    """Do nothing: that there is a receiver keeps Celery from setting up logging of its own."""


@app.task(name=TASK_NAME, bind=True)  # type: ignore[untyped-decorator]
def train(self: Any) -> None:
    """Run the oldest waiting job, if there is one."""
    run_next_job(Stores.of(WorkerSettings()), worker=self.request.hostname)
