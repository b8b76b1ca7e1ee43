"""A worker that waits for no search for its device."""

from worker import device
from worker.app import app as app

device.PATIENCE_S = 0
