"""A worker whose first search for its device does not end, and which soon searches again.

It waits for the first one for no time at all. The next one finds the device once the file that
STEPBOX_TEST_REPAIRED names exists.
"""

import os
from pathlib import Path

from worker import device
from worker.app import app as app

device.SEARCH = "tests.worker.endless"
device.PATIENCE_S = 0
device.AGAIN_S = 0.1


def succeeds(search):
    if Path(os.environ["STEPBOX_TEST_REPAIRED"]).exists():
        device.SEARCH, device.PATIENCE_S = "worker.describe", 60
    return look(search)


look, device.RepeatedSearch.succeeds = device.RepeatedSearch.succeeds, succeeds
