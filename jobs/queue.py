"""The Celery queues: their settings, the name of the only task, and how to send a token.

A token is a message without content. It tells a worker to try to claim a queued job. There is one
queue for each class of jobs (see `jobs.routing`), and a worker reads those of the classes it takes.
If a token is lost, a later one has the same effect. If a token arrives twice, the worker finds no
job for the second one, and ignores it.
"""

import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit, urlunsplit

from jobs.routing import FIRST_CLASS
from jobs.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

QUEUE = "training"  # of the class "v1", which version 0.2.0 reads; the others start with it
TASK_NAME = "stepbox.train"


def make_celery(settings: Settings) -> "Celery":
    """Create the Celery application that the API and the worker use."""
    from celery import Celery  # imported late: it takes 10 % of the API's startup

    app = Celery("stepbox", broker=_with_password(settings.redis_url, settings.redis_password))
    app.conf.update(
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        # The job records in Redis say which jobs run. Celery's late acknowledgement is off,
        # because it loses and duplicates tasks on Redis. Prefetching is off, because a busy worker
        # would hold tokens that an idle worker could use.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_use_ssl=_trusted(settings),
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": 3600,
            "priority_steps": [0],  # fewer keys to poll: all tokens are the same
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
        },
    )
    return app


def _trusted(settings: Settings) -> dict[str, Any] | None:
    """Return how Celery checks the certificate of Redis, as `jobs.connection` does."""
    if not settings.redis_url.startswith("rediss:"):
        return None
    ca_file = settings.redis_ca_file
    return {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
        "ssl_ca_certs": str(ca_file) if ca_file else None,
    }


def queue_of(job_class: str) -> str:
    """Return the name of the queue for a class of jobs; ``jobs/lua/reap.lua`` has the same rule."""
    return QUEUE if job_class == FIRST_CLASS else f"{QUEUE}.{job_class}"


def send_token(app: "Celery", job_class: str = FIRST_CLASS) -> None:
    """Send a token, to tell the workers that a job of this class is queued."""
    app.send_task(TASK_NAME, queue=queue_of(job_class), retry=False, ignore_result=True)


def _with_password(url: str, password: str | None) -> str:
    if password is None:
        return url
    parts = urlsplit(url)
    user = quote(parts.username or "", safe="")
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))
