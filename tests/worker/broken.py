"""A worker whose search for its device fails, as when torch cannot be imported."""

from worker import device
from worker.app import app as app

device.SEARCH = "tests.worker.no_such_module"
