"""A worker that takes seconds to send its first heartbeat."""

import time

from jobs.store import JobStore
from worker.app import app as app


def begin_late(jobs, worker):
    time.sleep(5)
    begin(jobs, worker)


begin, JobStore.begin = JobStore.begin, begin_late
