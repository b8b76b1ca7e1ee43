"""A worker that removes leftovers all the time."""

from worker import sweeper
from worker.app import app as app

sweeper.SWEEP_S = 0.1
sweeper.CLEAN_UP_S = 0
