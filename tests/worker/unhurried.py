"""A worker whose reaper waits an hour between rounds, unless something wakes it."""

import worker.reaper

worker.reaper.PERIOD_S = 3600

from worker.app import app as app  # noqa: E402
