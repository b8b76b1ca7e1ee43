"""A worker that removes leftovers in each round of its reaper."""

from worker import reaper
from worker.app import app as app

reaper.SWEEP_S = reaper.CLEAN_UP_S = 0
