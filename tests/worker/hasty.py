"""A worker whose search for its device never ends, and which waits for it for no time at all."""

from worker import device
from worker.app import app as app

device.SEARCH = "tests.worker.endless"
device.PATIENCE_S = 0
