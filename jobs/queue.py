"""The Celery queue: its settings, its one task name, and how a token is sent.

A token carries nothing. It tells a worker to try to claim the oldest waiting
job, so a lost token is made up for by any later one and a surplus one does
no harm.
"""

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from jobs.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

QUEUE = "training"
TASK_NAME = "stepbox.train"


def make_celery(settings: Settings) -> "Celery":
    """Make the Celery application that both sides of the queue use."""
    from celery import Celery  # here, for it is a tenth of the API's start

    app = Celery("stepbox", broker=_with_password(settings.redis_url, settings.redis_password))
    app.conf.update(
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        # The record in Redis says what is running, so Celery's own late acknowledgement,
        # which loses and doubles tasks on Redis, stays off, and nothing is reserved ahead.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": 3600,
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
        },
    )
    return app


def send_token(app: "Celery") -> None:
    """Tell the workers that a job waits."""
    app.send_task(TASK_NAME, queue=QUEUE, retry=False, ignore_result=True)


def _with_password(url: str, password: str | None) -> str:
    if password is None:
        return url
    parts = urlsplit(url)
    user = quote(parts.username or "", safe="")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
