"""A worker that gives a job back soon if the store does not answer, and waits in `HOLD_DIR`."""

from tests.worker.holding import app as app
from worker import availability, stores

stores.WORKER_PATIENCE_S = 2.0
availability.WAIT_S = 1.0
