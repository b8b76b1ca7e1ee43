"""Send tokens from the process that runs the jobs, for the jobs that it submits or wakes."""

import logging

from celery import current_app

from jobs.queue import send_token

log = logging.getLogger(__name__)


def announce(job_class: str) -> None:
    """Let a worker claim a job of this class. Without the token, the reaper sends one later."""
    try:
        send_token(current_app, job_class)
    except Exception as error:
        log.warning("no token was sent: %s", error)
