"""The Celery application: one task, which takes no arguments.

A message is an anonymous token that says 'try to claim a job'.
"""

from typing import Any

from celery import Celery

from jobs.queue import TASK_NAME, make_celery
from worker.reaper import Reaper
from worker.settings import WorkerSettings
from worker.training import Stores, run_next_job

app: Celery = make_celery(WorkerSettings())
app.steps["worker"].add(Reaper)


@app.task(name=TASK_NAME, bind=True)  # type: ignore[untyped-decorator]
def train(self: Any) -> None:
    """Run the oldest waiting job, if there is one."""
    run_next_job(Stores.of(WorkerSettings()), worker=self.request.hostname)
